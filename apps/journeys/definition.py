"""What a journey is: a trigger and a tree of steps, as immutable values.

Pure: no ORM, no clock. `reading.parse` reads the JSON a version stores and refuses broken shapes;
`checks.check` adds what only the installation knows (does the template exist?) and is what
activation asks. Both name the step and say what to do. A draft may have blanks (a new send step
has no template yet): those are shapes, so `parse` takes them and `check` reports them.

The shape is a tree on purpose: branches rejoin after their step, there is no arrow back, so a
walk can never be longer than the number of steps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from apps.core.errors import Refused
from apps.core.purposes import Purpose

FORMAT = 1
MAX_STEPS = 100
MAX_DEPTH = 8
MAX_WAIT = timedelta(days=730)
STEP_ID = re.compile(r"[a-z][a-z0-9]{0,15}")

APPOINTMENT_START = "appointment.start"
EVENT_START = "event.start"


class TriggerKind(StrEnum):
    """What lets a person in."""

    APPOINTMENT = "appointment"
    SEGMENT = "segment"
    EVENT = "event"
    MANUAL = "manual"


class Key(StrEnum):
    """What one run is about: two appointments of one person are two runs."""

    APPOINTMENT = "appointment"
    EVENT = "event"
    PERSON = "person"


class Reentry(StrEnum):
    """Whether the same key may walk the journey a second time."""

    NEVER = "never"
    AFTER_EXIT = "after_exit"


class Unit(StrEnum):
    """Units of waiting; days and weeks are calendar days at the same local time."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"


class Direction(StrEnum):
    """On which side of the date a wait ends."""

    BEFORE = "before"
    AFTER = "after"


# Opens are missing on purpose: mail programs and scanners fetch images by themselves.
SIGNALS = ("clicked", "read", "replied")

RUN_EVENTS = (
    "appointment.moved",
    "appointment.cancelled",
    "appointment.kept",
    "appointment.missed",
    "consent.withdrawn",
    "message.replied",
    "message.unsubscribed",
    "message.bounced",
)


@dataclass(frozen=True, slots=True)
class Trigger:
    """What lets a person in. `groups` are the event filters of an event trigger ("class:wellness")."""

    kind: TriggerKind
    segment: str = ""
    event: str = ""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Send:
    """Hand one message to delivery. `before` names a date after which it must not be sent."""

    id: str
    template: str = ""
    purpose: str = Purpose.TREATMENT.value
    sender: str = ""
    before: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for a duration."""

    id: str
    amount: int = 1
    unit: Unit = Unit.DAYS


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Wait until `days` before or after a date, at a local clock time.

    `late_hours`: when the moment has passed on arrival, go on at once if more than this many hours
    remain until the date, else skip up to and including the next send. None: always go on at once.
    """

    id: str
    field: str = APPOINTMENT_START
    days: int = 3
    direction: Direction = Direction.BEFORE
    at: time = time(9, 0)
    late_hours: int | None = 24


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Wait for a signal about the message of `of` (the nearest send before, if empty), or a timeout."""

    id: str
    signals: tuple[str, ...] = ("clicked", "read")
    of: str = ""
    amount: int = 24
    unit: Unit = Unit.HOURS
    then: tuple[Step, ...] = ()
    otherwise: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """Branch on a question: a segment rule over the opened record, or how this run stands (see `asking`).

    The rule is canonical JSON; empty is a blank.
    """

    id: str
    rule_json: str = ""
    then: tuple[Step, ...] = ()
    otherwise: tuple[Step, ...] = ()

    @property
    def rule(self) -> dict[str, Any]:
        """The rule as a fresh dictionary."""
        return json.loads(self.rule_json) if self.rule_json else {}


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the journey here."""

    id: str


Step = Send | Wait | WaitUntil | WaitFor | Condition | Exit
Branching = WaitFor | Condition

STEP_TYPES: Mapping[str, type] = MappingProxyType(
    {
        "send": Send,
        "wait": Wait,
        "wait_until": WaitUntil,
        "wait_for": WaitFor,
        "condition": Condition,
        "exit": Exit,
    }
)


def type_of(step: Step) -> str:
    """The type word of a step, as in the JSON."""
    return next(word for word, cls in STEP_TYPES.items() if isinstance(step, cls))


@dataclass(frozen=True, slots=True)
class Definition:
    """One immutable journey."""

    trigger: Trigger
    key: Key = Key.PERSON
    reentry: Reentry = Reentry.AFTER_EXIT
    restart_on: tuple[str, ...] = ()
    exit_on: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. `step` is a step id, or "" for the trigger and the journey itself."""

    step: str
    text: str


class DefinitionBroken(Refused):
    """The definition cannot be used; `problems` says where and what to do."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0].text
        more = len(self.problems) - 1
        super().__init__(first if not more else f"{first} ({more} more to mend.)")


@dataclass(frozen=True, slots=True)
class Located:
    """A step with its place: `path` is "" for the main path or "s4.then"; `number` counts from 1 in
    reading order over the whole tree; `depth` is 0 on the main path."""

    step: Step
    path: str
    index: int
    number: int
    depth: int


def walk(definition: Definition) -> Iterator[Located]:
    """Every step in reading order: a step, then its "then" path, then its "otherwise" path."""
    numbers = iter(range(1, MAX_STEPS * 10))

    def visit(steps: Sequence[Step], path: str, depth: int) -> Iterator[Located]:
        for index, step in enumerate(steps):
            yield Located(step, path, index, next(numbers), depth)
            if isinstance(step, WaitFor | Condition):
                yield from visit(step.then, f"{step.id}.then", depth + 1)
                yield from visit(step.otherwise, f"{step.id}.otherwise", depth + 1)

    return visit(definition.steps, "", 0)


def to_json(definition: Definition) -> dict[str, Any]:
    """The JSON of a definition; ``parse(to_json(d)) == d``."""
    trigger: dict[str, Any] = {"kind": definition.trigger.kind.value}
    if definition.trigger.segment:
        trigger["segment"] = definition.trigger.segment
    if definition.trigger.event:
        trigger["event"] = definition.trigger.event
    if definition.trigger.groups:
        trigger["groups"] = list(definition.trigger.groups)
    return {
        "format": FORMAT,
        "trigger": trigger,
        "key": definition.key.value,
        "reentry": definition.reentry.value,
        "restart_on": list(definition.restart_on),
        "exit_on": list(definition.exit_on),
        "steps": [step_to_json(step) for step in definition.steps],
    }


def step_to_json(step: Step) -> dict[str, Any]:
    """The JSON of one step with everything under it."""
    data: dict[str, Any] = {"id": step.id, "type": type_of(step)}
    match step:
        case Send():
            data |= {"template": step.template, "purpose": step.purpose, "sender": step.sender}
            data |= {"before": step.before} if step.before else {}
        case Wait():
            data |= {"amount": step.amount, "unit": step.unit.value}
        case WaitUntil():
            data |= {
                "field": step.field,
                "days": step.days,
                "direction": step.direction.value,
                "at": step.at.strftime("%H:%M"),
                "late_hours": step.late_hours,
            }
        case WaitFor():
            data |= {
                "signals": list(step.signals),
                "of": step.of,
                "amount": step.amount,
                "unit": step.unit.value,
            }
        case Condition():
            data |= {"rule": step.rule}
    if isinstance(step, WaitFor | Condition):
        data["then"] = [step_to_json(each) for each in step.then]
        data["otherwise"] = [step_to_json(each) for each in step.otherwise]
    return data
