"""Chunks of rows into the tables: people, events, appointments. Set-based; no query per row.

Each function takes rows of one kind, says what they are (new, changed, unchanged, rejected), and with ``write`` does
it, in the caller's transaction. The dry run and the import are the same code, so that they agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts import search_values, selectors, value_sets
from apps.contacts.importing.diff import SKIP, UPDATE, ShiftGuard, merge_profile
from apps.contacts.importing.rows import AppointmentRow, ConsentCell, EventRow, PersonRow, Rejection
from apps.contacts.models import Appointment, ConsentState, Person, PersonIdentity, TimelineEvent
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.records import PersonRecord
from apps.contacts.services.appointments import GivenAppointment, appointments_take_over, external_token
from apps.contacts.services.consents import NewConsent, consents_record, last_consent_days
from apps.contacts.services.held import changes_hold, take_out
from apps.contacts.services.people import contacts_change, contacts_create
from apps.contacts.services.timeline import (
    ChangedEvent,
    NewEvent,
    events_change,
    events_record,
    vocabulary_add,
)
from apps.core import clock
from apps.core.actors import Actor
from apps.vault import sealing, tokens

SOURCES = ("synthea", "demo", "file")
"""Names of outside ids that an appointment's "patient id" may mean, in this order."""


@dataclass(slots=True)
class Outcome:
    """What a chunk did, or would do. ``held``: people of whom identity facts wait for confirmation (``guarded``);
    each is also counted as changed or unchanged, by what else the row says."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    held: int = 0
    rejections: list[Rejection] = field(default_factory=list)


@dataclass(slots=True)
class PersonCache:
    """People of the rows of events: id and profile key by identity token, for the length of a pass.

    ``pending`` are identities that the dry run would create.
    """

    known: dict[bytes, tuple[int, bytes]] = field(default_factory=dict, repr=False)
    pending: set[bytes] = field(default_factory=set, repr=False)
    sources: set[bytes] = field(default_factory=set, repr=False)

    def load(self, wanted: Iterable[bytes]) -> None:
        """Fill in people by identity token: two queries."""
        missing = [token for token in set(wanted) if token not in self.known]
        if not missing:
            return
        if len(self.known) > 200_000:
            self.known.clear()
        owners = {
            bytes(token): person
            for token, person in PersonIdentity.objects.filter(
                token__in=missing, kind__in=(search_values.MRN, search_values.EXTERNAL, search_values.EMAIL)
            ).values_list("token", "person_id")
        }
        keys = profile_keys(set(owners.values()))
        for token, person in owners.items():
            if person in keys:
                self.known[token] = (person, keys[person])


def profile_keys(ids: Iterable[int]) -> dict[int, bytes]:
    """Unwrapped profile keys of people who are not erased."""
    rows = Person.objects.filter(pk__in=list(ids), erased_at__isnull=True)
    return {
        pk: sealing.unwrap_profile(kek_id, wrapped, pk)
        for pk, kek_id, wrapped in rows.values_list("pk", "kek_id", "wrapped_profile")
        if wrapped is not None
    }


# People


def match_token(match_on: str, source: str, key: str) -> tuple[int, bytes]:
    """The identity (kind, token) by which a row's person is found again."""
    if match_on == "email":
        return search_values.EMAIL, search_values.mailbox(key)
    if match_on == "phone":
        return search_values.PHONE, search_values.identity("phone", search_values.phone_digits(key))
    if match_on == "mrn":
        return search_values.MRN, search_values.identity("mrn", key)
    return search_values.EXTERNAL, search_values.identity(f"external.{source}", key)


@dataclass(slots=True)
class _Known:
    """A row whose person is known: the opened record, the merged profile, names of changed fields."""

    row: PersonRow
    person: PersonRecord
    profile: dict[str, Any]
    fields: tuple[str, ...]
    consents: list[ConsentCell] = field(default_factory=list)


