"""Opening people. Every opening names an actor and a purpose, and is on the trail before data is returned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.contacts import search_values
from apps.contacts.models import Appointment, Person, TimelineEvent
from apps.contacts.models.appointment import APPOINTMENT_TABLE
from apps.contacts.models.person import PERSON_TABLE
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.records import PersonRecord
from apps.core import bulk, clock
from apps.core.actors import Actor
from apps.vault import sealing


def open_people(
    *,
    actor: Actor,
    purpose: str,
    ids: Sequence[int],
    action: Action = Action.CONTACT_OPEN,
    reason: str = "",
    with_consents: bool = True,
) -> dict[int, PersonRecord]:
    """Open several people in bulk: id to record. Ids that do not exist or were erased are left out.

    One audit entry for all of them, committed first. Costs three queries, whatever the number.
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    record_read(actor=actor, action=action, kind="person", people=wanted, purpose=purpose, reason=reason)
    found = bulk.run(
        "SELECT id, kek_id, wrapped_profile, wrapped_record, sealed, version, created_at FROM contacts_person"
        " WHERE id = ANY(%s::int8[]) AND erased_at IS NULL",
        [wanted],
    )
    records = {row[0]: _opened(*row) for row in found}
    if with_consents:
        attach_consents(records)
    return records


def open_person(*, actor: Actor, purpose: str, person_id: int, **given: Any) -> PersonRecord | None:
    """Open one person, or None when there is no such (or no longer such a) person."""
    return open_people(actor=actor, purpose=purpose, ids=[person_id], **given).get(person_id)


def opened(row: Person) -> PersonRecord:
    """Open a row that was already audited by the caller. Raises ``SealBroken``."""
    if row.wrapped_profile is None or row.sealed is None:
        raise sealing.SealBroken(f"Person {row.pk} was erased.")
    return _opened(row.pk, row.kek_id, row.wrapped_profile, row.wrapped_record, row.sealed, row.version, row.created_at)


def _opened(
    pk: int,
    kek_id: int,
    wrapped_profile: sealing.Blob,
    wrapped_record: sealing.Blob,
    sealed: sealing.Blob,
    version: int,
    created_at: datetime,
) -> PersonRecord:
    profile_key = sealing.unwrap_profile(kek_id, wrapped_profile, pk)
    return PersonRecord(
        id=pk,
        profile=sealing.open_sealed(profile_key, sealed, table=PERSON_TABLE, row=pk, version=version),
        profile_key=profile_key,
        record_key=sealing.unwrap_record(kek_id, wrapped_record, pk),
        version=version,
        created_at=created_at,
    )


def record_keys(ids: Iterable[int]) -> dict[int, bytes]:
    """The record keys of people, erased ones included: for evidence that outlives the profile."""
    rows = Person.objects.filter(pk__in=list(ids)).values_list("pk", "kek_id", "wrapped_record")
    return {pk: sealing.unwrap_record(kek_id, wrapped, pk) for pk, kek_id, wrapped in rows}


def attach_consents(records: dict[int, PersonRecord]) -> None:
    """Fill in the consent states and the suppressions of the mailboxes; two queries."""
    # An authorization that has run out is none (45 CFR 164.508(b)(2)(i)): as `ConsentState.objects.holding` says it.
    states = bulk.run(
        "SELECT person_id, purpose, state FROM contacts_consentstate WHERE person_id = ANY(%s::int8[])"
        " AND (state <> 'granted' OR expires IS NULL OR expires > %s::timestamptz)",
        [list(records), clock.now()],
    )
    for person_id, purpose, state in states:
        records[person_id].consents[purpose] = state
    mailboxes: dict[bytes, list[PersonRecord]] = defaultdict(list)
    for record in records.values():
        if record.email:
            mailboxes[search_values.mailbox(record.email)].append(record)
    scopes: dict[bytes, set[str]] = defaultdict(set)
    suppressed = bulk.run(
        "SELECT mailbox, scope FROM contacts_suppression WHERE mailbox = ANY(%s::bytea[])", [list(mailboxes)]
    )
    for mailbox, scope in suppressed:
        scopes[mailbox].add(scope)
    for mailbox, found in scopes.items():
        for record in mailboxes[mailbox]:
            record.suppressions = frozenset(found)


def load_events(records: dict[int, PersonRecord], groups: Sequence[int] = ()) -> None:
    """Fill in ``events`` of opened people (newest recorded last), only those of ``groups`` when given."""
    for record in records.values():
        record.events = []
    rows = TimelineEvent.objects.filter(person_id__in=records).order_by("id")
    if groups:
        rows = rows.filter(groups__overlap=list(groups))
    for row in rows.iterator(chunk_size=5_000):
        found = records[row.person_id]
        assert found.events is not None
        found.events.append(open_event(row, found.profile_key))


def open_event(row: TimelineEvent, profile_key: bytes) -> dict[str, Any]:
    """The facts of a timeline row, with ``id`` and ``recorded_at``."""
    facts = sealing.open_sealed(profile_key, row.sealed, table=EVENT_TABLE, row=row.pk)
    return {**facts, "id": row.pk, "recorded_at": row.recorded_at}


def load_appointments(records: dict[int, PersonRecord]) -> None:
    """Fill in ``appointments`` of opened people, in order of their start."""
    for record in records.values():
        record.appointments = []
    rows = bulk.run(
        "SELECT id, person_id, sealed, version FROM contacts_appointment WHERE person_id = ANY(%s::int8[])",
        [list(records)],
    )
    for pk, person_id, sealed, version in rows:
        found = records[person_id]
        assert found.appointments is not None
        found.appointments.append(_appointment(pk, sealed, version, found.profile_key))
    for record in records.values():
        assert record.appointments is not None
        record.appointments.sort(key=lambda appointment: appointment["start"])


def open_appointment(row: Appointment, profile_key: bytes) -> dict[str, Any]:
    """The facts of an appointment, with ``id`` and ``version``."""
    return _appointment(row.pk, row.sealed, row.version, profile_key)


def _appointment(pk: int, sealed: sealing.Blob, version: int, profile_key: bytes) -> dict[str, Any]:
    facts = sealing.open_sealed(profile_key, sealed, table=APPOINTMENT_TABLE, row=pk, version=version)
    return {**facts, "id": pk, "version": version}
