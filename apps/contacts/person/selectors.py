"""Opening people. Every opening names an actor and a purpose, and is on the trail before data is returned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.contacts.models import Appointment, Person, PersonIdentity, TimelineEvent
from apps.contacts.models.appointment import APPOINTMENT_TABLE
from apps.contacts.models.person import PERSON_TABLE
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.person import search_values
from apps.contacts.person.records import PersonRecord
from apps.contacts.suppressions.register import macs
from apps.contacts.timeline import results
from apps.core import clock, zones
from apps.core.actors import Actor
from apps.core.bulk import bytea_array, int8_array
from apps.vault import sealing
from apps.vault.sealing import Blob


def open_people(
    *,
    actor: Actor,
    purpose: str,
    ids: Sequence[int],
    action: Action = Action.CONTACT_OPEN,
    reason: str = "",
    with_consents: bool = True,
    subject: str | int | None = None,
    guardians: bool = True,
) -> dict[int, PersonRecord]:
    """Open several people in bulk: id to record. Ids that do not exist or were erased are left out.

    One audit entry for all of them, committed first. Costs three queries, whatever the number, and one more where there
    are minors; a hot path that asks for no guardian, or looks itself (``follow_guardians``), says ``guardians=False``.
    """
    # A number of an address that no row can have is nobody, not an error of the database.
    wanted = [number for number in dict.fromkeys(ids) if 0 < number < 2**63]
    if not wanted:
        return {}
    # One array instead of thousands of parameters, and rows instead of model instances: this is what every tick of a
    # journey and every claim of a send begins with.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, kek_id, wrapped_profile, wrapped_record, sealed, version, created_at FROM contacts_person"
            " WHERE id = ANY(%s::bigint[]) AND erased_at IS NULL",
            [int8_array(wanted)],
        )
        rows = cursor.fetchall()
    if not rows:
        return {}
    # Sealed rows tell nothing. Who is there to be opened is on the trail before anybody is.
    there = {row[0] for row in rows}
    people = [number for number in wanted if number in there]
    record_read(
        actor=actor, action=action, kind="person", subject=subject, people=people, purpose=purpose, reason=reason
    )
    records = {row[0]: _record(*row) for row in rows}
    if guardians:
        follow_guardians(records.values())
    if with_consents:
        attach_consents(records)
    return records


def survivors(ids: Iterable[int]) -> dict[int, int]:
    """Of these ids those whose record was merged into another, and into which; one query."""
    rows = Person.objects.filter(pk__in=list(ids), merged_into__isnull=False)
    return dict(rows.values_list("pk", "merged_into_id"))


def mailbox_since(person_id: int) -> bytes | None:
    """The keyed mailbox of the person into whom a record was merged; None where it was not, or there is none."""
    rows = PersonIdentity.objects.filter(kind=search_values.EMAIL, person__former=person_id)
    token = rows.values_list("token", flat=True).first()
    return None if token is None else bytes(token)


def former_records(person_id: int) -> list[int]:
    """Ids of the records that were merged into this person's, oldest first."""
    return sorted(Person.objects.filter(merged_into=person_id).values_list("pk", flat=True))


def open_followed(*, actor: Actor, purpose: str, ids: Sequence[int], action: Action) -> dict[int, PersonRecord]:
    """Open people for a list of what is kept under the number of then: a merged record is who it was merged into."""
    found = open_people(actor=actor, purpose=purpose, ids=ids, action=action, with_consents=False)
    if missing := [number for number in ids if number not in found and 0 < number < 2**63]:
        into = survivors(missing)
        more = open_people(actor=actor, purpose=purpose, ids=list(into.values()), action=action, with_consents=False)
        found |= {number: more[kept] for number, kept in into.items() if kept in more}
    return found


def follow_guardians(records: Iterable[PersonRecord]) -> None:
    """A guardian whose record was merged is the one it was merged into. A query only where there are minors."""
    wards = [record for record in records if record.profile.get("guardian_id")]
    if wards:
        now = survivors({int(record.profile["guardian_id"]) for record in wards})
        for record in wards if now else ():
            guardian = int(record.profile["guardian_id"])
            record.profile["guardian_id"] = now.get(guardian, guardian)


