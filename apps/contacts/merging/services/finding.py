"""The job that looks for people who are on record twice, and what is decided about a pair.

Everybody's match keys are keyed values of their own table. A full search writes them anew, a thousand people at a time;
then, by the thousand again, pairs that share a key are found in one statement, opened, and judged. A key that more than
``CROWD`` people share (a clinic's own mailbox, an invented telephone) nominates nobody: pairs of it would grow with its
square. People of an import, or of a merge, are looked for among everybody's keys.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.changes import identity_facts
from apps.contacts.merging import judging
from apps.contacts.models import DuplicatePair, DuplicateSearch, MatchKey, Person
from apps.contacts.person import selectors
from apps.contacts.person.records import PersonRecord
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import int8_array
from apps.core.errors import Refused
from apps.jobs import waking
from apps.jobs.runner import Lost, Runner
from apps.vault.sealing import SealBroken

CHUNK = 1_000
CROWD = 20
LISTED = 50_000
"""Above so many people a search among everybody is cheaper than one of theirs."""
State, Phase = DuplicateSearch.State, DuplicateSearch.Phase


# -- Beginning and ending --------------------------------------------------------------------------------------


@transaction.atomic
def search_start(*, actor: Actor) -> DuplicateSearch:
    """Look for duplicates among everybody. Raises ``Refused`` while such a search is under way."""
    running = DuplicateSearch.objects.select_for_update().filter(state=State.RUNNING, people__isnull=True)
    if running.exists():
        raise Refused("duplicates.under_way", "A search is under way already. Its progress is on this page.")
    job = DuplicateSearch(total=_everybody())
    return _begin(actor, job)


def search_of(*, actor: Actor, people: Collection[int]) -> DuplicateSearch | None:
    """Look for duplicates of some people, in the caller's transaction; None for nobody, or where a search waits."""
    wanted = sorted(set(people))
    if not wanted:
        return None
    if len(wanted) > LISTED:
        if DuplicateSearch.objects.filter(state=State.RUNNING, people__isnull=True, phase=Phase.KEYS).exists():
            return None
        return _begin(actor, DuplicateSearch(total=_everybody()))
    return _begin(actor, DuplicateSearch(total=len(wanted), people=wanted))


def _everybody() -> int:
    return Person.objects.filter(erased_at__isnull=True).count()


def _begin(actor: Actor, job: DuplicateSearch) -> DuplicateSearch:
    job.act_for(actor)
    job.save()
    record(actor=actor, action=Action.DUPLICATE_SEARCH, kind="duplicates", subject=job.pk, codes={"people": job.total})
    waking.wake("apps.contacts.tasks.duplicates_find", job.pk)
    return job


@transaction.atomic
def search_cancel(*, actor: Actor, search_id: int) -> None:
    """Stop a search after the people at hand; pairs found so far stay."""
    job = DuplicateSearch.objects.select_for_update().filter(pk=search_id).first()
    if job is None or not job.under_way:
        raise Refused("duplicates.finished", "This search is finished; there is nothing to cancel.")
    job.stop = True
    if job.lease_until is None:
        job.end(State.CANCELLED)
    job.save()
    record(actor=actor, action=Action.DUPLICATE_SEARCH, kind="duplicates", subject=job.pk, codes={"canceled": 1})


@transaction.atomic
def search_resume(*, actor: Actor, search_id: int) -> None:
    """Go on with a search that was stopped or failed, from where it stood."""
    job = DuplicateSearch.objects.select_for_update().filter(pk=search_id).first()
    if job is None or job.state not in (State.CANCELLED, State.FAILED):
        raise Refused("duplicates.not_stopped", "Only a search that was stopped can go on.")
    job.begin(State.RUNNING)
    job.stop = False
    job.act_for(actor)
    job.save()
    record(actor=actor, action=Action.DUPLICATE_SEARCH, kind="duplicates", subject=job.pk, codes={"resumed": 1})
    waking.wake("apps.contacts.tasks.duplicates_find", job.pk)


@transaction.atomic
def pair_different(*, actor: Actor, pair_id: int) -> None:
    """The two are not the same person: remembered, and never proposed again."""
    pair = DuplicatePair.objects.select_for_update().filter(pk=pair_id, state=DuplicatePair.State.OPEN).first()
    if pair is None:
        raise Refused("duplicates.decided", "Somebody decided about this pair meanwhile. The list shows what is open.")
    _decide(actor, pair)


@transaction.atomic
def people_different(*, actor: Actor, one: int, other: int) -> None:
    """Two people whom somebody compared are not the same person, whether or not they were proposed."""
    first, second = sorted((one, other))
    if Person.objects.filter(pk__in=[first, second], erased_at__isnull=True).count() != 2:
        raise Refused("person.unknown", "There is no such person any more.")
    pair, _ = DuplicatePair.objects.get_or_create(
        first_id=first, second_id=second, defaults={"strength": DuplicatePair.Strength.POSSIBLE}
    )
    _decide(actor, pair)


def _decide(actor: Actor, pair: DuplicatePair) -> None:
    if identity_facts.must_wait(actor):
        raise Refused("merge.not_allowed", "Only care staff and administrators decide whether two people are the same.")
    pair.state, pair.decided_at = DuplicatePair.State.DIFFERENT, clock.now()
    pair.decided_by_id = int(actor.id) if actor.kind == "staff" and actor.id.isdigit() else None
    pair.save(update_fields=["state", "decided_at", "decided_by"])
    record(
        actor=actor,
        action=Action.DUPLICATE_DECLINE,
        kind="duplicates",
        subject=pair.pk,
        people=[pair.first_id, pair.second_id],
    )


# -- The work --------------------------------------------------------------------------------------------------


