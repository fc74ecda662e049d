"""Where a person goes next. Pure: a plan, the facts of one run and `now` in; one decision out.

The tick (`services/ticks.py`) gathers facts for thousands of runs, asks :func:`decide` for each,
and stores all decisions in one transaction. Nothing here touches the ORM, asks for the time, or knows a kind of step:
each step decides by itself (``protocol.Step.decide``) whether the person stays, goes on or leaves.

A walk is bounded: every step is visited at most once per round, so it never takes more turns than
the plan has steps. A round is one pass through the journey; a moved appointment begins the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from apps.journeys.definition import Definition, walk
from apps.journeys.protocol import Effect, Facts, Leave, Reason, Stay, Step, StepOutcome

SENT, SKIPPED = StepOutcome.SENT.value, StepOutcome.SKIPPED.value


class State(StrEnum):
    """Where a run stands. `left` and `failed` have a reason; `waiting` has one while something keeps it."""

    WAITING = "waiting"
    FINISHED = "finished"
    LEFT = "left"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition prepared for walking: where each step leads, and what has to be known to walk it.

    `after[id]` is the step that follows `id` when it is done, rejoining the path outside its branch;
    `inside[id]` holds, by the name of each branch, what a visit that takes it comes to and its first step (the step
    after, if the branch is empty); `behind[id]` the steps behind on the same path; `latest[id]` the nearest step before
    that sends. `dates` are the names of dates that steps go by, `rules` the steps that ask a rule of the record.
    """

    definition: Definition
    first: str | None
    steps: Mapping[str, Step]
    after: Mapping[str, str | None]
    inside: Mapping[str, Mapping[str, tuple[str, str | None]]]
    behind: Mapping[str, tuple[Step, ...]]
    latest: Mapping[str, str]
    dates: frozenset[str]
    rules: frozenset[str]


def prepare(definition: Definition) -> Plan:
    """The plan of a definition; made once per version, shared by all its runs."""
    steps: dict[str, Step] = {}
    after: dict[str, str | None] = {}
    inside: dict[str, Mapping[str, tuple[str, str | None]]] = {}
    behind: dict[str, tuple[Step, ...]] = {}

    def lay(path: Sequence[Step], outer: str | None) -> str | None:
        """Lay one path; returns its first step, or where an empty path leads."""
        for index, step in enumerate(path):
            following = path[index + 1].id if index + 1 < len(path) else outer
            steps[step.id], after[step.id], behind[step.id] = step, following, tuple(path[index + 1 :])
            if step.branches:
                inside[step.id] = {
                    branch.name: (branch.outcome, lay(branch.steps, following)) for branch in step.branches
                }
        return path[0].id if path else outer

    first = lay(definition.steps, None)
    latest: dict[str, str] = {}
    nearest = ""
    for place in walk(definition):
        latest[place.step.id] = nearest
        if place.step.mail is not None:
            nearest = place.step.id
    dates = frozenset(name for step in steps.values() for name in step.dates)
    rules = frozenset(step.id for step in steps.values() if step.rule)
    return Plan(definition, first, steps, after, inside, behind, latest, dates, rules)


