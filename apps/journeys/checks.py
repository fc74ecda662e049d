"""What a definition still needs before it can be active, given what this installation has. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.journeys import asking
from apps.journeys.definition import (
    APPOINTMENT_START,
    EVENT_START,
    Condition,
    Definition,
    Key,
    Located,
    Problem,
    Send,
    TriggerKind,
    WaitFor,
    WaitUntil,
    walk,
)


@dataclass(frozen=True, slots=True)
class Known:
    """What exists in this installation, handed in by the caller.

    `templates`, `senders`, `segments`: names. `dates`: date fields with their labels (without the
    appointment's and the event's). `rule_problem(rule)` returns a sentence or "".
    """

    templates: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    dates: Mapping[str, str] = field(default_factory=dict)
    rule_problem: Callable[[dict[str, Any]], str] = lambda _rule: ""


def check(definition: Definition, known: Known) -> tuple[Problem, ...]:
    """Everything to mend before this definition can be active, in reading order."""
    problems: list[Problem] = []
    say = problems.append
    trigger = definition.trigger
    if trigger.kind is TriggerKind.SEGMENT and trigger.segment not in known.segments:
        missing = f"There is no segment “{trigger.segment}”." if trigger.segment else "The trigger has no segment."
        say(Problem("", f"{missing} Choose the segment that lets people in."))
    if trigger.kind is TriggerKind.EVENT and not trigger.event:
        say(Problem("", "The trigger has no event. Choose the kind of event that lets people in."))
    places = list(walk(definition))
    if not any(isinstance(place.step, Send) for place in places):
        say(Problem("", "The journey sends nothing. Add a step that sends a message."))
    sent: set[str] = set()
    for place in places:
        problems.extend(_check_step(place, definition, known, sent))
        if isinstance(place.step, Send):
            sent.add(place.step.id)
    return tuple(problems)


def date_fields(definition: Definition, known: Known) -> dict[str, str]:
    """The dates a step of this journey may wait for: name to label."""
    fields = {}
    if definition.key is Key.APPOINTMENT:
        fields[APPOINTMENT_START] = "the appointment"
    if definition.trigger.kind is TriggerKind.EVENT:
        fields[EVENT_START] = "the event"
    return fields | dict(known.dates)


def _check_step(place: Located, definition: Definition, known: Known, sent: set[str]) -> Iterator[Problem]:
    step, label = place.step, f"Step {place.number}"
    dates = date_fields(definition, known)
    match step:
        case Send():
            if not step.template:
                yield Problem(step.id, f"{label} sends a message but has no template. Choose one.")
            elif step.template not in known.templates:
                yield Problem(step.id, f"{label}: there is no template “{step.template}”. Choose another or create it.")
            if step.sender and step.sender not in known.senders:
                yield Problem(step.id, f"{label}: there is no sender “{step.sender}”. Choose another.")
            if step.before and step.before not in dates:
                yield Problem(step.id, f"{label}: this journey has no date “{step.before}”. Choose another.")
        case WaitUntil():
            if step.field not in dates:
                yield Problem(step.id, f"{label} waits for a date this journey lacks. Choose another.")
        case WaitFor():
            if not step.signals:
                yield Problem(step.id, f"{label} waits for nothing. Choose a click, a reply or a read.")
            if not sent:
                yield Problem(step.id, f"{label} waits for an answer, but nothing is sent before. Move it down.")
            elif step.of and step.of not in sent:
                yield Problem(step.id, f"{label} waits for an answer to a message that is not sent before it.")
        case Condition():
            if not step.rule_json:
                yield Problem(step.id, f"{label} has no condition. Say what to ask about the person.")
                return
            question = asking.read(step.rule)
            if question is not None:
                if problem := asking.problem(question, definition, sent):
                    yield Problem(step.id, f"{label} {problem}")
            elif problem := known.rule_problem(step.rule):
                yield Problem(step.id, f"{label}: {problem}")
