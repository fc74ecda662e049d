"""Journeys of somebody whose record is merged into another.

What a run is about decides. A run about a visit or an event goes on with the visit or event, for the person who has it
now: each step of it still happens once, by the same constraint. A run about the person ends, because the kept record
has journeys of its own; where it has been nowhere in that journey, the ended run is its past there, so that it is not
let in as somebody new. Of two runs in one journey the one that is further goes on: nothing is said twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F

from apps.contacts.merging.parts import Merging, Notes, Part
from apps.core import clock
from apps.journeys.engine import Decision, State
from apps.journeys.models import JourneyCount, JourneyMember, JourneyRun, RunState
from apps.journeys.protocol import Reason
from apps.journeys.services import intake, run_batch, ticks
from apps.journeys.vocabulary import Key

_ON_THE_WAY = (RunState.WAITING, RunState.FAILED)


def merge(merging: Merging) -> Notes:
    """Let the merged record leave all journeys; its visits and events go on for the kept one."""
    rows = list(
        JourneyRun.objects.select_for_update().filter(person_id__in=[merging.kept.id, merging.merged.id]).order_by("pk")
    )
    plans = ticks.Plans().load({row.version_id for row in rows})
    notes: Notes = {"moved": [], "ended": [], "taken": []}
    kept = {(row.journey_id, bytes(row.key)): row for row in rows if row.person_id == merging.kept.id}
    for row in rows:
        if row.person_id != merging.merged.id:
            continue
        definition = plans[row.version_id].definition
        key = bytes(row.key)
        if definition.key is Key.PERSON:
            key = intake.key_of(definition, merging.kept.id, None)
        other = kept.get((row.journey_id, key))
        if other is not None and definition.key is Key.PERSON:
            _further(row, other, notes)
        stays = definition.key is not Key.PERSON and row.subject not in merging.twin_visits
        if row.state in _ON_THE_WAY and not stays:
            _end(row, notes)
        if other is None and row.subject not in merging.twin_visits:
            notes["moved"].append([row.pk, bytes(row.key).hex()])
            JourneyRun.objects.filter(pk=row.pk).update(person_id=merging.kept.id, key=key)
            kept[row.journey_id, key] = row
    members = JourneyMember.objects.filter(person_id=merging.merged.id)
    there = set(JourneyMember.objects.filter(person_id=merging.kept.id).values_list("journey_id", flat=True))
    notes["members"] = [[row.journey_id, row.journey_id not in there] for row in members]
    members.filter(journey_id__in=there).delete()
    members.update(person_id=merging.kept.id)
    return notes if any(notes.values()) else {}


def _state(row: JourneyRun) -> dict[str, Any]:
    return {
        "run": row.pk,
        "state": row.state,
        "step": row.step,
        "due_at": row.due_at.isoformat() if row.due_at else None,
        "reason": row.reason,
        "round": row.round,
        "sent": list(row.sent),
        "signals": list(row.signals),
    }


def _end(row: JourneyRun, notes: Notes) -> None:
    notes["ended"].append(_state(row))
    batch_run = run_batch.of(row)
    decision = Decision(batch_run.id, batch_run.round, State.LEFT, reason=Reason.MERGED.value)
    run_batch.store([(batch_run, decision)], clock.now())
    row.state = RunState.LEFT


def _further(row: JourneyRun, other: JourneyRun, notes: Notes) -> None:
    """Where the merged record is further on the same way, the kept one goes on from there, or is through as well."""
    if other.state != RunState.WAITING or len(row.sent) <= len(other.sent) or row.version_id != other.version_id:
        return
    before = _state(other)
    if row.state == RunState.WAITING:
        other.step, other.due_at = row.step, row.due_at
        other.sent = [*other.sent, *(step for step in row.sent if step not in other.sent)]
        other.changed_at = clock.now()
        other.save(update_fields=["step", "due_at", "sent", "changed_at"])
    elif row.state == RunState.FINISHED:
        _end(other, {"ended": []})
        other.refresh_from_db()
    else:
        return
    notes["taken"].append([before, other.changed_at.isoformat()])


def undo(merging: Merging, notes: Notes) -> list[str]:
    """Give the runs back, and let those go on that the merge ended."""
    told = []
    for pk, key in notes["moved"]:
        JourneyRun.objects.filter(pk=pk, person_id=merging.kept.id).update(
            person_id=merging.merged.id, key=bytes.fromhex(key)
        )
    for before in notes["ended"]:
        row = JourneyRun.objects.select_for_update().filter(pk=before["run"]).first()
        if row is not None and row.state == RunState.LEFT and row.reason == Reason.MERGED.value:
            _put_back(row, before)
    for before, changed_at in notes["taken"]:
        row = JourneyRun.objects.select_for_update().filter(pk=before["run"]).first()
        if row is not None and row.changed_at == datetime.fromisoformat(changed_at):
            _put_back(row, before)
        else:
            told.append("In a journey where both were, this record has gone on since the merge. It stays where it is.")
    for journey, moved in notes["members"]:
        if moved:
            JourneyMember.objects.filter(journey_id=journey, person_id=merging.kept.id).delete()
        JourneyMember.objects.get_or_create(journey_id=journey, person_id=merging.merged.id)
    return told


def _put_back(row: JourneyRun, before: dict[str, Any]) -> None:
    if row.state == RunState.LEFT:
        JourneyCount.objects.filter(
            journey_id=row.journey_id, step="", outcome=row.state, reason=row.reason, count__gt=0
        ).update(count=F("count") - 1)
    row.state, row.step, row.reason, row.round = before["state"], before["step"], before["reason"], before["round"]
    row.due_at = datetime.fromisoformat(before["due_at"]) if before["due_at"] else None
    row.sent, row.signals, row.changed_at = before["sent"], before["signals"], clock.now()
    row.save()


def _words(notes: Notes) -> list[str]:
    ended, moved = len(notes["ended"]), len(notes["moved"])
    words = []
    if ended:
        words.append(f"Left {ended} {'journey' if ended == 1 else 'journeys'}")
    if moved:
        words.append(f"{moved} {'way' if moved == 1 else 'ways'} through a journey")
    return words


PART = Part(
    "journeys",
    ("journeys.JourneyRun.person", "journeys.JourneyMember.person"),
    merge,
    undo,
    _words,
    order=60,
)
