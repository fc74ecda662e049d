"""The tick: what moves people along. Set-based: a handful of statements for thousands of runs.

One transaction lets people in (only one beat tick at a time); then transactions of ``CHUNK`` due runs each
decide and store, several workers side by side. States, visits, counts and effects of a chunk are
committed together or not at all, and a visit that exists already breaks the commit: nothing is sent twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction

from apps.audit import services as audit
from apps.audit.actions import Action
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.journeys import context, effects, locks
from apps.journeys.effects.protocol import EffectRow
from apps.journeys.engine import Decision, Plan, State, decide, leave, prepare
from apps.journeys.models import Journey, JourneyState, JourneyVersion
from apps.journeys.parse import parse
from apps.journeys.protocol import Reason, StepOutcome
from apps.journeys.services import gathering, intake, run_batch
from apps.journeys.services.intake import FoundRun
from apps.journeys.services.run_batch import BatchRun

CHUNK = 2_000
BREAKS = (DatabaseError, Refused, LookupError, TypeError, ValueError)
logger = logging.getLogger(__name__)


@dataclass
class TickResult:
    """What a tick did: runs that came in, steps taken, messages handed to delivery, runs that ended."""

    entered: int = 0
    steps: int = 0
    sent: int = 0
    skipped: int = 0
    finished: int = 0
    left: int = 0
    failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, pairs: Iterable[tuple[BatchRun, Decision]]) -> None:
        """Count decisions."""
        for run, decision in pairs:
            self.entered += run.fresh
            self.steps += len(decision.visits)
            for visit in decision.visits:
                self.sent += visit.outcome == StepOutcome.SENT
                self.skipped += visit.outcome == StepOutcome.SKIPPED
            self.finished += decision.state is State.FINISHED
            self.left += decision.state is State.LEFT
            self.failed += decision.state is State.FAILED
            if decision.state in (State.LEFT, State.FAILED):
                self.reasons[decision.reason] += 1

    def join(self, other: TickResult) -> None:
        """Add what another part of the tick counted."""
        for name in ("entered", "steps", "sent", "skipped", "finished", "left", "failed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons.update(other.reasons)

    def as_json(self) -> dict[str, Any]:
        """The numbers for a command's output."""
        return {
            "entered": self.entered,
            "steps": self.steps,
            "sent": self.sent,
            "skipped": self.skipped,
            "finished": self.finished,
            "left": self.left,
            "failed": self.failed,
        }


def tick(*, actor: Actor, now: datetime, limit: int = 100_000, journeys: Sequence[int] = ()) -> TickResult:
    """Let people in and move up to ``limit`` due runs; ``journeys`` restricts it to some (default: all active).

    Safe to run twice at once and to lose: the next tick reads the same rows.
    """
    result = TickResult()
    plans = Plans()
    _let_in(actor, now, plans, result, journeys)
    moved = 0
    while moved < limit:
        active = _active(journeys)
        if not active:
            break
        claimed = _advance(actor, now, plans, result, active, min(CHUNK, limit - moved))
        moved += claimed
        if claimed < CHUNK:
            break
    return result


class Plans:
    """Plans of versions, each opened and prepared once for a tick."""

    def __init__(self) -> None:
        self._plans: dict[int, Plan] = {}
        self._levels: dict[int, int] = {}
        self.segments: dict[int, context.Frozen] = {}

    def load(self, versions: Iterable[int | None]) -> dict[int, Plan]:
        """The plans of these versions."""
        missing = {version for version in versions if version is not None and version not in self._plans}
        for row in JourneyVersion.objects.filter(pk__in=missing):
            self._plans[row.pk] = prepare(parse(row.opened()))
            self._levels[row.pk] = row.level
            self.segments[row.pk] = context.frozen_segments(row.segments())
        return self._plans

    def level(self, version: int) -> int:
        """The level of a loaded version."""
        return self._levels[version]


def _active(journeys: Sequence[int]) -> list[int]:
    rows = Journey.objects.filter(state=JourneyState.ACTIVE)
    if journeys:
        rows = rows.filter(pk__in=journeys)
    return list(rows.values_list("pk", flat=True))


