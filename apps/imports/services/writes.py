"""Chunks of rows into the tables: people, events, appointments. Set-based; no query per row.

Each function takes rows of one kind, says what they are (new, changed, unchanged, rejected), and with ``write`` does
it, in the caller's transaction. The dry run and the import are the same code, so that they agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.appointments import statuses
from apps.contacts.appointments.services import (
    Doubt,
    GivenAppointment,
    appointments_hold,
    appointments_take_over,
    external_token,
)
from apps.contacts.models import Appointment, Person, PersonIdentity, TimelineEvent
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.person import search_values, selectors
from apps.contacts.timeline.clinical import coded
from apps.contacts.timeline.results import uncomparable
from apps.contacts.timeline.services import ChangedEvent, NewEvent, events_change, events_record, vocabulary_add
from apps.contacts.timeline.value_sets import BY_TEXT
from apps.core import zones
from apps.core.actors import Actor
from apps.imports.readers import synthea
from apps.imports.readers.appointments import RefusedVisit
from apps.imports.readers.rows import AppointmentRow, EventRow, Rejection, UnreadCell
from apps.vault import sealing, tokens

SOURCES = ("synthea", "demo", "file")
"""Names of outside ids that an appointment's "patient id" may mean, in this order."""

NAMED = {"external_id": "patient id", "mrn": "record number"}
"""What people are matched by when rows are about events."""
FIRST = "import the people first, then these rows"


@dataclass(frozen=True, slots=True, repr=False)
class Before:
    """What a row replaced of a person, to be sealed under the person's key; ``version`` is the person's afterwards."""

    person_id: int
    profile_key: bytes
    facts: dict[str, Any]
    version: int = 0


