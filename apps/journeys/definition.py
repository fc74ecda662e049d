"""What a journey is: a trigger and a tree of steps, as immutable values.

Pure: no ORM, no clock. `parse.parse` reads the JSON a version stores and refuses broken shapes;
`checks.check` adds what only the installation knows (does the template exist?) and is what
activation asks. Both name the step and say what to do. A draft may have blanks (a new send step
has no template yet): those are shapes, so `parse` takes them and `check` reports them.

The shape is a tree on purpose: branches rejoin after their step, there is no arrow back, so a
walk can never be longer than the number of steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.errors import Refused
from apps.journeys.protocol import Mail, Step
from apps.journeys.vocabulary import APPOINTMENT_START, EVENT_START, Key, Reentry, TriggerKind

FORMAT = 1
MAX_STEPS = 100
MAX_DEPTH = 8
STEP_ID = re.compile(r"[a-z][a-z0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Trigger:
    """What lets a person in. `groups` are the event filters of an event trigger ("class:wellness")."""

    kind: TriggerKind
    segment: str = ""
    event: str = ""
    groups: tuple[str, ...] = ()


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
        super().__init__("journey.unusable", first if not more else f"{first} ({more} more to mend.)")


@dataclass(frozen=True, slots=True)
class Located:
    """A step with its place: `path` is "" for the main path or step and branch ("s4.then"); `number` counts from 1 in
    reading order over the whole tree; `depth` is 0 on the main path."""

    step: Step
    path: str
    index: int
    number: int
    depth: int


def walk(definition: Definition) -> Iterator[Located]:
    """Every step in reading order: a step, then what is under it, path by path."""
    numbers = iter(range(1, MAX_STEPS * 10))

    def visit(steps: Sequence[Step], path: str, depth: int) -> Iterator[Located]:
        for index, step in enumerate(steps):
            yield Located(step, path, index, next(numbers), depth)
            for branch in step.branches:
                yield from visit(branch.steps, path_of(step, branch.name), depth + 1)

    return visit(definition.steps, "", 0)


def path_of(step: Step, branch: str) -> str:
    """The path of one branch of a step: "s4.then"."""
    return f"{step.id}.{branch}"


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
    """The JSON of one step with everything under it: its fields, then each branch by its name."""
    data: dict[str, Any] = {"id": step.id, "type": step.kind}
    for field in step.fields:
        data |= field.dump(step)
    for branch in step.branches:
        data[branch.name] = [step_to_json(each) for each in branch.steps]
    return data


def mails(definition: Definition) -> Iterator[tuple[Located, Mail]]:
    """Every step that sends, with what it sends, in reading order."""
    for place in walk(definition):
        if (mail := place.step.mail) is not None:
            yield place, mail


def message_names(definition: Definition) -> dict[str, str]:
    """The steps that send with the names of what they send."""
    return {place.step.id: mail.template for place, mail in mails(definition) if mail.template}


def date_fields(definition: Definition, known: Mapping[str, str]) -> dict[str, str]:
    """The dates a step of this journey may go by, name to label; ``known`` are those of the person's record."""
    fields = {}
    if definition.key is Key.APPOINTMENT:
        fields[APPOINTMENT_START] = "the appointment"
    if definition.trigger.kind is TriggerKind.EVENT:
        fields[EVENT_START] = "the event"
    return fields | dict(known)