def people_rows(
    *,
    actor: Actor,
    rows: Sequence[PersonRow],
    match_on: str,
    source: str,
    mode: str = UPDATE,
    write: bool,
    guard: ShiftGuard | None = None,
    cache: PersonCache | None = None,
    subject: str | int | None = None,
) -> Outcome:
    """Create and change the people of a chunk. Suppressions are never touched by an import."""
    outcome = Outcome()
    kind, matches = 0, {}
    for row in rows:
        kind, matches[row.line] = match_token(match_on, source, row.key)
    owners = _owners(kind, set(matches.values()))
    rows, unique = _without_conflicts(rows, matches, owners, outcome)
    ids = [owners[token][0] for row in rows if (token := matches[row.line]) in owners]
    people = _open(actor, ids, subject)
    fresh: list[PersonRow] = []
    known: list[_Known] = []
    for row in rows:
        token = matches[row.line]
        person = people.get(owners[token][0]) if token in owners else None
        if person is None:
            fresh.append(row)
            if cache is not None and not write:
                cache.pending.update(unique[row.line])
            continue
        if guard is not None:
            guard.see(person.profile, row.profile)
        merged, fields = merge_profile(person.profile, _matched(row.profile, match_on), mode)
        known.append(_Known(row, person, merged, fields))
    _choose_consents(known, mode)
    held = take_out(actor, known)
    outcome.held += len(held)
    outcome.new += len(fresh)
    for item in known:
        if item.fields or item.consents:
            outcome.changed += 1
        else:
            outcome.unchanged += 1
    if write:
        _create(actor, fresh, subject)
        _change(actor, [item for item in known if item.fields or item.consents], subject)
        changes_hold(actor=actor, people=people, facts=held, job=None if subject is None else int(subject))
    return outcome


def _matched(profile: dict[str, Any], match_on: str) -> dict[str, Any]:
    """The row's profile without the key that matched: it is ours already, perhaps in other case or spacing."""
    return {name: value for name, value in profile.items() if name != match_on}


def _owners(kind: int, wanted: set[bytes]) -> dict[bytes, list[int]]:
    found: dict[bytes, list[int]] = defaultdict(list)
    rows = PersonIdentity.objects.filter(kind=kind, token__in=list(wanted), person__erased_at__isnull=True)
    for token, person in rows.values_list("token", "person_id"):
        found[bytes(token)].append(person)
    return dict(found)


def _without_conflicts(
    rows: Sequence[PersonRow],
    matches: dict[int, bytes],
    owners: dict[bytes, list[int]],
    outcome: Outcome,
) -> tuple[list[PersonRow], dict[int, list[bytes]]]:
    """Reject rows that mean several people, or claim a record number of somebody else.

    Returns the other rows, and the unique identities (MRN, outside ids) of each by line.
    """
    unique = {row.line: [token for _, token in search_values.unique_identities(row.profile)] for row in rows}
    taken: dict[bytes, int] = {}
    every = {token for found in unique.values() for token in found}
    found = PersonIdentity.objects.filter(kind__in=(3, 4), token__in=list(every))
    for token, person in found.values_list("token", "person_id"):
        taken[bytes(token)] = person
    good: list[PersonRow] = []
    claimed: dict[bytes, int] = {}
    for row in rows:
        mine = owners.get(matches[row.line], [])
        if len(mine) > 1:
            outcome.rejections.append(Rejection(row.line, "several people we know have this key", row.cells))
            continue
        holder = mine[0] if mine else None
        if any(token in taken and taken[token] != holder for token in unique[row.line]):
            reason = "the record number or outside id belongs to another person we know"
            outcome.rejections.append(Rejection(row.line, reason, row.cells))
            continue
        if any(claimed.setdefault(token, row.line) != row.line for token in unique[row.line]):
            reason = "an earlier row has the same record number or outside id"
            outcome.rejections.append(Rejection(row.line, reason, row.cells))
            continue
        good.append(row)
    return good, unique


def _open(actor: Actor, ids: Sequence[int], subject: str | int | None) -> dict[int, PersonRecord]:
    if not ids:
        return {}
    record_read(actor=actor, action=Action.CONTACT_OPEN, kind="person", subject=subject, people=ids, purpose="import")
    rows = Person.objects.select_for_update().filter(pk__in=ids, erased_at__isnull=True).order_by("pk")
    people = {row.pk: selectors.opened(row) for row in rows}
    states = (
        ConsentState.objects.holding(clock.now())
        .filter(person_id__in=people)
        .values_list("person_id", "purpose", "state")
    )
    for person, purpose, state in states:
        people[person].consents[purpose] = state
    return people


