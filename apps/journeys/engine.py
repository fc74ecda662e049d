"""Where a person goes next. Pure: a plan, the facts of one run and `now` in; one decision out.

The tick (`services/ticks.py`) gathers facts for thousands of runs, asks :func:`decide` for each,
and stores all decisions in one transaction. Nothing here touches the ORM or asks for the time.

A walk is bounded: every step is visited at most once per round, so it never takes more turns than
the plan has steps. A round is one pass through the journey; a moved appointment begins the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from apps.journeys import asking, localtime
from apps.journeys.definition import (
    Condition,
    Definition,
    Exit,
    Send,
    Step,
    Wait,
    WaitFor,
    WaitUntil,
    walk,
)


class State(StrEnum):
    """Where a run stands. `left` and `failed` have a reason."""

    WAITING = "waiting"
    FINISHED = "finished"
    LEFT = "left"
    FAILED = "failed"


class Outcome(StrEnum):
    """What a visit to a step came to."""

    DONE = "done"
    SENT = "sent"
    SKIPPED = "skipped"
    YES = "yes"
    NO = "no"
    EXIT = "exit"


class Reason(StrEnum):
    """Why a step was skipped or a run ended: code words, shown by `sentences.reason`."""

    COMPLETED = "completed"
    EXIT_STEP = "exit_step"
    LATE_AT_ONCE = "late_at_once"
    BOOKED_TOO_LATE = "booked_too_late"
    DATE_PASSED = "date_passed"
    NO_DATE = "no_date"
    NOT_SENT = "not_sent"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    MISSING_STEP = "missing_step"
    STEP_ERROR = "step_error"
    DECEASED = "deceased"
    ERASED = "erased"
    SUPPRESSED = "suppressed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition prepared for walking: where each step leads.

    `after[id]` is the step that follows `id` when it is done, rejoining the path outside its branch;
    `inside[id]` holds the first step of each branch (or the step after, if the branch is empty);
    `watched[id]` is the send whose answer a wait_for step waits for or a condition asks about;
    `asked[id]` the question of a condition that is about the run and not about the person;
    `past_send[id]` lists the steps a wait_until skips when it is too late: those behind it up to
    the next send on the same path.
    """

    definition: Definition
    first: str | None
    steps: Mapping[str, Step]
    after: Mapping[str, str | None]
    inside: Mapping[str, tuple[str | None, str | None]]
    watched: Mapping[str, str]
    asked: Mapping[str, asking.Question]
    past_send: Mapping[str, tuple[str, ...]]


def prepare(definition: Definition) -> Plan:
    """The plan of a definition; made once per version, shared by all its runs."""
    steps: dict[str, Step] = {}
    after: dict[str, str | None] = {}
    inside: dict[str, tuple[str | None, str | None]] = {}
    past_send: dict[str, tuple[str, ...]] = {}

    def lay(path: Sequence[Step], outer: str | None) -> str | None:
        """Lay one path; returns its first step, or where an empty path leads."""
        for index, step in enumerate(path):
            following = path[index + 1].id if index + 1 < len(path) else outer
            steps[step.id], after[step.id] = step, following
            if isinstance(step, WaitFor | Condition):
                inside[step.id] = (lay(step.then, following), lay(step.otherwise, following))
            if isinstance(step, WaitUntil):
                past_send[step.id] = _up_to_send(path[index + 1 :])
        return path[0].id if path else outer

    first = lay(definition.steps, None)
    watched: dict[str, str] = {}
    asked: dict[str, asking.Question] = {}
    latest = ""
    for place in walk(definition):
        if isinstance(place.step, WaitFor):
            watched[place.step.id] = place.step.of or latest
        elif isinstance(place.step, Send):
            latest = place.step.id
        elif isinstance(place.step, Condition) and (question := asking.read(place.step.rule)) is not None:
            asked[place.step.id] = question
            if isinstance(question, asking.AboutMessage):
                watched[place.step.id] = question.of or latest
    return Plan(definition, first, steps, after, inside, watched, asked, past_send)


