"""Appointments: booked, moved, cancelled. Each act is a timeline event, which journeys read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.appointments.statuses import BOOKED, CANCELLED
from apps.contacts.models import Appointment, Person, TimelineEvent
from apps.contacts.models.appointment import APPOINTMENT_TABLE
from apps.contacts.person import search_values, selectors
from apps.contacts.timeline.services import NewEvent, events_record, events_remove
from apps.core import clock, zones
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.vault import sealing, tokens

_COLUMNS = ("sealed", "day", "hour", "minute", "state", "held_at", "version")
"""What a change of an appointment writes."""


@dataclass(frozen=True)
class Doubt:
    """Why the reminders of a visit are held: a row of an import named it and was refused.

    ``why`` is the reason as the import gives it, ``said`` what the row has (status, start) by the name of its column.
    ``other``: the row is about another person, so its values are not for this record.
    """

    why: str
    said: tuple[tuple[str, str], ...] = ()
    other: bool = False


@dataclass(frozen=True, repr=False)
class HeldVisit:
    """A visit whose reminders an import held: what was sealed as its doubt ``before`` (None for none) and ``after``."""

    appointment: int
    person_id: int
    profile_key: bytes
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@transaction.atomic
def appointment_book(
    *,
    actor: Actor,
    person_id: int,
    start: datetime,
    kind: str,
    location: str = "",
    provider: str = "",
    minutes: int = 30,
    external: str = "",
) -> Appointment:
    """Book an appointment at an aware ``start``, on the clock of its zone; without the zone of a place, the clinic's.

    Raises ``Refused`` for a start in the past, an erased person, or an external id that is known already.
    """
    if start <= clock.now():
        raise Refused("appointment.in_past", "An appointment can only be booked in the future. Correct the date.")
    key = _profile_key(person_id)
    token = external_token(external) if external else None
    if token and Appointment.objects.filter(external=token).exists():
        raise Refused("appointment.id_taken", "An appointment with this id is booked already. Move it instead.")
    facts: dict[str, Any] = {
        **_begins(start, _clinic()),
        "kind": kind,
        "location": location,
        "provider": provider,
        "minutes": minutes,
        "state": BOOKED,
    }
    row = Appointment(id=next_ids(APPOINTMENT_TABLE, 1)[0], person_id=person_id, external=token, version=1)
    _write(row, facts, key, insert=True)
    _tell(actor, row, facts, "booked", key)
    record(actor=actor, action=Action.APPOINTMENT_BOOK, kind="appointment", subject=row.pk, people=[person_id])
    return row


@transaction.atomic
def appointment_move(*, actor: Actor, appointment_id: int, start: datetime) -> Appointment:
    """Move a booked appointment, on the clock of its place. Held reminders of it go on: whoever moves it knows.

    Raises ``Refused`` when it is cancelled, gone, or ``start`` is past.
    """
    if start <= clock.now():
        raise Refused("appointment.in_past", "An appointment can only be moved into the future. Correct the date.")
    row, facts, key = _booked(appointment_id)
    place = zones.visit_start(facts, _clinic()).tzinfo
    facts.update(_begins(start.astimezone(place), _clinic()))
    facts.pop("held", None)
    row.version += 1
    _write(row, facts, key)
    _tell(actor, row, facts, "moved", key)
    record(
        actor=actor,
        action=Action.APPOINTMENT_MOVE,
        kind="appointment",
        subject=row.pk,
        people=[row.person_id],
    )
    return row


@transaction.atomic
def appointment_cancel(*, actor: Actor, appointment_id: int) -> Appointment:
    """Cancel a booked appointment. Raises ``Refused`` when it is cancelled already or gone."""
    row, facts, key = _booked(appointment_id)
    facts["state"] = CANCELLED
    facts.pop("held", None)
    row.version += 1
    _write(row, facts, key)
    _tell(actor, row, facts, "cancelled", key)
    record(
        actor=actor,
        action=Action.APPOINTMENT_CANCEL,
        kind="appointment",
        subject=row.pk,
        people=[row.person_id],
    )
    return row


@transaction.atomic
def appointment_confirm(*, actor: Actor, appointment_id: int) -> Appointment:
    """Say that a held visit is right as it stands here: its reminders go on.

    Raises ``Refused`` when nothing is held, or it is cancelled or gone.
    """
    row, facts, key = _booked(appointment_id)
    if facts.pop("held", None) is None:
        raise Refused("appointment.not_held", "The reminders of this appointment are not held any more.")
    row.version += 1
    _write(row, facts, key)
    record(actor=actor, action=Action.APPOINTMENT_CONFIRM, kind="appointment", subject=row.pk, people=[row.person_id])
    return row


@transaction.atomic
def appointments_hold(
    *, actor: Actor, doubts: Mapping[int, Doubt], subject: str | int | None = None
) -> list[HeldVisit]:
    """Hold the reminders of booked visits that are still ahead, by id; returns those that were held.

    Visits that are off or over have none. One audit entry for all.
    """
    rows = list(
        Appointment.objects.select_for_update()
        .filter(pk__in=doubts, person__erased_at__isnull=True)
        .select_related("person")
        .order_by("pk")
    )
    now = clock.now()
    held: list[Appointment] = []
    found: list[HeldVisit] = []
    for row in rows:
        person, doubt = row.person, doubts[row.pk]
        if person.wrapped_profile is None:
            continue
        key = sealing.unwrap_profile(person.kek_id, person.wrapped_profile, person.pk)
        facts = _facts(row, key)
        if facts["state"] != BOOKED or zones.visit_moment(facts) <= now:
            continue
        before = facts.get("held")
        facts["held"] = {"why": doubt.why, "said": [list(pair) for pair in doubt.said], "other": doubt.other}
        row.version += 1
        row.held_at = now
        _fill(row, facts, key)
        held.append(row)
        found.append(HeldVisit(row.pk, row.person_id, key, before, facts["held"]))
    if not held:
        return []
    Appointment.objects.bulk_update(held, _COLUMNS, batch_size=500)
    record(
        actor=actor,
        action=Action.APPOINTMENT_HOLD,
        kind="appointment",
        subject=subject,
        people=sorted({row.person_id for row in held}),
        codes={"held": len(held)},
    )
    return found


@transaction.atomic
def appointments_doubts_back(*, actor: Actor, held: Sequence[HeldVisit], subject: str | int | None = None) -> int:
    """Take back doubts that were made by mistake: lift each, or put back the one that was there before.

    Visits that somebody confirmed, moved or canceled since, or that another import doubts since, stay as they are.
    Returns how many changed. One audit entry.
    """
    given = {each.appointment: each for each in held}
    changed = []
    for row in Appointment.objects.select_for_update().filter(pk__in=given).order_by("pk"):
        each = given[row.pk]
        facts = _facts(row, each.profile_key)
        if facts["state"] != BOOKED or facts.get("held") != each.after:
            continue
        facts.pop("held", None)
        if each.before is not None:
            facts["held"] = each.before
        row.version += 1
        _fill(row, facts, each.profile_key)
        changed.append(row)
    if changed:
        Appointment.objects.bulk_update(changed, _COLUMNS, batch_size=500)
        people = sorted({row.person_id for row in changed})
        record(
            actor=actor,
            action=Action.IMPORT_UNDO,
            kind="appointment",
            subject=subject,
            people=people,
            codes={"doubts": len(changed)},
        )
    return len(changed)


@dataclass(frozen=True)
class GivenAppointment:
    """An appointment as another system has it. ``start`` is aware; ``state`` booked, cancelled, kept or missed.

    ``held`` is a doubt that comes back with it, when an import that lifted it is undone.
    """

    person_id: int
    external: str
    start: datetime
    zone: str
    kind: str = ""
    location: str = ""
    provider: str = ""
    minutes: int = 30
    state: str = BOOKED
    held: dict[str, Any] | None = None

    def facts(self) -> dict[str, Any]:
        """The sealed part of the row."""
        doubt = {} if self.held is None else {"held": self.held}
        return {
            **doubt,
            "start": self.start.isoformat(),
            "zone": self.zone,
            "kind": self.kind,
            "location": self.location,
            "provider": self.provider,
            "minutes": self.minutes,
            "state": self.state,
        }


def external_token(external: str) -> bytes:
    """The keyed id of an appointment of another system."""
    return tokens.token128("appointment.external", external)


@transaction.atomic
def appointments_take_over(
    *,
    actor: Actor,
    new: Sequence[GivenAppointment],
    changed: Mapping[int, tuple[GivenAppointment, dict[str, Any]]],
    profile_keys: Mapping[int, bytes],
    subject: str | int | None = None,
) -> None:
    """Write appointments of another system in bulk: ``new`` ones, and ``changed`` ones by id with our old facts.

    A new one is told to the timeline as booked (and as cancelled, kept or missed when it is); a changed one by what
    changed: its state, or its start (moved). What held the reminders of a changed one is lifted: its row was good
    (unless ``held`` says otherwise).
    One audit entry.
    """
    rows, events, on = [], [], clock.clinic_day()
    for row_id, given in zip(next_ids(APPOINTMENT_TABLE, len(new)), new, strict=True):
        row = Appointment(id=row_id, person_id=given.person_id, external=external_token(given.external), version=1)
        facts = given.facts()
        _fill(row, facts, profile_keys[given.person_id])
        rows.append(row)
        events.append(_event(row, facts, "booked", on))
        if given.state != BOOKED:
            events.append(_event(row, facts, given.state, on))
    Appointment.objects.bulk_create(rows, batch_size=1_000)
    known = list(Appointment.objects.select_for_update().filter(pk__in=changed).order_by("pk"))
    for row in known:
        given, before = changed[row.pk]
        facts = given.facts()
        row.version += 1
        _fill(row, facts, profile_keys[given.person_id])
        if facts["state"] != before["state"]:
            events.append(_event(row, facts, facts["state"], on))
        elif zones.visit_moment(facts) != zones.visit_moment(before):
            events.append(_event(row, facts, "moved", on))
    Appointment.objects.bulk_update(known, _COLUMNS, batch_size=500)
    events_record(actor=actor, events=events, profile_keys=profile_keys, action=None)
    record(
        actor=actor,
        action=Action.CONTACT_IMPORT,
        kind="appointment",
        subject=subject,
        people=sorted({given.person_id for given in new} | {row.person_id for row in known}),
        codes={"new": len(rows), "changed": len(known)},
    )


@transaction.atomic
def appointments_remove(*, ids: Sequence[int]) -> int:
    """Take out appointments that were made by mistake, with what the timeline tells of them, as if they had never come.

    Those that were moved, closed or changed since stay. Returns how many went. The caller audits.
    """
    rows = list(Appointment.objects.select_for_update().filter(pk__in=ids, version=1).order_by("pk"))
    if not rows:
        return 0
    told = ("booked", "cancelled", "kept", "missed")
    sources = [tokens.token128("event.source", f"appointment:{row.pk}:1:{what}") for row in rows for what in told]
    events = TimelineEvent.objects.filter(source__in=sources).values_list("pk", flat=True)
    people = Person.objects.filter(pk__in={row.person_id for row in rows}, erased_at__isnull=True)
    keys = {
        pk: sealing.unwrap_profile(kek_id, wrapped, pk)
        for pk, kek_id, wrapped in people.values_list("pk", "kek_id", "wrapped_profile")
        if wrapped is not None
    }
    events_remove(ids=list(events), profile_keys=keys)
    Appointment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def appointments_renew(*, rows: Sequence[Appointment], people: Sequence[Person]) -> None:
    """Give appointments that an older version wrote the search values of today. Caller's transaction, locks, trail."""
    keys = {
        person.pk: sealing.unwrap_profile(person.kek_id, person.wrapped_profile, person.pk)
        for person in people
        if person.wrapped_profile is not None
    }
    for row in rows:
        facts = selectors.open_appointment(row, keys[row.person_id])
        row.hour, row.minute = search_values.appointment_moment(zones.visit_moment(facts))
    Appointment.objects.bulk_update(rows, ["hour", "minute"], batch_size=500)