@dataclass(slots=True)
class WriteOutcome:
    """What a chunk did, or would do. ``to_confirm``: people of whom identity facts wait for confirmation (contacts);
    each is also counted as changed or unchanged, by what else the row says. ``unread``: cells of rows that came in.
    ``doubts``: visits on record, not in doubt yet, that a refused row names."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    to_confirm: int = 0
    doubts: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    unread: list[UnreadCell] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    touched: list[int] = field(default_factory=list)
    events: list[int] = field(default_factory=list)
    """Ids of people who were made, of people who were changed or to whom something was added, of events made, and
    below of appointments made; what was there before, for an undo."""
    appointments: list[int] = field(default_factory=list)
    before: list[Before] = field(default_factory=list, repr=False)
    tagged: int = 0
    tagged_people: list[int] = field(default_factory=list)
    new_tags: set[str] = field(default_factory=set, repr=False)
    """How many people get a tag that they did not have, who they are, and names of tags that there are none of yet."""
    notes: Counter[str] = field(default_factory=Counter)
    """Sentences about rows that were taken, but not wholly of use, and how many they are."""


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


# Events


def event_rows(
    *,
    actor: Actor,
    rows: Sequence[EventRow],
    source: str,
    match_on: str = "external_id",
    cache: PersonCache,
    write: bool,
    subject: str | int | None = None,
) -> WriteOutcome:
    """Record the events of a chunk; events known by their identity change only when their facts did."""
    outcome = WriteOutcome()
    together = source == synthea.SOURCE
    who = {row.line: search_values.match_token(match_on, source, row.patient)[1] for row in rows}
    cache.load(who.values())
    events: dict[bytes, tuple[NewEvent, bytes]] = {}
    for row in rows:
        found = cache.known.get(who[row.line])
        if found is None and who[row.line] not in cache.pending:
            first = "import the table of patients too" if together else FIRST
            reason = f"nobody here has this {NAMED[match_on]}; {first}"
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
        if note := row.note or uncomparable(row.event):
            outcome.notes[note] += 1
    changes = _known_events(actor, events, outcome, subject)
    outcome.new += len(events)
    outcome.changed += len(changes)
    if write:
        keys = {event.person_id: key for event, key in events.values()}
        new = [event for event, _ in events.values()]
        events_record(actor=actor, events=new, profile_keys=keys, action=None, made=outcome.events)
        events_change(changes=changes)
        vocabulary_add(
            (row.event["system"], row.event["code"], row.event["term"])
            for row in rows
            if row.event.get("code") and row.event.get("term") and row.event["system"] != BY_TEXT
        )
        people = set(keys) | {change.event.person_id for change in changes}
        outcome.touched += sorted(people)
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
    kind = str(row.event["kind"])
    facts, groups = coded(kind, {name: value for name, value in row.event.items() if name != "kind"})
    return NewEvent(person, kind, row.on, source, facts, groups, str(facts.get("code") or ""))


def _known_events(
    actor: Actor,
    events: dict[bytes, tuple[NewEvent, bytes]],
    outcome: WriteOutcome,
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
            outcome.before.append(Before(person, key, {"event": event_id, "facts": before, "after": facts}))
    return changes


# Appointments


NOBODY = "nobody here has this record number or patient id"
ANOTHERS = "the appointment with this id is another person's"


def appointment_rows(
    *,
    actor: Actor,
    rows: Sequence[AppointmentRow],
    refused: Sequence[RefusedVisit] = (),
    sources: Sequence[str] = SOURCES,
    cache: PersonCache,
    write: bool,
    subject: str | int | None = None,
) -> WriteOutcome:
    """Book, move and close appointments as another system has them, matched by that system's id.

    A row that is rejected here, or was by the reader (``refused``, which are counted elsewhere), holds the reminders
    of the visit that it names: something is amiss with it, and a wrong reminder is worse than none.
    """
    outcome = WriteOutcome()
    doubts = {external_token(row.external): Doubt(row.reason, row.said) for row in refused}
    who = {row.line: _person_tokens(row, sources) for row in rows}
    cache.load(token for found in who.values() for token in found)
    given: dict[bytes, tuple[AppointmentRow, int]] = {}
    keys: dict[int, bytes] = {}
    for row in rows:
        found = next((cache.known[token] for token in who[row.line] if token in cache.known), None)
        token = external_token(row.external)
        if found is None:
            outcome.rejections.append(Rejection(row.line, NOBODY, row.cells))
            doubts[token] = Doubt(NOBODY, other=True)
            continue
        person, keys[found[0]] = found
        given[token] = (row, person)
    changed: dict[int, tuple[GivenAppointment, dict[str, Any]]] = {}
    for row_known in Appointment.objects.filter(external__in=list(given)):
        token = bytes(row_known.external or b"")
        row, person = given.pop(token)
        if row_known.person_id != person:
            outcome.rejections.append(Rejection(row.line, ANOTHERS, row.cells))
            doubts[token] = Doubt(ANOTHERS, other=True)
            continue
        before = selectors.open_appointment(row_known, keys[person])
        item = _given(row, person)
        same_start = item.start == zones.visit_moment(before)
        said = row.status if row.said is None else row.said
        item = replace(item, state=statuses.after(before["state"], said, same_start=same_start))
        if "held" in before or any(before.get(name) != value for name, value in item.facts().items()):
            changed[row_known.pk] = (item, before)
        else:
            outcome.unchanged += 1
    outcome.new += len(given)
    outcome.changed += len(changed)
    for pk, (item, before) in changed.items():
        facts = {"appointment": pk, "facts": before, "after": item.facts()}
        outcome.before.append(Before(item.person_id, keys[item.person_id], facts))
    if write and (given or changed):
        new = [_given(row, person) for row, person in given.values()]
        outcome.touched += sorted({item.person_id for item in [*new, *(item for item, _ in changed.values())]})
        appointments_take_over(actor=actor, new=new, changed=changed, profile_keys=keys, subject=subject)
        made = Appointment.objects.filter(external__in=list(given)).values_list("pk", flat=True)
        outcome.appointments += list(made) if given else []
    if doubts:
        outcome.doubts = Appointment.objects.filter(external__in=list(doubts), held_at__isnull=True).count()
    if write and doubts:
        known = Appointment.objects.filter(external__in=list(doubts)).values_list("pk", "external")
        about = {pk: doubts[bytes(external)] for pk, external in known if external is not None}
        for held in appointments_hold(actor=actor, doubts=about, subject=subject):
            facts = {"doubt": held.appointment, "before": held.before, "after": held.after}
            outcome.before.append(Before(held.person_id, held.profile_key, facts))
    return outcome


def _given(row: AppointmentRow, person: int) -> GivenAppointment:
    start, zone = datetime.fromisoformat(row.start), ZoneInfo(row.zone)
    return GivenAppointment(
        person_id=person,
        external=row.external,
        start=start.astimezone(zone) if start.tzinfo else start.replace(tzinfo=zone),
        zone=row.zone,
        kind=row.kind,
        location=row.location,
        provider=row.provider,
        minutes=row.minutes,
        state=row.status,
    )


def _person_tokens(row: AppointmentRow, sources: Sequence[str]) -> list[bytes]:
    name, value = row.person
    if name == "mrn":
        return [search_values.identity("mrn", value)]
    if name == "email":
        return [search_values.mailbox(value)]
    ids = [search_values.identity(f"external.{source}", value) for source in sources]
    return [*ids, search_values.identity("mrn", value)]
