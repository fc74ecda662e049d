"""The tick: what moves people along. Set-based: a handful of statements for thousands of runs.

One transaction lets people in (only one beat tick at a time); then transactions of ``CHUNK`` due runs each
decide and store, several workers side by side. States, visits, counts and outbox rows of a chunk are
committed together or not at all, and a visit that exists already breaks the commit: nothing is sent twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction

from apps.audit import services as audit
from apps.audit.actions import Action
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.journeys import locks, outgoing, world
from apps.journeys.definition import Send
from apps.journeys.engine import Decision, Outcome, Plan, Reason, State, decide, leave, prepare
from apps.journeys.models import Journey, JourneyState, JourneyVersion
from apps.journeys.reading import parse
from apps.journeys.services import gathering, intake, walkers
from apps.journeys.services.intake import Standing
from apps.journeys.services.walkers import Walker

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

    def add(self, pairs: Iterable[tuple[Walker, Decision]]) -> None:
        """Count decisions."""
        for walker, decision in pairs:
            self.entered += walker.fresh
            self.steps += len(decision.visits)
            for visit in decision.visits:
                self.sent += visit.outcome is Outcome.SENT
                self.skipped += visit.outcome is Outcome.SKIPPED
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
        self.segments: dict[int, world.Frozen] = {}

    def load(self, versions: Iterable[int | None]) -> dict[int, Plan]:
        """The plans of these versions."""
        missing = {version for version in versions if version is not None and version not in self._plans}
        for row in JourneyVersion.objects.filter(pk__in=missing):
            self._plans[row.pk] = prepare(parse(row.opened()))
            self._levels[row.pk] = row.level
            self.segments[row.pk] = world.frozen_segments(row.segments())
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
            standings = intake.read_timeline(actor=actor, journey=journey, definition=definition)
            seen = {standing.walker.id for standing in standings}
            standings += [
                standing
                for standing in intake.segment_changes(
                    journey=journey,
                    definition=definition,
                    now=now,
                    enter=True,
                    frozen=plans.segments[journey.version_id],
                )
                if standing.walker.id not in seen
            ]
            settle(actor=actor, standings=standings, plans=plans, now=now, result=result)
    with transaction.atomic():
        if locks.try_intake():
            settle(actor=actor, standings=intake.gone(CHUNK), plans=plans, now=now, result=result)


def _advance(actor: Actor, now: datetime, plans: Plans, result: TickResult, active: Sequence[int], size: int) -> int:
    """Move one chunk of due runs; returns how many were claimed."""
    claimed: list[Walker] = []
    try:
        with transaction.atomic():
            claimed = walkers.claim_due(now, size, active)
            settle(actor=actor, standings=_waiting(claimed), plans=plans, now=now, result=result)
    except BREAKS:
        # One run that cannot be stored must not hold up the others for ever: find it, and show it to a person.
        logger.exception("A chunk of %d journey runs could not be moved; trying one by one.", len(claimed))
        for walker in claimed:
            _advance_one(actor, now, plans, result, walker.id)
    return len(claimed)


def _advance_one(actor: Actor, now: datetime, plans: Plans, result: TickResult, run: int) -> None:
    try:
        with transaction.atomic():
            found = walkers.claim(run, due=now)
            settle(actor=actor, standings=_waiting(found), plans=plans, now=now, result=result)
    except BREAKS:
        logger.exception("Journey run %d could not be moved.", run)
        with transaction.atomic():
            found = walkers.claim(run, due=now)
            pairs = [(walker, _failed(walker)) for walker in found]
            walkers.store(pairs, now)
            result.add(pairs)


def _waiting(found: Iterable[Walker]) -> list[Standing]:
    return [Standing(walker, State.WAITING.value) for walker in found]


def _failed(walker: Walker) -> Decision:
    return Decision(walker.id, walker.round, State.FAILED, step=walker.step, reason=Reason.STEP_ERROR.value)


def settle(
    *,
    actor: Actor,
    standings: Sequence[Standing],
    plans: Plans,
    now: datetime,
    result: TickResult,
) -> None:
    """Decide and store runs inside the caller's transaction: states, visits, counts and outbox rows."""
    if not standings:
        return
    found = plans.load(standing.walker.version for standing in standings)
    waiting = [standing.walker for standing in standings if standing.state == State.WAITING]
    facts = gathering.gather(actor=actor, walkers=waiting, plans=found, questions=world.Questions(now, plans.segments))
    pairs: list[tuple[Walker, Decision]] = []
    letters: list[tuple[Walker, Send]] = []
    for standing in standings:
        walker = standing.walker
        if standing.state != State.WAITING:
            pairs.append((walker, Decision(walker.id, walker.round, State.LEFT, reason=standing.reason)))
            continue
        plan = found[walker.version]
        known = facts[walker.id].facts
        decision = leave(known, known.guard) if known.guard else decide(plan, known, now)
        pairs.append((walker, decision))
        for step_id in decision.sends:
            step = plan.steps[step_id]
            assert isinstance(step, Send)
            letters.append((walker, step))
    visits = walkers.store(pairs, now)
    if letters:
        outgoing.enqueue(
            actor=actor,
            letters=[
                outgoing.Letter(
                    run=walker.id,
                    journey=walker.journey,
                    person=walker.person,
                    subject=walker.subject,
                    step=step,
                    round=walker.round,
                    level=plans.level(walker.version),
                    visit=visits[walker.id, step.id],
                )
                for walker, step in letters
            ],
            now=now,
        )
    counted = TickResult()
    counted.add(pairs)
    result.join(counted)
    if any(decision.changed or walker.fresh for walker, decision in pairs):
        audit.record(actor=actor, action=Action.JOURNEY_ADVANCE, kind="journey", codes=counted.as_json())
