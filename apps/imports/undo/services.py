"""An import taken back: people it made, values it changed, events and appointments it added.

Chunk by chunk, the last one first, each in one transaction. What somebody touched since stays: people who were
edited, written to or visited since are kept, a value that was changed since keeps its newer one, and a consent that
was withdrawn since stays withdrawn. What an import replaced is kept for ``KEEP``, sealed under the keys of the people.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.appointments.services import (
    GivenAppointment,
    HeldVisit,
    appointments_doubts_back,
    appointments_remove,
    appointments_take_over,
)
from apps.contacts.changes import identity_facts
from apps.contacts.changes.pending import corresponding, pending_changes_add, pending_changes_withdraw
from apps.contacts.consent.services import NewConsent, consents_forget, consents_record
from apps.contacts.models import Appointment, ConsentState, Person, TimelineEvent
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.person import selectors as contacts
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.services import contacts_change, contacts_take_back
from apps.contacts.tags.definitions import tags_given
from apps.contacts.tags.services import tags_take_back
from apps.contacts.timeline.clinical import coded
from apps.contacts.timeline.services import ChangedEvent, NewEvent, events_change, events_remove
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import int8_array, next_ids
from apps.core.errors import Refused
from apps.imports.models import BEFORE_TABLE, ImportBefore, ImportedPeople, ImportJob, ImportUndo
from apps.imports.services.people import at, open_many
from apps.jobs import waking
from apps.jobs.runner import Lost, Runner
from apps.vault import sealing

KEEP = timedelta(days=30)
"""How long an import can be taken back."""
MOST_LISTED = 200
State = ImportUndo.State
RESUMABLE = (State.CANCELLED, State.FAILED)
CHANNEL = "carelane_import_undo"
"""Told when a worker lets go of an undo; see ``core.notify``."""
FIGURES = ("removed", "kept", "back", "since", "events", "appointments", "consents", "stayed", "tags")


@dataclass(frozen=True)
class Foretold:
    """What an undo would do now: people who go and who stay, people who get their values back and who were edited
    since, events, appointments and tags that go; ``until`` it is possible.
    """

    removed: int
    kept: int
    back: int
    since: int
    events: int
    appointments: int
    tags: int
    until: datetime


def undo_until(job: ImportJob) -> datetime | None:
    """Until when an import can be taken back; None where there is nothing to take back, or it is under way."""
    ran = job.opened().get("pass") == ImportJob.State.RUNNING
    if job.under_way or not ran or job.finished_at is None or not job.people.exists():
        return None
    return job.finished_at + KEEP


def _undoable(job: ImportJob) -> datetime:
    until = undo_until(job)
    if until is None:
        raise Refused(
            "import.nothing_to_undo", "This import is under way or changed nothing, so nothing can be undone."
        )
    if until < clock.now():
        raise Refused(
            "import.undo_too_late",
            f"What an import replaced is kept for {KEEP.days} days. They are over, so it cannot be undone any more.",
        )
    return until


def undo_foretold(*, job: ImportJob) -> Foretold:
    """What an undo would do, in numbers; nobody is opened. Raises ``Refused`` when it is not possible."""
    until = _undoable(job)
    made: set[int] = set()
    events: list[int] = []
    appointments: list[int] = []
    free: set[int] = set()
    chunks = list(job.people.all())
    for chunk in chunks:
        events += chunk.events
        appointments += chunk.appointments
    for chunk in chunks:
        made.update(chunk.made)
        free |= _untouched(job, chunk.made, events)
    rows = ImportBefore.objects.filter(chunk__job=job, version__gt=0).exclude(person_id__in=made)
    versions = dict(rows.values_list("person_id", "version"))
    now = dict(Person.objects.filter(pk__in=versions, erased_at__isnull=True).values_list("pk", "version"))
    back = sum(versions[person] == version for person, version in now.items())
    return Foretold(
        removed=len(free),
        kept=len(made) - len(free),
        back=back,
        since=len(now) - back,
        events=TimelineEvent.objects.filter(pk__in=events).count(),
        appointments=Appointment.objects.filter(pk__in=appointments, version=1).count(),
        tags=tags_given(job.pk, [person for chunk in chunks for person in chunk.tagged]),
        until=until,
    )


@transaction.atomic
def undo_start(*, actor: Actor, job_id: int) -> ImportUndo:
    """Begin the undo of an import, or go on with one that was canceled or failed, where it stopped.

    Raises ``Refused`` when it is not possible, or was asked for already.
    """
    job = ImportJob.objects.select_for_update().filter(pk=job_id).first()
    if job is None:
        raise Refused("import.unknown", "There is no such import any more.")
    if ImportUndo.objects.filter(job=job).exclude(state__in=RESUMABLE).exists():
        raise Refused("import.undone", "This import was undone already, or is just being undone.")
    _undoable(job)
    undo = ImportUndo.objects.filter(job=job).first()
    if undo is None:
        undo = ImportUndo(id=next_ids("imports_undo", 1)[0], job=job, version=0, total=job.people.count())
        undo.reseal(dict.fromkeys(FIGURES, 0) | {"kept_people": [], "since_people": []})
    undo.begin(State.RUNNING)
    undo.act_for(actor)
    undo.save()
    record(actor=actor, action=Action.IMPORT_UNDO, kind="import", subject=job.pk, codes={"chunks": undo.total})
    # What still waits of the import is asked for by nobody any more; what the undo puts back may wait itself.
    pending_changes_withdraw(actor=actor, job=job.pk)
    waking.wake("apps.imports.tasks.import_undo_work", undo.pk)
    return undo


@transaction.atomic
def undo_cancel(*, actor: Actor, job_id: int) -> None:
    """Stop an undo after the chunk at hand; what it did stays done, and ``undo_start`` goes on with the rest.

    Raises ``Refused`` when none is under way.
    """
    undo = ImportUndo.objects.select_for_update().filter(job=job_id).first()
    if undo is None or not undo.under_way:
        raise Refused("import.undo_finished", "No undo of this import is under way; there is nothing to cancel.")
    undo.stop = True
    if undo.lease_until is None:
        undo.end(State.CANCELLED)
    undo.save()
    record(actor=actor, action=Action.IMPORT_CANCEL, kind="import", subject=job_id, codes={"undone": undo.done})


def _work(undo: ImportUndo, worker: str) -> None:
    for chunk_id in list(undo.job.people.filter(undone=False).order_by("-pk").values_list("pk", flat=True)):
        with transaction.atomic():
            held = ImportUndo.objects.select_for_update().get(pk=undo.pk)
            if not held.is_held_by(worker):
                raise Lost
            if held.stop:
                held.end(State.CANCELLED)
                held.save()
                return
            data = held.opened()
            _take_back(held.actor, undo.job, ImportedPeople.objects.get(pk=chunk_id), data)
            held.done += 1
            held.renew()
            held.reseal(data)
            held.save()
    with transaction.atomic():
        held = ImportUndo.objects.select_for_update().get(pk=undo.pk)
        if not held.is_held_by(worker):
            raise Lost
        held.end(State.DONE)
        held.save()


def _fail(undo: ImportUndo, worker: str, error: Exception | None) -> None:
    if ImportUndo.objects.get(pk=undo.pk).is_held_by(worker):
        undo.refresh_from_db()
        undo.end(State.FAILED)
        undo.save()


RUNNER = Runner(ImportUndo, _work, _fail, channel=CHANNEL)
work, due = RUNNER.run, RUNNER.due


def _take_back(actor: Actor, job: ImportJob, chunk: ImportedPeople, data: dict[str, Any]) -> None:
    """One chunk: what it added goes, what it replaced comes back, whom it made goes unless touched since."""
    before = list(chunk.before.order_by("pk"))
    people = open_many(actor, sorted({*chunk.changed, *(row.person_id for row in before)}), job.pk)
    keys = {number: person.profile_key for number, person in people.items()}
    gone = appointments_remove(ids=chunk.appointments)
    data["appointments"] += gone
    data["stayed"] += len(chunk.appointments) - gone
    data["events"] += events_remove(ids=chunk.events, profile_keys=keys)
    told: list[tuple[PersonRecord, dict[str, Any]]] = []
    for row in before:
        if row.person_id in people:
            person = people[row.person_id]
            told.append((person, sealing.open_sealed(person.profile_key, row.sealed, table=BEFORE_TABLE, row=row.pk)))
    if chunk.tagged:
        data["tags"] = data.get("tags", 0) + tags_take_back(actor=actor, import_id=job.pk, people=chunk.tagged)
    _events_back([(person, facts) for person, facts in told if "event" in facts], data)
    _doubts_back(actor, job, [(person, facts) for person, facts in told if "doubt" in facts], data)
    _appointments_back(actor, job, [(person, facts) for person, facts in told if "appointment" in facts], data)
    ours = _made_by(job, [person.id for person, _ in told])
    _profiles_back(actor, job, [(p, facts) for p, facts in told if "fields" in facts and p.id not in ours], data)
    free = _untouched(job, chunk.made, [])
    contacts_take_back(actor=actor, ids=sorted(free), action=Action.IMPORT_UNDO, subject=job.pk)
    data["removed"] += len(free)
    kept = [person for person in chunk.made if person not in free]
    data["kept"] += len(kept)
    data["kept_people"] = [*data["kept_people"], *kept][:MOST_LISTED]
    chunk.undone = True
    chunk.save(update_fields=["undone"])


def _untouched(job: ImportJob, made: Sequence[int], events: Sequence[int]) -> set[int]:
    own = ImportBefore.objects.filter(chunk__job=job, version=2, person_id__in=made)
    free = contacts.untouched(made, own_events=events, own_changes=list(own.values_list("person_id", flat=True)))
    return free - corresponding(sorted(free))


def _made_by(job: ImportJob, people: Sequence[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p FROM imports_people ip, unnest(ip.made) AS p WHERE ip.job_id = %s AND p = ANY(%s::bigint[])",
            [job.pk, int8_array(people)],
        )
        return {row[0] for row in cursor.fetchall()}


def _profiles_back(
    actor: Actor, job: ImportJob, told: Sequence[tuple[PersonRecord, dict[str, Any]]], data: dict[str, Any]
) -> None:
    profiles: dict[int, dict[str, Any]] = {}
    waiting: dict[int, dict[str, Any]] = {}
    people = {person.id: person for person, _ in told}
    behind = corresponding(sorted(people)) if identity_facts.must_wait(actor) else set()
    for person, facts in told:
        profile, newer = _restored(profiles.get(person.id, person.profile), facts["fields"])
        if identity_facts.must_wait(actor):
            profile, held = identity_facts.split(person.profile, profile, corresponds=person.id in behind)
            if held:
                waiting[person.id] = held
        profiles[person.id] = profile
        if newer:
            data["since"] += 1
            data["since_people"] = [*data["since_people"], person.id][:MOST_LISTED]
        else:
            data["back"] += 1
    _consents_back(actor, job, told, data)
    pending_changes_add(actor=actor, people=people, facts=waiting)
    if profiles:
        before = {number: person.profile for number, person in people.items()}
        contacts_change(actor=actor, profiles=profiles, action=Action.IMPORT_UNDO, subject=job.pk, before=before)


def _restored(profile: Mapping[str, Any], changed: Mapping[str, Sequence[Any]]) -> tuple[dict[str, Any], bool]:
    """The profile with what was there before, and whether a value was changed since and stays."""
    found, newer = copy.deepcopy(dict(profile)), False
    for name, (before, after) in changed.items():
        if at(found, name) != after:
            newer = newer or at(found, name) != before
            continue
        first, _, rest = name.partition(".")
        holder = found.setdefault(first, {}) if rest else found
        if before is None:
            holder.pop(rest or first, None)
        else:
            holder[rest or first] = before
        if rest and not found[first]:
            del found[first]
    return found, newer


def _consents_back(
    actor: Actor, job: ImportJob, told: Sequence[tuple[PersonRecord, dict[str, Any]]], data: dict[str, Any]
) -> None:
    """Grants that came by the import go, unless the person spoke since. A refusal stays, however it came."""
    given = {
        (person.id, purpose): before
        for person, facts in told
        for purpose, (before, after) in facts.get("consents", {}).items()
        if after == "granted" and before != "granted"
    }
    if not given:
        return
    states = ConsentState.objects.filter(
        person_id__in={person for person, _ in given}, state="granted", since__lte=job.finished_at
    )
    still = {(row.person_id, row.purpose) for row in states} & given.keys()
    people = {person.id: person for person, _ in told}
    consents_forget(pairs=sorted(pair for pair in still if given[pair] is None))
    again = [
        NewConsent(person, purpose, "denied", clock.clinic_day(), f"import {job.pk} undone")
        for person, purpose in sorted(still)
        if given[person, purpose] == "denied"
    ]
    consents_record(
        actor=actor,
        consents=again,
        record_keys={number: person.record_key for number, person in people.items()},
        profile_keys={number: person.profile_key for number, person in people.items()},
        subject=job.pk,
    )
    data["consents"] += len(still)


def _events_back(told: Sequence[tuple[PersonRecord, dict[str, Any]]], data: dict[str, Any]) -> None:
    """Events that the import changed, as they were, unless they were changed once more since."""
    rows = {row.pk: row for row in TimelineEvent.objects.filter(pk__in=[facts["event"] for _, facts in told])}
    changes = []
    for person, facts in told:
        row = rows.get(facts["event"])
        if row is None:
            continue
        now = sealing.open_sealed(person.profile_key, row.sealed, table=EVENT_TABLE, row=row.pk)
        if now != facts["after"]:
            data["stayed"] += 1
            continue
        before = {name: value for name, value in facts["facts"].items() if name not in ("kind", "on", "sets")}
        kind, on = str(facts["facts"]["kind"]), datetime.fromisoformat(facts["facts"]["on"]).date()
        known, groups = coded(kind, before)
        event = NewEvent(person.id, kind, on, "", known, groups, str(known.get("code") or ""))
        changes.append(ChangedEvent(row.pk, event, person.profile_key))
    data["events"] += events_change(changes=changes)


def _doubts_back(
    actor: Actor, job: ImportJob, told: Sequence[tuple[PersonRecord, dict[str, Any]]], data: dict[str, Any]
) -> None:
    """Visits that the import was in doubt about are as sure as before it, unless somebody decided since."""
    held = [
        HeldVisit(facts["doubt"], person.id, person.profile_key, facts["before"], facts["after"])
        for person, facts in told
    ]
    if held:
        back = appointments_doubts_back(actor=actor, held=held, subject=job.pk)
        data["appointments"] += back
        data["stayed"] += len(held) - back


def _appointments_back(
    actor: Actor, job: ImportJob, told: Sequence[tuple[PersonRecord, dict[str, Any]]], data: dict[str, Any]
) -> None:
    """Appointments that the import changed, as they were, unless they were moved or closed since.

    A doubt that the import lifted is there again; one that came since stays.
    """
    rows = {row.pk: row for row in Appointment.objects.filter(pk__in=[facts["appointment"] for _, facts in told])}
    names = {each.name for each in fields(GivenAppointment)} - {"person_id", "external", "start"}
    changed: dict[int, tuple[GivenAppointment, dict[str, Any]]] = {}
    for person, facts in told:
        row, before = rows.get(facts["appointment"]), facts["facts"]
        if row is None:
            continue
        now = contacts.open_appointment(row, person.profile_key)
        if any(now.get(name) != value for name, value in facts["after"].items()):
            data["stayed"] += 1
            continue
        given = {name: before[name] for name in names if name in before}
        given["held"] = now.get("held", before.get("held"))
        start = datetime.fromisoformat(before["start"])
        changed[row.pk] = (GivenAppointment(person_id=person.id, external="", start=start, **given), now)
    if changed:
        keys = {person.id: person.profile_key for person, _ in told}
        appointments_take_over(actor=actor, new=[], changed=changed, profile_keys=keys, subject=job.pk)
        data["appointments"] += len(changed)


def before_clear(*, actor: Actor) -> int:
    """Delete what imports replaced once nobody can take them back any more; returns of how many imports."""
    old = ImportBefore.objects.filter(chunk__job__finished_at__lt=clock.now() - KEEP)
    jobs = sorted(set(old.values_list("chunk__job_id", flat=True)))
    for job_id in jobs:
        with transaction.atomic():
            ImportBefore.objects.filter(chunk__job_id=job_id).delete()
            record(actor=actor, action=Action.IMPORT_CHANGE, kind="import", subject=job_id, fields=["before"])
    return len(jobs)