def _let_in(actor: Actor, now: datetime, plans: Plans, result: TickResult, journeys: Sequence[int]) -> None:
    """Read the timeline and the segments for every active journey, and see who died or was erased."""
    with transaction.atomic():
        if locks.try_intake():
            intake.after_restore()
    for journey_id in _active(journeys):
        with transaction.atomic():
            if not locks.try_intake():
                return
            journey = Journey.objects.select_for_update().get(pk=journey_id)
            if journey.state != JourneyState.ACTIVE or journey.version_id is None:
                continue
            definition = plans.load([journey.version_id])[journey.version_id].definition
            found_runs = intake.read_timeline(actor=actor, journey=journey, definition=definition)
            seen = {found_run.run.id for found_run in found_runs}
            found_runs += [
                found_run
                for found_run in intake.segment_changes(
                    journey=journey,
                    definition=definition,
                    now=now,
                    enter=True,
                    frozen=plans.segments[journey.version_id],
                )
                if found_run.run.id not in seen
            ]
            settle(actor=actor, found_runs=found_runs, plans=plans, now=now, result=result)
    with transaction.atomic():
        if locks.try_intake():
            settle(actor=actor, found_runs=intake.gone(CHUNK), plans=plans, now=now, result=result)
            intake.sure_again(actor=actor, now=now)


def _advance(actor: Actor, now: datetime, plans: Plans, result: TickResult, active: Sequence[int], size: int) -> int:
    """Move one chunk of due runs; returns how many were claimed."""
    claimed: list[BatchRun] = []
    try:
        with transaction.atomic():
            claimed = run_batch.claim_due(now, size, active)
            settle(actor=actor, found_runs=_waiting(claimed), plans=plans, now=now, result=result)
    except BREAKS:
        # One run that cannot be stored must not hold up the others for ever: find it, and show it to a person.
        logger.exception("A chunk of %d journey runs could not be moved; trying one by one.", len(claimed))
        for run in claimed:
            _advance_one(actor, now, plans, result, run.id)
    return len(claimed)


def _advance_one(actor: Actor, now: datetime, plans: Plans, result: TickResult, run: int) -> None:
    try:
        with transaction.atomic():
            found = run_batch.claim(run, due=now)
            settle(actor=actor, found_runs=_waiting(found), plans=plans, now=now, result=result)
    except BREAKS:
        logger.exception("Journey run %d could not be moved.", run)
        with transaction.atomic():
            found = run_batch.claim(run, due=now)
            pairs = [(run, _failed(run)) for run in found]
            run_batch.store(pairs, now)
            result.add(pairs)


def _waiting(found: Iterable[BatchRun]) -> list[FoundRun]:
    return [FoundRun(run, State.WAITING.value) for run in found]


def _failed(run: BatchRun) -> Decision:
    return Decision(run.id, run.round, State.FAILED, step=run.step, reason=Reason.STEP_ERROR.value)


def _apply_effects(
    actor: Actor,
    pairs: Iterable[tuple[BatchRun, Decision]],
    visits: Mapping[tuple[int, str], int],
    plans: Plans,
    now: datetime,
) -> None:
    """What the decided steps do to the world: all effects of a kind at once, in the order of the kinds."""
    by_kind: dict[str, list[EffectRow]] = {}
    for run, decision in pairs:
        for visit in decision.visits:
            for effect in visit.effects:
                row = EffectRow(
                    effect=effect,
                    journey=run.journey,
                    person=run.person,
                    step=visit.step,
                    visit=visits[run.id, visit.step],
                    level=plans.level(run.version),
                )
                by_kind.setdefault(effect.kind, []).append(row)
    for name, kind in effects.KINDS.items():
        if rows := by_kind.get(name):
            kind.apply(actor=actor, rows=rows, now=now)


def settle(
    *,
    actor: Actor,
    found_runs: Sequence[FoundRun],
    plans: Plans,
    now: datetime,
    result: TickResult,
) -> None:
    """Decide and store runs inside the caller's transaction: states, visits, counts and effects."""
    if not found_runs:
        return
    found = plans.load(found_run.run.version for found_run in found_runs)
    waiting = [found_run.run for found_run in found_runs if found_run.state == State.WAITING]
    facts = gathering.gather(actor=actor, runs=waiting, plans=found, questions=context.Questions(now, plans.segments))
    pairs: list[tuple[BatchRun, Decision]] = []
    for found_run in found_runs:
        run = found_run.run
        if found_run.state != State.WAITING:
            pairs.append((run, Decision(run.id, run.round, State.LEFT, reason=found_run.reason)))
            continue
        plan = found[run.version]
        known = facts[run.id].facts
        decision = leave(known, known.guard) if known.guard else decide(plan, known, now)
        pairs.append((run, decision))
    visits = run_batch.store(pairs, now)
    _apply_effects(actor, pairs, visits, plans, now)
    counted = TickResult()
    counted.add(pairs)
    result.join(counted)
    if any(decision.changed or run.fresh for run, decision in pairs):
        audit.record(actor=actor, action=Action.JOURNEY_ADVANCE, kind="journey", codes=counted.as_json())
