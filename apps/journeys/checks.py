"""What a definition still needs before it can be active, given what this installation has. Pure."""

from __future__ import annotations

from functools import cache

from apps.core.levels import Level
from apps.journeys.definition import Definition, Problem, date_fields, mails, walk
from apps.journeys.fields import Known
from apps.journeys.protocol import Place
from apps.journeys.vocabulary import Key, TriggerKind


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
    if next(mails(definition), None) is None:
        say(Problem("", "The journey sends nothing. Add a step that sends a message."))
    sent: frozenset[str] = frozenset()
    dates = date_fields(definition, known.dates)
    level = cache(lambda: level_of(definition, known))
    for each in walk(definition):
        place = Place(f"Step {each.number}", known, dates, sent, definition.key is Key.APPOINTMENT, level)
        problems.extend(Problem(each.step.id, text) for text in each.step.check(place))
        if each.step.mail is not None:
            sent |= {each.step.id}
    return tuple(problems)


def level_of(definition: Definition, known: Known) -> Level:
    """The level of everything a journey looks at or writes, what lets people in among it."""
    trigger, found = definition.trigger, Level.PUBLIC
    if trigger.kind in (TriggerKind.APPOINTMENT, TriggerKind.EVENT):
        found = Level.HEALTH
    if trigger.kind is TriggerKind.SEGMENT:
        found = known.segment_level(str(trigger.segment))
    return max([found, *(place.step.level(known) for place in walk(definition))])
