"""Giving a tag to many people, or taking it from them: a job, chunk by chunk, that can be stopped and go on.

Who they are is decided when a worker begins: the people of a search, of a segment, or those that somebody chose. What
decides flows into the tag, so the level of the source is asked each time, too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts import sources
from apps.contacts.models import Tag, TagJob
from apps.contacts.models.tag import TAG_JOB_TABLE
from apps.contacts.tags import services
from apps.contacts.tags.definitions import opened
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.jobs import waking
from apps.jobs.runner import Lost, Runner

State, Act = TagJob.State, TagJob.Act
CHOSEN = "chosen"
"""The people that somebody marked in a list, by their ids."""
CHUNK = 5_000
MOST_CHOSEN = 1_000


@transaction.atomic
def tag_job_create(
    *,
    actor: Actor,
    tag_id: int,
    act: str,
    source: str = sources.LIST,
    source_id: int | None = None,
    text: str = "",
    filters: dict[str, str] | None = None,
    people: Sequence[int] = (),
) -> TagJob:
    """Ask for a tag to be given to everybody of a source, or taken (``TagJob.Act``).

    ``text`` and ``filters`` are those of the contact list, ``people`` the ids of those who were chosen. Raises
    ``Refused`` for a tag or source that is not there, and for a tag protected less than being among these people.
    """
    if act not in Act.values:
        raise Refused("tag.act_unknown", "Choose whether to add the tag or to remove it.")
    if source == CHOSEN and not 0 < len(people) <= MOST_CHOSEN:
        raise Refused("tag.nobody_chosen", f"Choose one to {MOST_CHOSEN:,} people first.")
    row = Tag.objects.filter(pk=tag_id).first()
    if row is None:
        raise Refused("tag.unknown", "There is no such tag.")
    data = {"text": text, "filters": filters or {}, "people": sorted(set(people))}
    # Who loses a tag tells as much as who gets it.
    services.ensure_protected(opened(row), _level(source, source_id, data))
    job = TagJob(
        id=next_ids(TAG_JOB_TABLE, 1)[0], tag_id=tag_id, act=act, source=source, source_id=source_id, version=0
    )
    job.act_for(actor)
    job.reseal(data)
    job.save(force_insert=True)
    codes: dict[str, Any] = {"act": act, "tags": [tag_id], "source": source, "source_id": source_id or 0}
    record(actor=actor, action=Action.TAG_APPLY, kind="job", subject=job.pk, codes=codes)
    waking.wake("apps.contacts.tasks.tag_work", job.pk)
    return job


@transaction.atomic
def tag_job_cancel(*, actor: Actor, job_id: int) -> None:
    """Stop after the people at hand; whoever was tagged keeps it, and the job can go on later."""
    job = _locked(job_id)
    if not job.under_way:
        raise Refused("tag.job_finished", "This is finished; there is nothing to cancel.")
    job.stop = True
    if job.lease_until is None:
        job.end(State.CANCELLED)
    job.save()
    record(actor=actor, action=Action.TAG_CANCEL, kind="job", subject=job.pk, codes={"done": job.done})


@transaction.atomic
def tag_job_resume(*, actor: Actor, job_id: int) -> None:
    """Go on behind the people that are done. Raises ``Refused`` for a job that is finished or under way."""
    job = _locked(job_id)
    if job.state not in (State.CANCELLED, State.FAILED):
        raise Refused("tag.job_not_stopped", "Only what was canceled or failed can go on.")
    job.begin(State.RUNNING)
    job.act_for(actor)
    job.save()
    record(actor=actor, action=Action.TAG_RESUME, kind="job", subject=job.pk, codes={"done": job.done})
    waking.wake("apps.contacts.tasks.tag_work", job.pk)


def origin(source: str, source_id: int | None) -> str:
    """What the people come from, for staff. Raises ``Refused`` when it is not there any more."""
    return sources.source_name(sources.LIST if source == CHOSEN else source, source_id)


# The work


def _level(source: str, source_id: int | None, data: dict[str, Any]) -> Level:
    """How much being among the people tells; those who were chosen were chosen in a list that was searched."""
    kind = sources.LIST if source == CHOSEN else source
    return sources.source_level(kind, source_id, data["text"], data["filters"])


def _work(job: TagJob, worker: str) -> None:
    data = job.opened()
    if job.source == CHOSEN:
        ids: Sequence[int] = data["people"]
    else:
        ids = sources.source_ids(job.source, job.source_id, data["text"], data["filters"])
    level = _level(job.source, job.source_id, data)
    if (row := Tag.objects.filter(pk=job.tag_id).first()) is not None:
        services.ensure_protected(opened(row), level)
    start = bisect_right(ids, job.after)
    while _chunk(job.pk, worker, ids[start : start + CHUNK], start, len(ids), level):
        start += CHUNK


@transaction.atomic
def _chunk(job_id: int, worker: str, people: Sequence[int], before: int, total: int, level: Level) -> bool:
    """The next people; False when there are no more. Raises ``Lost`` when the job is not ours any more or stopped."""
    job = _locked(job_id)
    if not job.is_held_by(worker):
        raise Lost
    if job.stop:
        job.end(State.CANCELLED)
        job.save()
        return False
    pairs = [(person, job.tag_id) for person in people]
    if job.act == Act.ADD:
        changed = services.tags_give(actor=job.actor, pairs=pairs, level=level, subject=job.pk, kind="job")
    else:
        changed = services.tags_take(actor=job.actor, pairs=pairs, subject=job.pk, kind="job")
    job.total, job.done = total, before + len(people)
    job.changed += len(changed)
    if people:
        job.after = people[-1]
    job.renew()
    if more := job.done < total:
        job.save()
    else:
        job.end(State.DONE)
        job.save()
    return more


@transaction.atomic
def _fail(job: TagJob, worker: str, error: Exception | None) -> None:
    row = _locked(job.pk)
    if row.is_held_by(worker):
        row.reseal({**row.opened(), "problem": "" if error is None else str(error)})
        row.end(State.FAILED)
        row.save()


RUNNER = Runner(TagJob, _work, _fail)
work, due = RUNNER.run, RUNNER.due


def _locked(job_id: int) -> TagJob:
    job = TagJob.objects.select_for_update().filter(pk=job_id).first()
    if job is None:
        raise Refused("tag.job_unknown", "There is no such job.")
    return job