def _choose_consents(known: list[_Known], mode: str) -> None:
    """Keep of the rows' consents those that tell something newer than what we have.

    The same state is no news; another state counts only when it is younger than our last record of that purpose, so
    that an old list never undoes a withdrawal.
    """
    if mode == SKIP:
        return
    doubtful = {
        item.person.id: item.person.record_key
        for item in known
        for cell in item.row.consents
        if item.person.consents.get(cell.purpose, cell.state) != cell.state
    }
    latest = last_consent_days(doubtful) if doubtful else {}
    for item in known:
        for cell in item.row.consents:
            state = item.person.consents.get(cell.purpose)
            if state == cell.state:
                continue
            if state is None or cell.on > latest.get((item.person.id, cell.purpose), date.min):
                item.consents.append(cell)


def _create(actor: Actor, rows: list[PersonRow], subject: str | int | None) -> None:
    if not rows:
        return
    made = contacts_create(
        actor=actor,
        profiles=[row.profile for row in rows],
        consents=[{cell.purpose: cell.state for cell in row.consents} for row in rows],
        action=Action.CONTACT_IMPORT,
        subject=subject,
    )
    _record_consents(
        actor,
        [(person, cell) for person, row in zip(made, rows, strict=True) for cell in row.consents],
        subject,
    )


def _change(actor: Actor, items: list[_Known], subject: str | int | None) -> None:
    if not items:
        return
    _record_consents(actor, [(item.person, cell) for item in items for cell in item.consents], subject)
    contacts_change(
        actor=actor,
        profiles={item.person.id: item.profile for item in items},
        action=Action.CONTACT_IMPORT,
        subject=subject,
        before={item.person.id: item.person.profile for item in items},
    )


def _record_consents(actor: Actor, given: list[tuple[PersonRecord, ConsentCell]], subject: str | int | None) -> None:
    consents_record(
        actor=actor,
        consents=[
            NewConsent(person.id, cell.purpose, cell.state, cell.on, cell.method, cell.wording, cell.by)
            for person, cell in given
        ],
        record_keys={person.id: person.record_key for person, _ in given},
        profile_keys={person.id: person.profile_key for person, _ in given},
        subject=subject,
    )


# Events


def event_rows(
    *,
    actor: Actor,
    rows: Sequence[EventRow],
    source: str,
    cache: PersonCache,
    write: bool,
    subject: str | int | None = None,
) -> Outcome:
    """Record the events of a chunk; events known by their identity change only when their facts did."""
    outcome = Outcome()
    who = {row.line: search_values.identity(f"external.{source}", row.patient) for row in rows}
    cache.load(who.values())
    events: dict[bytes, tuple[NewEvent, bytes]] = {}
    for row in rows:
        found = cache.known.get(who[row.line])
        if found is None and who[row.line] not in cache.pending:
            reason = "nobody here has this patient id; import the table of patients too"
            outcome.rejections.append(Rejection(row.line, reason, row.cells))
            continue
        token = tokens.token128("event.source", f"{source}:{row.identity}")
        if token in events or token in cache.sources:
            outcome.unchanged += 1  # the same thing twice in the file
            continue
        if not write:
            cache.sources.add(token)
        if found is None:
            outcome.new += 1
            continue
        person, key = found
        events[token] = (_new_event(person, f"{source}:{row.identity}", row), key)
    changes = _known_events(actor, events, outcome, subject)
    outcome.new += len(events)
    outcome.changed += len(changes)
    if write:
        keys = {event.person_id: key for event, key in events.values()}
        events_record(actor=actor, events=[event for event, _ in events.values()], profile_keys=keys, action=None)
        events_change(changes=changes)
        vocabulary_add(
            (row.event["system"], row.event["code"], row.event["term"])
            for row in rows
            if row.event.get("code") and row.event.get("term")
        )
        people = set(keys) | {change.event.person_id for change in changes}
        if people:
            record(
                actor=actor,
                action=Action.CONTACT_IMPORT,
                kind="event",
                subject=subject,
                people=sorted(people),
                codes={"new": len(events), "changed": len(changes)},
            )
    return outcome