def _up_to_send(rest: Sequence[Step]) -> tuple[str, ...]:
    """The ids of `rest` up to and including its first send; all of them if it has none."""
    skipped = []
    for step in rest:
        skipped.append(step.id)
        if isinstance(step, Send):
            break
    return tuple(skipped)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one run at one moment.

    `step` is where the run waits (None: it is about to enter, or begins a new round). `dates` maps
    date names to moments or days; a missing one is unknown. `sent` names the sends of this round that
    went out; `signals` are pairs (signal, send step) seen in this round. `guard` is a reason to leave
    at once ("deceased"). `visit` is the state of the appointment the run is about ("kept"), "" without one.
    `holds(rule_json)` evaluates a segment rule on the opened record.
    """

    run: int
    zone: ZoneInfo
    round: int = 1
    step: str | None = None
    due_at: datetime | None = None
    dates: Mapping[str, datetime | date] = field(default_factory=dict, repr=False)
    sent: frozenset[str] = frozenset()
    signals: frozenset[tuple[str, str]] = frozenset()
    guard: str = ""
    visit: str = ""
    holds: Callable[[str], bool] = field(default=lambda _rule: False, repr=False)


@dataclass(frozen=True, slots=True)
class Visit:
    """One step visited in this walk, and what came of it."""

    step: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a run: its next state, and what happened on the way.

    `step` and `due_at` (UTC) are set while it waits. `visits` are new, in order; the sends among them
    (outcome "sent") become outbox rows. `changed` is False when there is nothing to store.
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
        """The send steps of this walk whose message goes out."""
        return tuple(visit.step for visit in self.visits if visit.outcome is Outcome.SENT)


def decide(plan: Plan, facts: Facts, now: datetime) -> Decision:
    """The next state of one run."""
    if facts.guard:
        return Decision(facts.run, facts.round, State.LEFT, reason=facts.guard)
    return _Walk(plan, facts, now).go()


def leave(facts: Facts, reason: str) -> Decision:
    """The run ends because of something outside its steps (an exit event, a person's hand)."""
    return Decision(facts.run, facts.round, State.LEFT, reason=reason)


class _Walk:
    """One bounded walk from where the run stands."""

    def __init__(self, plan: Plan, facts: Facts, now: datetime) -> None:
        self.plan, self.facts, self.now = plan, facts, now
        self.visits: list[Visit] = []
        self.sent = set(facts.sent)

    def go(self) -> Decision:
        step_id = self.facts.step if self.facts.step is not None else self.plan.first
        resumed = self.facts.step is not None
        for _ in range(len(self.plan.steps) + 1):
            if step_id is None:
                return self._end(State.FINISHED, self._why_finished())
            step = self.plan.steps.get(step_id)
            if step is None:
                return self._end(State.FAILED, Reason.MISSING_STEP, step_id)
            if isinstance(step, Exit):
                self._visit(step, Outcome.EXIT)
                return self._end(State.FINISHED, Reason.EXIT_STEP)
            try:
                waiting, step_id = self._take(step, resumed)
            # A rule or a date nobody foresaw must stop this run only, and say where.
            except (ArithmeticError, LookupError, TypeError, ValueError):
                return self._end(State.FAILED, Reason.STEP_ERROR, step.id)
            if waiting is not None:
                return self._wait(step, waiting, resumed)
            resumed = False
        return self._end(State.FAILED, Reason.STEP_ERROR, step_id)

    def _why_finished(self) -> Reason:
        """The end was reached; but a run that sent nothing because it skipped says why it did."""
        skips = [visit.reason for visit in self.visits if visit.outcome is Outcome.SKIPPED]
        return Reason(skips[0]) if skips and not self.sent else Reason.COMPLETED

    def _take(self, step: Step, resumed: bool) -> tuple[datetime | None, str | None]:
        """(until when to wait here, None) or (None, the next step)."""
        match step:
            case Send():
                return None, self._send(step)
            case Wait():
                return self._timer(step, resumed)
            case WaitUntil():
                return self._until(step, resumed)
            case WaitFor():
                return self._wait_for(step, resumed)
            case Condition():
                yes = self._asks(step)
                self._visit(step, Outcome.YES if yes else Outcome.NO)
                return None, self.plan.inside[step.id][0 if yes else 1]
        raise TypeError(type(step).__name__)

    def _asks(self, step: Condition) -> bool:
        question = self.plan.asked.get(step.id)
        if isinstance(question, asking.AboutVisit):
            return self.facts.visit == question.state
        if isinstance(question, asking.AboutMessage):
            watched = self.plan.watched[step.id]
            return any((signal, watched) in self.facts.signals for signal in question.signals)
        return self.facts.holds(step.rule_json)

    def _send(self, step: Send) -> str | None:
        if step.before:
            limit = self.facts.dates.get(step.before)
            if limit is None:
                self._visit(step, Outcome.SKIPPED, Reason.NO_DATE)
                return self.plan.after[step.id]
            if self.now >= localtime.as_moment(limit, self.facts.zone):
                self._visit(step, Outcome.SKIPPED, Reason.DATE_PASSED)
                return self.plan.after[step.id]
        self._visit(step, Outcome.SENT)
        self.sent.add(step.id)
        return self.plan.after[step.id]

    def _timer(self, step: Wait, resumed: bool) -> tuple[datetime | None, str | None]:
        if resumed and self.facts.due_at is not None:
            due = self.facts.due_at
        else:
            due = localtime.after(self.now, step.amount, step.unit, self.facts.zone)
        if due > self.now:
            return due, None
        self._visit(step, Outcome.DONE)
        return None, self.plan.after[step.id]

    def _until(self, step: WaitUntil, resumed: bool) -> tuple[datetime | None, str | None]:
        value = self.facts.dates.get(step.field)
        if value is None:
            return None, self._skip(step, Reason.NO_DATE)
        due = localtime.near_date(value, days=step.days, direction=step.direction, at=step.at, zone=self.facts.zone)
        if due > self.now:
            return due, None
        if resumed or due == self.now or step.late_hours is None:
            self._visit(step, Outcome.DONE)
            return None, self.plan.after[step.id]
        left = localtime.as_moment(value, self.facts.zone) - self.now
        if left.total_seconds() > step.late_hours * 3600:
            self._visit(step, Outcome.DONE, Reason.LATE_AT_ONCE)
            return None, self.plan.after[step.id]
        return None, self._skip(step, Reason.BOOKED_TOO_LATE)

    def _skip(self, step: WaitUntil, reason: Reason) -> str | None:
        """Skip the wait and everything behind it up to the send it was for."""
        last: Step = step
        self._visit(step, Outcome.SKIPPED, reason)
        for step_id in self.plan.past_send[step.id]:
            last = self.plan.steps[step_id]
            self._visit(last, Outcome.SKIPPED, reason)
        return self.plan.after[last.id]

    def _wait_for(self, step: WaitFor, resumed: bool) -> tuple[datetime | None, str | None]:
        watched = self.plan.watched.get(step.id, "")
        if watched not in self.sent:
            # Nothing went out, so silence means nothing: neither path is right.
            self._visit(step, Outcome.SKIPPED, Reason.NOT_SENT)
            return None, self.plan.after[step.id]
        if any((signal, watched) in self.facts.signals for signal in step.signals):
            self._visit(step, Outcome.YES, Reason.SIGNAL)
            return None, self.plan.inside[step.id][0]
        if resumed and self.facts.due_at is not None:
            due = self.facts.due_at
        else:
            due = localtime.after(self.now, step.amount, step.unit, self.facts.zone)
        if due > self.now:
            return due, None
        self._visit(step, Outcome.NO, Reason.TIMEOUT)
        return None, self.plan.inside[step.id][1]

    def _visit(self, step: Step, outcome: Outcome, reason: Reason | str = "") -> None:
        self.visits.append(Visit(step.id, outcome, str(reason)))

    def _wait(self, step: Step, due: datetime, resumed: bool) -> Decision:
        same = resumed and due == self.facts.due_at and not self.visits
        return Decision(
            self.facts.run,
            self.facts.round,
            State.WAITING,
            step=step.id,
            due_at=due,
            visits=tuple(self.visits),
            changed=not same,
        )

    def _end(self, state: State, reason: Reason, step: str | None = None) -> Decision:
        return Decision(
            self.facts.run,
            self.facts.round,
            state,
            step=step,
            reason=reason.value,
            visits=tuple(self.visits),
        )
