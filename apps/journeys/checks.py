"""What a definition still needs before it can be active, given what this installation has. Pure."""

from __future__ import annotations

from apps.core.levels import Level
from apps.journeys.definition import Definition, Problem, date_fields, mails, walk
from apps.journeys.fields import Known
from apps.journeys.protocol import Place
from apps.journeys.vocabulary import Key, TriggerKind


def check(definition: Definition, known: Known, trigger_level: Level = Level.PUBLIC) -> tuple[Problem, ...]:
    """Everything to mend before this definition can be active, in reading order.

    ``trigger_level``: of what lets people in, see ``context.trigger_level``.
    """
    problems: list[Problem] = []
    say = problems.append
    trigger = definition.trigger
    if trigger.kind is TriggerKind.SEGMENT and trigger.segment not in known.segments:
        missing = f"There is no segment “{trigger.segment}”." if trigger.segment else "The trigger has no segment."
        say(Problem("", f"{missing} Choose the segment that lets people in."))
    if trigger.kind is TriggerKind.EVENT and not trigger.event:
        say(Problem("", "The trigger has no event. Choose the kind of event that lets people in."))
    if next(mails(definition), None) is None:
        say(Problem("", "The journey sends nothing. Add a step that sends a message."))
    sent: frozenset[str] = frozenset()
    dates = date_fields(definition, known.dates)
    level = level_of(definition, known, trigger_level)
    for each in walk(definition):
        place = Place(f"Step {each.number}", known, dates, sent, definition.key is Key.APPOINTMENT, level)
        problems.extend(Problem(each.step.id, text) for text in each.step.check(place))
        if each.step.mail is not None:
            sent |= {each.step.id}
    return tuple(problems)


def level_of(definition: Definition, known: Known, trigger_level: Level = Level.PUBLIC) -> Level:
    """The level of everything a journey looks at or writes."""
    return max([trigger_level, *(place.step.level(known) for place in walk(definition))])
