"""The facts of many runs at once: people opened in bulk, audited once, with what their journeys ask about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from apps.contacts import sql as contacts_sql
from apps.contacts.models import TimelineEvent
from apps.contacts.models.appointment import APPOINTMENT_TABLE
from apps.contacts.person import selectors as contacts
from apps.contacts.person.records import PersonRecord
from apps.contacts.tags import definitions as tags
from apps.core import zones
from apps.core.actors import Actor
from apps.core.bulk import int8_array
from apps.imports import selectors as imports
from apps.journeys import context
from apps.journeys.engine import Plan
from apps.journeys.protocol import Facts
from apps.journeys.services.run_batch import BatchRun
from apps.journeys.vocabulary import APPOINTMENT_START, EVENT_START, Key
from apps.references import selectors as references
from apps.references.models import Noun
from apps.vault import sealing
from apps.vault.sealing import SealBroken

PURPOSE = "journey"
# Known without the person's record.
OF_THE_RUN = frozenset({APPOINTMENT_START, EVENT_START})


@dataclass(frozen=True)
class Gathered:
    """What is known about one run: its facts, and the opened person (None when there is none any more)."""

    facts: Facts
    record: PersonRecord | None


def gather(
    *, actor: Actor, runs: Sequence[BatchRun], plans: Mapping[int, Plan], questions: context.Questions
) -> dict[int, Gathered]:
    """Facts by run. One audit entry for all people; a handful of queries whatever the number of runs."""
    records = contacts.open_people(actor=actor, purpose=PURPOSE, ids=[run.person for run in runs], guardians=False)
    curious = {run.person for run in runs if run.person in records and plans[run.version].rules}
    if curious:
        asked = {person: records[person] for person in curious}
        contacts.load_events(asked)
        contacts.load_appointments(asked)
        known = references.asked_for((Noun.IMPORT, Noun.TAG))
        imports.load_imports(asked, among=known[Noun.IMPORT])
        if known[Noun.TAG]:
            tags.load_tags(asked)
    appointments = _appointments(runs, plans, records)
    events = _events(runs, plans, records)
    wanted = {version: plans[version].dates - OF_THE_RUN for version in {run.version for run in runs}}
    found = {}
    for run in runs:
        record = records.get(run.person)
        plan = plans[run.version]
        about = appointments.get(run.subject) if plan.definition.key is Key.APPOINTMENT else None
        dates: dict[str, datetime | date] = {}
        zone = questions.zone
        if about is not None:
            dates[APPOINTMENT_START] = start = zones.visit_start(about, questions.zone.key)
            zone = start.tzinfo if isinstance(start.tzinfo, ZoneInfo) else zone
        if run.subject in events:
            dates[EVENT_START] = date.fromisoformat(events[run.subject]["on"])
        if record is not None and wanted[run.version]:
            dates |= _profile_dates(record, wanted[run.version])
        found[run.id] = Gathered(
            facts=Facts(
                run=run.id,
                zone=zone,
                round=run.round,
                step=run.step,
                due_at=run.due_at,
                dates=dates,
                sent=frozenset(run.sent),
                signals=frozenset(_pair(each) for each in run.signals),
                guard=guard(record, plan, about),
                visit=str(about.get("state") or "booked") if about is not None else "",
                in_doubt=about is not None and "held" in about,
                holds=_asker(record, questions, run.version),
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
    runs: Sequence[BatchRun], plans: Mapping[int, Plan], records: Mapping[int, PersonRecord]
) -> dict[int | None, dict[str, Any]]:
    wanted = [run.subject for run in runs if plans[run.version].definition.key is Key.APPOINTMENT]
    found: dict[int | None, dict[str, Any]] = {}
    with connection.cursor() as cursor:
        # Tuples, not model instances: a tick opens thousands.
        cursor.execute(
            contacts_sql.SEALED_APPOINTMENTS,
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
    runs: Sequence[BatchRun], plans: Mapping[int, Plan], records: Mapping[int, PersonRecord]
) -> dict[int | None, dict[str, Any]]:
    wanted = [run.subject for run in runs if plans[run.version].definition.key is Key.EVENT]
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


def _profile_dates(record: PersonRecord, names: frozenset[str]) -> dict[str, date]:
    dates = {}
    for name in names:
        try:
            dates[name] = date.fromisoformat(str(record.get(name)))
        except (KeyError, ValueError):
            # Unknown or no date: the step that asks says so.
            continue
    return dates


def _asker(record: PersonRecord | None, questions: context.Questions, version: int) -> Callable[[str], bool]:
    def holds(rule_json: str) -> bool:
        return record is not None and questions.holds(rule_json, record, version)

    return holds


def _pair(text: str) -> tuple[str, str]:
    signal, _, step = text.partition(":")
    return signal, step