def _work(job: DuplicateSearch, worker: str) -> None:
    while _chunk(job.pk, worker):
        pass


def _fail(job: DuplicateSearch, worker: str, _error: Exception | None) -> None:
    DuplicateSearch.objects.filter(pk=job.pk, worker=worker).update(
        state=State.FAILED, finished_at=clock.now(), lease_until=None
    )


@transaction.atomic
def _chunk(job_id: int, worker: str) -> bool:
    """The next people of the job's phase; False when it is over, was stopped, or is not ours any more."""
    job = DuplicateSearch.objects.select_for_update().get(pk=job_id)
    if not job.is_held_by(worker):
        raise Lost
    if job.stop:
        job.end(State.CANCELLED)
        job.save()
        return False
    people = _next_people(job)
    if not people:
        more = _next_phase(job)
        job.save()
        return more
    if job.phase == Phase.KEYS:
        _write_keys(job, people)
    else:
        job.found += _find_pairs(job, people)
    job.after = people[-1]
    job.done += len(people) if job.phase == Phase.PAIRS else 0
    job.renew()
    job.save()
    return True


def _next_people(job: DuplicateSearch) -> list[int]:
    if job.people is not None:
        return [person for person in job.people if person > job.after][:CHUNK]
    living = Person.objects.filter(pk__gt=job.after, erased_at__isnull=True).order_by("pk")
    return list(living.values_list("pk", flat=True)[:CHUNK])


def _next_phase(job: DuplicateSearch) -> bool:
    if job.phase == Phase.KEYS:
        job.phase, job.after = Phase.PAIRS, 0
        job.renew()
        return True
    job.crowded = _crowded(job)
    job.end(State.DONE)
    return False


def _open(job: DuplicateSearch, ids: Iterable[int]) -> dict[int, PersonRecord]:
    rows = list(Person.objects.filter(pk__in=set(ids), erased_at__isnull=True).order_by("pk"))
    if not rows:
        return {}
    record_read(
        actor=job.actor,
        action=Action.CONTACT_OPEN,
        kind="duplicates",
        subject=job.pk,
        people=[row.pk for row in rows],
        purpose="find duplicates",
    )
    found = {}
    for row in rows:
        # Whose seal is broken cannot be compared; nothing would be gained by coming back.
        with suppress(SealBroken):
            found[row.pk] = selectors.opened(row)
    return found


def _write_keys(job: DuplicateSearch, people: Sequence[int]) -> None:
    pairs = sorted(
        (key, person) for person, opened in _open(job, people).items() for key in judging.keys(opened.profile)
    )
    MatchKey.objects.filter(person_id__in=people).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO contacts_matchkey (key, person_id)"
            " SELECT k.key, k.person FROM unnest(%s::bigint[], %s::bigint[]) AS k(key, person)"
            " JOIN contacts_person p ON p.id = k.person AND p.erased_at IS NULL ORDER BY 1, 2 ON CONFLICT DO NOTHING",
            [int8_array(key for key, _ in pairs), int8_array(person for _, person in pairs)],
        )


_NOMINATED = """
WITH mine AS (SELECT person_id, key FROM contacts_matchkey WHERE person_id = ANY(%(people)s::bigint[])),
     few AS (SELECT m.key FROM (SELECT DISTINCT key FROM mine) m
             WHERE (SELECT count(*) FROM (SELECT 1 FROM contacts_matchkey k WHERE k.key = m.key LIMIT %(crowd)s + 1) c)
                   BETWEEN 2 AND %(crowd)s)
SELECT DISTINCT least(m.person_id, o.person_id), greatest(m.person_id, o.person_id)
FROM few JOIN mine m USING (key) JOIN contacts_matchkey o ON o.key = m.key AND o.person_id <> m.person_id
WHERE (%(everybody)s IS FALSE OR o.person_id < m.person_id)
  AND NOT EXISTS (SELECT 1 FROM contacts_duplicatepair d WHERE d.first_id = least(m.person_id, o.person_id)
                  AND d.second_id = greatest(m.person_id, o.person_id))
ORDER BY 1, 2
"""


def _find_pairs(job: DuplicateSearch, people: Sequence[int]) -> int:
    """New pairs of ``people`` with others who share a key; each pair is looked at once, and judged as it stands."""
    with connection.cursor() as cursor:
        cursor.execute(_NOMINATED, {"people": int8_array(people), "crowd": CROWD, "everybody": job.people is None})
        nominated = cursor.fetchall()
    found = 0
    for start in range(0, len(nominated), CHUNK):
        chunk = nominated[start : start + CHUNK]
        opened = _open(job, {person for pair in chunk for person in pair})
        pairs = []
        for first, second in chunk:
            if first in opened and second in opened:
                judged = judging.judge(opened[first].profile, opened[second].profile)
                if judged is not None:
                    pairs.append(
                        DuplicatePair(
                            first_id=first, second_id=second, strength=judged.strength, reasons=list(judged.reasons)
                        )
                    )
        DuplicatePair.objects.bulk_create(pairs, ignore_conflicts=True)
        found += len(pairs)
    return found


def _crowded(job: DuplicateSearch) -> int:
    """How many match keys too many people share: of everybody, or of the people of this search."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT key FROM contacts_matchkey WHERE %s::bigint[] IS NULL OR key IN"
            " (SELECT key FROM contacts_matchkey WHERE person_id = ANY(%s::bigint[]))"
            " GROUP BY key HAVING count(*) > %s) k",
            [*[None if job.people is None else int8_array(job.people)] * 2, CROWD],
        )
        return int(cursor.fetchone()[0])


RUNNER = Runner(DuplicateSearch, _work, _fail, refusals=())
work, due = RUNNER.run, RUNNER.due