def _booked(appointment_id: int) -> tuple[Appointment, dict[str, Any], bytes]:
    row = Appointment.objects.select_for_update().filter(pk=appointment_id).first()
    if row is None:
        raise Refused("appointment.unknown", "There is no such appointment any more.")
    key = _profile_key(row.person_id)
    facts = _facts(row, key)
    if facts["state"] != BOOKED:
        raise Refused("appointment.canceled", "This appointment was cancelled. Book a new one.")
    return row, facts, key


def _facts(row: Appointment, key: bytes) -> dict[str, Any]:
    """What is sealed in a row."""
    facts = selectors.open_appointment(row, key)
    for name in ("id", "version"):
        facts.pop(name)
    return facts


def _clinic() -> str:
    return str(clock.clinic_zone())


def _begins(start: datetime, clinic: str) -> dict[str, str]:
    """Start and zone as they are sealed: on the clock of the start's own place, else of the clinic."""
    zone = str(getattr(start.tzinfo, "key", ""))
    if not zones.is_place(zone):
        zone, start = clinic, start.astimezone(zones.load(clinic))
    return {"start": start.isoformat(), "zone": zone}


def _profile_key(person_id: int) -> bytes:
    row = Person.objects.filter(pk=person_id, erased_at__isnull=True).first()
    if row is None or row.wrapped_profile is None:
        raise Refused("person.unknown", "There is no such person any more.")
    return sealing.unwrap_profile(row.kek_id, row.wrapped_profile, row.pk)