def _new_event(person: int, source: str, row: EventRow) -> NewEvent:
    facts = {name: value for name, value in row.event.items() if name != "kind"}
    system, code = facts.get("system", ""), facts.get("code", "")
    groups = []
    if code:
        groups.append(f"code:{system}:{code}")
        sets = value_sets.sets_of(system, code)
        groups += [f"set:{name}" for name in sets]
        if sets:
            facts["sets"] = list(sets)
    if facts.get("class"):
        groups.append(f"class:{facts['class']}")
    return NewEvent(person, row.event["kind"], row.on, source, facts, tuple(groups), code)


def _known_events(
    actor: Actor,
    events: dict[bytes, tuple[NewEvent, bytes]],
    outcome: Outcome,
    subject: str | int | None,
) -> list[ChangedEvent]:
    """Take the events that are recorded already out of ``events``; return those whose facts differ."""
    rows = list(
        TimelineEvent.objects.filter(source__in=list(events)).values_list("source", "id", "person_id", "sealed")
    )
    if not rows:
        return []
    record_read(
        actor=actor,
        action=Action.CONTACT_OPEN,
        kind="event",
        subject=subject,
        people=sorted({row[2] for row in rows}),
        purpose="import",
    )
    changes: list[ChangedEvent] = []
    for source, event_id, person, sealed in rows:
        event, key = events.pop(bytes(source))
        facts = {"kind": event.kind, "on": event.on.isoformat(), **event.facts}
        before = (
            sealing.open_sealed(key, sealed, table=EVENT_TABLE, row=event_id) if person == event.person_id else facts
        )
        if before == facts:
            outcome.unchanged += 1
        else:
            changes.append(ChangedEvent(event_id, event, key))
    return changes


# Appointments


def appointment_rows(
    *,
    actor: Actor,
    rows: Sequence[AppointmentRow],
    sources: Sequence[str] = SOURCES,
    cache: PersonCache,
    write: bool,
    subject: str | int | None = None,
) -> Outcome:
    """Book, move and close appointments as another system has them, matched by that system's id."""
    outcome = Outcome()
    who = {row.line: _person_tokens(row, sources) for row in rows}
    cache.load(token for found in who.values() for token in found)
    given: dict[bytes, GivenAppointment] = {}
    keys: dict[int, bytes] = {}
    for row in rows:
        found = next((cache.known[token] for token in who[row.line] if token in cache.known), None)
        if found is None:
            reason = "nobody here has this record number or patient id"
            outcome.rejections.append(Rejection(row.line, reason, row.cells))
            continue
        person, keys[found[0]] = found
        given[external_token(row.external)] = GivenAppointment(
            person_id=person,
            external=row.external,
            start=datetime.fromisoformat(row.start).replace(tzinfo=ZoneInfo(row.zone)),
            zone=row.zone,
            kind=row.kind,
            location=row.location,
            provider=row.provider,
            minutes=row.minutes,
            state=row.status,
        )
    lines = {external_token(row.external): row for row in rows}
    changed: dict[int, tuple[GivenAppointment, dict[str, Any]]] = {}
    for row_known in Appointment.objects.filter(external__in=list(given)):
        token = bytes(row_known.external or b"")
        item = given.pop(token)
        if row_known.person_id != item.person_id:
            reason = "the appointment with this id is another person's"
            outcome.rejections.append(Rejection(lines[token].line, reason, lines[token].cells))
            continue
        before = selectors.open_appointment(row_known, keys[item.person_id])
        if any(before.get(name) != value for name, value in item.facts().items()):
            changed[row_known.pk] = (item, before)
        else:
            outcome.unchanged += 1
    outcome.new += len(given)
    outcome.changed += len(changed)
    if write and (given or changed):
        appointments_take_over(
            actor=actor, new=list(given.values()), changed=changed, profile_keys=keys, subject=subject
        )
    return outcome


def _person_tokens(row: AppointmentRow, sources: Sequence[str]) -> list[bytes]:
    name, value = row.person
    if name == "mrn":
        return [search_values.identity("mrn", value)]
    if name == "email":
        return [search_values.mailbox(value)]
    ids = [search_values.identity(f"external.{source}", value) for source in sources]
    return [*ids, search_values.identity("mrn", value)]
