"""One invented person walks a journey on paper: what would happen when. Pure, and decided by the engine itself.

Nothing is stored and nobody is opened: the facts come from a form. Time jumps from one timer or answer to the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from apps.journeys.conditions.person import canonical
from apps.journeys.engine import Plan, State, decide
from apps.journeys.protocol import Facts, Reason, StepOutcome

# Far beyond what a bounded walk can need: every step once, and one stop for each answer.
MOST_STOPS = 500


@dataclass(frozen=True)
class Scenario:
    """What is supposed about the person.

    ``answer`` is the signal every message gets ``after`` it was sent, "" for none. ``says`` are the answers to the
    conditions about a person, by step; ``visit`` is the state of the appointment. ``event`` (one that ends the journey)
    happens ``event_after`` the start.
    """

    start: datetime
    zone: ZoneInfo
    dates: Mapping[str, datetime | date] = field(default_factory=dict)
    answer: str = ""
    after: timedelta = timedelta(hours=1)
    says: Mapping[str, bool] = field(default_factory=dict)
    visit: str = "booked"
    event: str = ""
    event_after: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happens at a moment. ``kind``: entered, step, waits, answer, ended; `until` of a wait."""

    at: datetime
    kind: str
    step: str = ""
    outcome: str = ""
    reason: str = ""
    until: datetime | None = None


def walk_through(plan: Plan, scenario: Scenario) -> tuple[Line, ...]:
    """Everything that happens to this person, in order, until the journey is over."""
    now = scenario.start
    lines = [Line(now, "entered")]
    ends = scenario.start + scenario.event_after if scenario.event else None
    answers: list[tuple[datetime, str]] = []
    facts = _supposed(plan, scenario)
    for _ in range(MOST_STOPS):
        decision = decide(plan, facts, now)
        for visit in decision.visits:
            lines.append(Line(now, "step", visit.step, visit.outcome, visit.reason))
            if visit.outcome == StepOutcome.SENT and scenario.answer:
                answers.append((now + scenario.after, visit.step))
        if decision.state is not State.WAITING or decision.due_at is None:
            return (*lines, Line(now, "ended", decision.step or "", decision.state.value, decision.reason))
        if decision.changed and decision.due_at > now:
            lines.append(Line(now, "waits", decision.step or "", until=decision.due_at))
        answers.sort()
        at = min([decision.due_at, *(moment for moment, _ in answers[:1])])
        if ends is not None and ends <= at:
            return (*lines, Line(ends, "ended", "", State.LEFT.value, scenario.event))
        came = {step for moment, step in answers if moment <= at}
        answers = [(moment, step) for moment, step in answers if moment > at]
        lines.extend(Line(at, "answer", step, scenario.answer) for step in sorted(came))
        now = at
        facts = replace(
            facts,
            step=decision.step,
            due_at=decision.due_at,
            sent=facts.sent | set(decision.sends),
            signals=facts.signals | {(scenario.answer, step) for step in came},
        )
    return (*lines, Line(now, "ended", "", State.FAILED.value, Reason.STEP_ERROR.value))


def _supposed(plan: Plan, scenario: Scenario) -> Facts:
    said = {canonical(plan.steps[step_id].rule): scenario.says.get(step_id, True) for step_id in plan.rules}
    return Facts(
        run=0,
        zone=scenario.zone,
        dates=scenario.dates,
        visit=scenario.visit,
        holds=lambda rule_json: said.get(rule_json, True),
    )


def sends(lines: tuple[Line, ...]) -> int:
    """How many messages the person would get."""
    return sum(line.kind == "step" and line.outcome == StepOutcome.SENT for line in lines)