def _write(row: Appointment, facts: dict[str, Any], key: bytes, insert: bool = False) -> None:
    _fill(row, facts, key)
    row.save(force_insert=insert)


def _fill(row: Appointment, facts: dict[str, Any], key: bytes) -> None:
    row.sealed = sealing.seal(key, facts, table=APPOINTMENT_TABLE, row=row.pk, version=row.version)
    row.day = tokens.day_token("appointment", datetime.fromisoformat(facts["start"]).date())
    row.hour, row.minute = search_values.appointment_moment(zones.visit_moment(facts))
    row.held_at = (row.held_at or clock.now()) if "held" in facts else None
    row.state = search_values.appointment_state(facts["state"])


def _tell(actor: Actor, row: Appointment, facts: dict[str, Any], what: str, key: bytes) -> None:
    event = _event(row, facts, what, clock.clinic_day())
    events_record(actor=actor, events=[event], profile_keys={row.person_id: key}, action=None)


def _event(row: Appointment, facts: dict[str, Any], what: str, on: date) -> NewEvent:
    return NewEvent(
        person_id=row.person_id,
        kind=f"appointment.{what}",
        on=on,
        source=f"appointment:{row.pk}:{row.version}:{what}",
        facts={
            "appointment": row.pk,
            "start": facts["start"],
            "zone": facts["zone"],
            "appointment_kind": facts["kind"],
            "version": row.version,
        },
        groups=("any:appointment",),
    )