class Visit(NamedTuple):
    """One step visited in this walk, what came of it, and what it does to the world."""

    step: str
    outcome: str
    reason: str = ""
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a run: its next state, and what happened on the way.

    `step` and `due_at` (UTC) are set while it waits, `reason` then says what keeps it. `visits` are new, in order;
    their effects happen when they are stored. `changed` is False when there is nothing to store.
    """

    run: int
    round: int
    state: State
    step: str | None = None
    due_at: datetime | None = None
    reason: str = ""
    visits: tuple[Visit, ...] = ()
    changed: bool = True

    @property
    def sends(self) -> tuple[str, ...]:
        """The steps of this walk whose message goes out."""
        return tuple(visit.step for visit in self.visits if visit.outcome == SENT)


def decide(plan: Plan, facts: Facts, now: datetime) -> Decision:
    """The next state of one run."""
    if facts.guard:
        return Decision(facts.run, facts.round, State.LEFT, reason=facts.guard)
    return _Walk(plan, facts, now).go()


def leave(facts: Facts, reason: str) -> Decision:
    """The run ends because of something outside its steps (an exit event, a person's hand)."""
    return Decision(facts.run, facts.round, State.LEFT, reason=reason)


class _Walk:
    """One bounded walk from where the run stands; what a step sees of it is ``protocol.Here``."""

    __slots__ = ("facts", "here", "now", "plan", "resumed", "sent", "stale", "visits")

    def __init__(self, plan: Plan, facts: Facts, now: datetime) -> None:
        self.plan, self.facts, self.now = plan, facts, now
        self.visits: list[Visit] = []
        self.sent = set(facts.sent)
        self.resumed = facts.step is not None
        self.stale = False
        self.here = ""

    def go(self) -> Decision:
        """Take step after step until one makes the person stay or leave."""
        plan, visits = self.plan, self.visits
        step_id = self.facts.step if self.resumed else plan.first
        for _ in range(len(plan.steps) + 1):
            if step_id is None:
                return self._end(State.FINISHED, self._why_finished())
            step = plan.steps.get(step_id)
            if step is None:
                return self._end(State.FAILED, Reason.MISSING_STEP, step_id)
            if self.stale and step_id in plan.rules:
                # A step before changed the person whom this one asks about: the next tick opens the record anew.
                return self._wait(step_id, self.now)
            self.here = here = step_id
            try:
                answer = step.decide(self)
                if isinstance(answer, Stay):
                    return self._wait(here, answer.until, answer.reason)
                if isinstance(answer, Leave):
                    visits.append(Visit(here, str(answer.outcome)))
                    return self._end(State.FINISHED, answer.reason)
                outcome, reason, branch, effects, skip = answer
                if branch:
                    outcome, step_id = plan.inside[here][branch]
                else:
                    outcome, step_id = str(outcome), plan.after[here]
                visits.append(Visit(here, outcome, str(reason), effects))
                if outcome == SENT:
                    self.sent.add(here)
                if effects and any(effect.changes_person for effect in effects):
                    self.stale = True
                for skipped in skip:
                    visits.append(Visit(skipped, SKIPPED, str(reason)))
                    step_id = plan.after[skipped]
            # A rule or a date nobody foresaw must stop this run only, and say where.
            except (ArithmeticError, LookupError, TypeError, ValueError):
                return self._end(State.FAILED, Reason.STEP_ERROR, here)
            self.resumed = False
        return self._end(State.FAILED, Reason.STEP_ERROR, step_id)

    def was_sent(self, message: str) -> bool:
        """See ``protocol.Here``."""
        return message in self.sent

    def message(self, of: str) -> str:
        """See ``protocol.Here``."""
        return of or self.plan.latest[self.here]

    def behind(self) -> Sequence[Step]:
        """See ``protocol.Here``."""
        return self.plan.behind[self.here]

    def _why_finished(self) -> str:
        """The end was reached; but a run that sent nothing because it skipped says why it did."""
        skips = [visit.reason for visit in self.visits if visit.outcome == SKIPPED]
        return skips[0] if skips and not self.sent else Reason.COMPLETED

    def _wait(self, step_id: str, due: datetime, reason: str = "") -> Decision:
        same = self.resumed and due == self.facts.due_at and not self.visits
        return Decision(
            self.facts.run,
            self.facts.round,
            State.WAITING,
            step=step_id,
            due_at=due,
            reason=str(reason),
            visits=tuple(self.visits),
            changed=not same,
        )

    def _end(self, state: State, reason: str, step: str | None = None) -> Decision:
        return Decision(
            self.facts.run,
            self.facts.round,
            state,
            step=step,
            reason=str(reason),
            visits=tuple(self.visits),
        )
