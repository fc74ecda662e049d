"""The facts of many runs at once: people opened in bulk, audited once, with what their journeys ask about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from apps.contacts.models import TimelineEvent
from apps.contacts.models.appointment import APPOINTMENT_TABLE
from apps.contacts.person import selectors as contacts
from apps.contacts.person.records import PersonRecord
from apps.core.actors import Actor
from apps.core.bulk import int8_array
from apps.journeys import world
from apps.journeys.definition import APPOINTMENT_START, EVENT_START, Condition, Key, Send, WaitUntil
from apps.journeys.engine import Facts, Plan
from apps.journeys.services.walkers import Walker
from apps.vault import sealing
from apps.vault.sealing import SealBroken

PURPOSE = "journey"


@dataclass(frozen=True)
class Gathered:
    """What is known about one run: its facts, and the opened person (None when there is none any more)."""

    facts: Facts
    record: PersonRecord | None


def gather(
    *, actor: Actor, walkers: Sequence[Walker], plans: Mapping[int, Plan], questions: world.Questions
) -> dict[int, Gathered]:
    """Facts by run. One audit entry for all people; a handful of queries whatever the number of runs."""
    records = contacts.open_people(actor=actor, purpose=PURPOSE, ids=[walker.person for walker in walkers])
    asks_about_people = {
        version: any(isinstance(step, Condition) and step.id not in plan.asked for step in plan.steps.values())
        for version, plan in plans.items()
    }
    curious = {walker.person for walker in walkers if walker.person in records and asks_about_people[walker.version]}
    if curious:
        asked = {person: records[person] for person in curious}
        contacts.load_events(asked)
        contacts.load_appointments(asked)
    appointments = _appointments(walkers, plans, records)
    events = _events(walkers, plans, records)
    wanted = {version: _asked_dates(plans[version]) for version in {walker.version for walker in walkers}}
    found = {}
    for walker in walkers:
        record = records.get(walker.person)
        plan = plans[walker.version]
        about = appointments.get(walker.subject) if plan.definition.key is Key.APPOINTMENT else None
        dates: dict[str, datetime | date] = {}
        if about is not None:
            dates[APPOINTMENT_START] = datetime.fromisoformat(about["start"])
        if walker.subject in events:
            dates[EVENT_START] = date.fromisoformat(events[walker.subject]["on"])
        if record is not None and wanted[walker.version]:
            dates |= _profile_dates(record, wanted[walker.version])
        found[walker.id] = Gathered(
            facts=Facts(
                run=walker.id,
                zone=questions.zone,
                round=walker.round,
                step=walker.step,
                due_at=walker.due_at,
                dates=dates,
                sent=frozenset(walker.sent),
                signals=frozenset(_pair(each) for each in walker.signals),
                guard=guard(record, plan, about),
                visit=str(about.get("state") or "booked") if about is not None else "",
                holds=_asker(record, questions, walker.version),
            ),
            record=record,
        )
    return found


def guard(record: PersonRecord | None, plan: Plan, about: Mapping[str, Any] | None) -> str:
    """Why this run must end whatever its steps say, or "". The record decides, not the last event we read."""
    if record is None:
        return "erased"
    if record.deceased:
        return "deceased"
    if "all" in record.suppressions:
        return "suppressed"
    if about is not None and about.get("state") == "cancelled":
        return "appointment.cancelled" if "appointment.cancelled" in plan.definition.exit_on else ""
    return ""


def _appointments(
    walkers: Sequence[Walker], plans: Mapping[int, Plan], records: Mapping[int, PersonRecord]
) -> dict[int | None, dict[str, Any]]:
    wanted = [walker.subject for walker in walkers if plans[walker.version].definition.key is Key.APPOINTMENT]
    found: dict[int | None, dict[str, Any]] = {}
    with connection.cursor() as cursor:
        # Tuples, not model instances: a tick opens thousands.
        cursor.execute(
            "SELECT id, person_id, version, sealed FROM contacts_appointment WHERE id = ANY(%s::bigint[])",
            [int8_array(each for each in wanted if each is not None)],
        )
        rows = cursor.fetchall()
    for pk, person, version, sealed in rows:
        record = records.get(person)
        if record is None:
            continue
        try:
            found[pk] = sealing.open_sealed(
                record.profile_key, sealed, table=APPOINTMENT_TABLE, row=pk, version=version
            )
        except SealBroken:
            # Without its date the run skips what needs one and says so; the others go on.
            continue
    return found


def _events(
    walkers: Sequence[Walker], plans: Mapping[int, Plan], records: Mapping[int, PersonRecord]
) -> dict[int | None, dict[str, Any]]:
    wanted = [walker.subject for walker in walkers if plans[walker.version].definition.key is Key.EVENT]
    found: dict[int | None, dict[str, Any]] = {}
    for row in TimelineEvent.objects.filter(pk__in=[each for each in wanted if each is not None]):
        record = records.get(row.person_id)
        if record is None:
            continue
        try:
            found[row.pk] = contacts.open_event(row, record.profile_key)
        except SealBroken:
            continue
    return found


def _asked_dates(plan: Plan) -> frozenset[str]:
    """The dates of the person's own record that some step waits for."""
    names = {step.field for step in plan.steps.values() if isinstance(step, WaitUntil)}
    names |= {step.before for step in plan.steps.values() if isinstance(step, Send)}
    return frozenset(names - {"", APPOINTMENT_START, EVENT_START})


def _profile_dates(record: PersonRecord, names: frozenset[str]) -> dict[str, date]:
    dates = {}
    for name in names:
        try:
            dates[name] = date.fromisoformat(str(record.get(name)))
        except (KeyError, ValueError):
            # Unknown or no date: the step that asks says so.
            continue
    return dates


def _asker(record: PersonRecord | None, questions: world.Questions, version: int) -> Callable[[str], bool]:
    def holds(rule_json: str) -> bool:
        return record is not None and questions.holds(rule_json, record, version)

    return holds


def _pair(text: str) -> tuple[str, str]:
    signal, _, step = text.partition(":")
    return signal, step