def about_how_many() -> int:
    """How many people are on record, as the database last estimated; 0 while it never did."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'contacts_personsearch'::regclass")
        return max(int(cursor.fetchone()[0]), 0)


def open_person(*, actor: Actor, purpose: str, person_id: int, **given: Any) -> PersonRecord | None:
    """Open one person, or None when there is no such (or no longer such a) person."""
    return open_people(actor=actor, purpose=purpose, ids=[person_id], **given).get(person_id)


def opened(row: Person) -> PersonRecord:
    """Open a row that was already audited by the caller. Raises ``SealBroken``."""
    return _record(row.pk, row.kek_id, row.wrapped_profile, row.wrapped_record, row.sealed, row.version, row.created_at)


def _record(
    pk: int,
    kek_id: int,
    wrapped_profile: Blob | None,
    wrapped_record: Blob,
    sealed: Blob | None,
    version: int,
    created_at: datetime,
) -> PersonRecord:
    if wrapped_profile is None or sealed is None:
        raise sealing.SealBroken(f"Person {pk} was erased.")
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


def guardian_mailboxes(people: Mapping[int, PersonRecord]) -> dict[int, bytes]:
    """Keyed mailboxes of the guardians of those who have no address of their own: their mail goes there."""
    wanted = {
        person.id: int(person.profile["guardian_id"])
        for person in people.values()
        if not person.email and person.profile.get("guardian_id")
    }
    if not wanted:
        return {}
    rows = PersonIdentity.objects.filter(kind=search_values.EMAIL, person_id__in=set(wanted.values()))
    found = {person_id: bytes(token) for person_id, token in rows.values_list("person_id", "token")}
    return {person_id: found[guardian] for person_id, guardian in wanted.items() if guardian in found}


def attach_consents(records: dict[int, PersonRecord]) -> None:
    """Fill in the consent states, the suppressions of the mailboxes, and why a mailbox is in question; two queries.

    A stop that is not as we wrote it, or one that is missing in the mailbox's part of the register
    (``suppressions.register``), says no longer what it said: ``stops_altered``.
    """
    with connection.cursor() as cursor:
        # An authorization that ran out is none, a refusal does not run out: as `ConsentStates.holding` says it.
        cursor.execute(
            "SELECT person_id, purpose, state FROM contacts_consentstate WHERE person_id = ANY(%s::bigint[])"
            " AND NOT (state = 'granted' AND expires IS NOT NULL AND expires <= %s)",
            [int8_array(records), clock.now()],
        )
        for person_id, purpose, state in cursor.fetchall():
            records[person_id].consents[purpose] = state
    mailboxes: dict[bytes, list[PersonRecord]] = defaultdict(list)
    for record in records.values():
        if record.email:
            mailboxes[search_values.mailbox(record.email)].append(record)
    scopes: dict[bytes, set[str]] = defaultdict(set)
    altered: set[bytes] = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mailbox, scope, reason, since, source, mac FROM contacts_suppression"
            " WHERE mailbox = ANY(%(mailboxes)s::bytea[]) UNION ALL"
            " SELECT mailbox, NULL, reason, NULL::timestamptz, NULL, NULL FROM contacts_returnedmailbox"
            " WHERE mailbox = ANY(%(mailboxes)s::bytea[]) AND proven_at IS NULL UNION ALL"
            " SELECT NULL, NULL, NULL, NULL, bucket::text, NULL FROM contacts_suppressionsum"
            " WHERE missing_since IS NOT NULL",
            {"mailboxes": bytea_array(mailboxes)},
        )
        for mailbox, scope, reason, since, source, mac in cursor.fetchall():
            if mailbox is None:
                altered.update(each for each in mailboxes if each[0] == int(source))
            elif scope is None:
                for record in mailboxes[bytes(mailbox)]:
                    record.unproven = reason
            else:
                scopes[bytes(mailbox)].add(scope)
                if bytes(mac or b"") != macs.row_mac(bytes(mailbox), scope, reason, since, source):
                    altered.add(bytes(mailbox))
    for mailbox in altered:
        for record in mailboxes[mailbox]:
            record.stops_altered = True
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


def untouched(ids: Sequence[int], *, own_events: Sequence[int], own_changes: Sequence[int] = ()) -> set[int]:
    """Those of these people to whom nothing happened since they were made, but the events named, and one change of
    those in ``own_changes``: not edited, not written to, no visit, no consent, nothing recorded, no correspondence.
    """
    if not ids:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.id FROM contacts_person p WHERE p.id = ANY(%s::bigint[]) AND p.erased_at IS NULL"
            " AND p.version <= CASE WHEN p.id = ANY(%s::bigint[]) THEN 2 ELSE 1 END"
            " AND NOT EXISTS (SELECT 1 FROM contacts_timelineevent e WHERE e.person_id = p.id"
            "  AND e.recorded_at > p.created_at AND (e.id = ANY(%s::bigint[])) IS NOT TRUE)"
            " AND NOT EXISTS (SELECT 1 FROM contacts_appointment a WHERE a.person_id = p.id)"
            " AND NOT EXISTS (SELECT 1 FROM contacts_consent c"
            "  WHERE c.person_id = p.id AND c.recorded_at > p.created_at)",
            [int8_array(ids), int8_array(own_changes), int8_array(own_events)],
        )
        return {row[0] for row in cursor.fetchall()}


def load_results(records: dict[int, PersonRecord]) -> None:
    """Fill in ``results`` of opened people: the event of the last result of each lab. One query."""
    for record in records.values():
        record.results = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT l.lab, e.person_id, e.id, e.sealed FROM contacts_latestresult l"
            " JOIN contacts_timelineevent e ON e.id = l.event_id WHERE l.person_id = ANY(%s::bigint[])",
            [int8_array(records)],
        )
        rows = cursor.fetchall()
    for lab, person_id, event_id, sealed in rows:
        found = records[person_id]
        assert found.results is not None
        event = sealing.open_sealed(found.profile_key, sealed, table=EVENT_TABLE, row=event_id)
        for each in results.labs_of(event):
            if search_values.lab(each.name) == lab:
                found.results[each.name] = {**event, "id": event_id}


def open_event(row: TimelineEvent, profile_key: bytes) -> dict[str, Any]:
    """The facts of a timeline row, with ``id`` and ``recorded_at``."""
    facts = sealing.open_sealed(profile_key, row.sealed, table=EVENT_TABLE, row=row.pk)
    return {**facts, "id": row.pk, "recorded_at": row.recorded_at}


def load_appointments(records: dict[int, PersonRecord]) -> None:
    """Fill in ``appointments`` of opened people, in order of their start."""
    for record in records.values():
        record.appointments = []
    for row in Appointment.objects.filter(person_id__in=records):
        found = records[row.person_id]
        assert found.appointments is not None
        found.appointments.append(open_appointment(row, found.profile_key))
    for record in records.values():
        assert record.appointments is not None
        record.appointments.sort(key=zones.visit_moment)


def open_appointment(row: Appointment, profile_key: bytes) -> dict[str, Any]:
    """The facts of an appointment, with ``id`` and ``version``."""
    facts = sealing.open_sealed(profile_key, row.sealed, table=APPOINTMENT_TABLE, row=row.pk, version=row.version)
    return {**facts, "id": row.pk, "version": row.version}
