"""A journey in words: what each step does, what each reason means. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any

from apps.delivery.policy.routing import HELD_HINTS, Held
from apps.journeys import asking
from apps.journeys.definition import (
    APPOINTMENT_START,
    EVENT_START,
    Condition,
    Definition,
    Direction,
    Exit,
    Key,
    Reentry,
    Send,
    Step,
    Trigger,
    TriggerKind,
    Unit,
    Wait,
    WaitFor,
    WaitUntil,
    walk,
)

PURPOSES: Mapping[str, str] = {
    "treatment": "treatment",
    "operations": "health care operations",
    "payment": "payment",
    "marketing": "marketing with authorization",
    "fundraising": "fundraising",
    "b2b": "business to business",
    "account": "account notice",
}

EVENTS: Mapping[str, str] = {
    "appointment.booked": "an appointment is booked",
    "appointment.moved": "the appointment is moved",
    "appointment.cancelled": "the appointment is canceled",
    "appointment.kept": "the appointment is kept",
    "appointment.missed": "the appointment is missed",
    "consent.withdrawn": "the person withdraws a consent",
    "message.replied": "the person replies",
    "message.unsubscribed": "the person unsubscribes",
    "message.bounced": "a message to the person bounces",
    "encounter": "an encounter is recorded",
    "condition": "a condition is recorded",
    "immunization": "an immunization is recorded",
    "medication": "a medication is recorded",
    "procedure": "a procedure is recorded",
    "consent.granted": "the person gives a consent",
    "contact.created": "a contact is created",
    "contact.changed": "a contact is changed",
}

SIGNAL_NOUNS: Mapping[str, str] = {
    "clicked": "a click",
    "read": "a read in the portal",
    "replied": "a reply",
}

ANSWERED: Mapping[str, str] = {"clicked": "Clicks in", "read": "Reads in the portal:", "replied": "Replies to"}

SIGNAL_VERBS: Mapping[str, str] = {"clicked": "Clicked", "read": "read", "replied": "replied"}

REASONS: Mapping[str, str] = {
    "completed": "Reached the end",
    "exit_step": "Reached an exit step",
    "late_at_once": "Booked late: sent at once",
    "booked_too_late": "Booked too late",
    "date_passed": "The date had passed",
    "no_date": "The date is not known",
    "not_sent": "Nothing was sent to answer to",
    "signal": "Answered in time",
    "timeout": "No answer in time",
    "missing_step": "The step is not in this version",
    "step_error": "The step could not be decided",
    "deceased": "The person has died",
    "erased": "The person was erased",
    "suppressed": "The mailbox is suppressed",
    "removed": "Removed by staff",
    "appointment.moved": "The appointment was moved",
    "appointment.cancelled": "The appointment was canceled",
    "appointment.kept": "The appointment was kept",
    "appointment.missed": "The appointment was missed",
    "consent.withdrawn": "The person withdrew a consent",
    "message.replied": "The person replied",
    "message.unsubscribed": "The person unsubscribed",
    "message.bounced": "A message bounced",
}


RuleWords = Callable[[dict[str, Any]], str]


@dataclass(frozen=True, slots=True)
class StepWords:
    """A step for a reader: the kind, a title, a line below, and the two branch labels (or "")."""

    kind: str
    title: str
    line: str = ""
    yes: str = ""
    no: str = ""


def amount(number: int, unit: Unit) -> str:
    """ "1 day", "24 hours"."""
    word = unit.value[:-1] if number == 1 else unit.value
    return f"{number:,} {word}"


def clock(at: time) -> str:
    """ "9:00 AM", "noon" stays "12:00 PM"."""
    return f"{at.hour % 12 or 12}:{at.minute:02d} {'AM' if at.hour < 12 else 'PM'}"


def date_word(name: str, labels: Mapping[str, str]) -> str:
    """The words for a date field in the middle of a sentence."""
    own = {APPOINTMENT_START: "the appointment", EVENT_START: "the event"}
    return own.get(name) or labels.get(name) or (name.replace("_", " ") if name else "a date")


def join(words: list[str], last: str = "or") -> str:
    """ "a", "a or b", "a, b or c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}" if words else ""


def trigger(value: Trigger) -> str:
    """What lets a person in, as a sentence without a period."""
    match value.kind:
        case TriggerKind.APPOINTMENT:
            return "When an appointment is booked"
        case TriggerKind.SEGMENT:
            return (
                f"When a person enters the segment “{value.segment}”"
                if value.segment
                else ("When a person enters a segment")
            )
        case TriggerKind.EVENT:
            event = EVENTS.get(value.event, value.event or "an event is recorded")
            return f"When {event}" + (f" ({', '.join(value.groups)})" if value.groups else "")
    return "When staff add a person by hand"


def rules_of(definition: Definition) -> list[str]:
    """The sentences about key, re-entry, restart and exit."""
    per = {
        Key.APPOINTMENT: "Each appointment walks on its own.",
        Key.EVENT: "Each event walks on its own.",
        Key.PERSON: "A person walks once at a time.",
    }
    lines = [per[definition.key]]
    if definition.reentry is Reentry.NEVER:
        lines.append("Nobody walks it twice for the same reason.")
    if definition.restart_on:
        lines.append(f"It starts over when {join([EVENTS[each] for each in definition.restart_on])}.")
    if definition.exit_on:
        lines.append(f"It ends when {join([EVENTS[each] for each in definition.exit_on])}.")
    return lines


def step(
    value: Step,
    dates: Mapping[str, str] | None = None,
    rule_words: RuleWords | None = None,
    messages: Mapping[str, str] | None = None,
) -> StepWords:
    """The words of one step. `dates` are labels of date fields; `rule_words` puts a rule in words; `messages` are the
    send steps of the journey with what they send.
    """
    dates = dates or {}
    match value:
        case Send():
            title = f"Send “{value.template}”" if value.template else "Send a message (choose a template)"
            line = f"Purpose: {PURPOSES.get(value.purpose, value.purpose)}"
            if value.before:
                line += f". Never after {date_word(value.before, dates)}"
            return StepWords("Send", title, line)
        case Wait():
            return StepWords("Wait", f"Wait {amount(value.amount, value.unit)}")
        case WaitUntil():
            return StepWords("Wait until", until(value, dates), late(value, dates))
        case WaitFor():
            signals = join([SIGNAL_NOUNS[each] for each in value.signals]) or "an answer"
            time_words = amount(value.amount, value.unit)
            verbs = join([SIGNAL_VERBS[each].lower() for each in value.signals]).capitalize() or "Answered"
            return StepWords(
                "Wait for an answer",
                f"Wait up to {time_words} for {signals}",
                "Goes on at once when it comes",
                yes=verbs,
                no=f"Not within {time_words}",
            )
        case Condition():
            if not value.rule_json:
                return StepWords("Condition", "Ask something about the person", "", "Yes", "No")
            question = asking.read(value.rule)
            if question is not None:
                return StepWords(
                    "Condition", asking.words(question, messages), "Asked when the person gets here", "Yes", "No"
                )
            words = rule_words(value.rule) if rule_words else "The condition holds"
            return StepWords("Condition", words, "Asked when the person gets here", "Yes", "No")
        case Exit():
            return StepWords("Exit", "Leave the journey")
    raise TypeError(type(value).__name__)


def numbers(definition: Definition) -> dict[str, int]:
    """The number of each step in reading order."""
    return {place.step.id: place.number for place in walk(definition)}


def until(value: WaitUntil, dates: Mapping[str, str]) -> str:
    """ "Wait until 3 days before the appointment, 9:00 AM clinic time"."""
    word = date_word(value.field, dates)
    if not value.days:
        return f"Wait until the day of {word}, {clock(value.at)} clinic time"
    side = "before" if value.direction is Direction.BEFORE else "after"
    return f"Wait until {amount(value.days, Unit.DAYS)} {side} {word}, {clock(value.at)} clinic time"


def late(value: WaitUntil, dates: Mapping[str, str]) -> str:
    """What happens to somebody who arrives after the moment."""
    if value.late_hours is None:
        return "If that moment has passed: goes on at once"
    hours = amount(value.late_hours, Unit.HOURS)
    return (
        f"If that moment has passed: goes on at once while more than {hours} remain "
        f"until {date_word(value.field, dates)}, else skips the next message"
    )


# What a word means to whoever reads it here for the first time.
REASON_HINTS: Mapping[str, str] = {
    "suppressed": HELD_HINTS[Held.SUPPRESSED],
    "step_error": "Look at the person's way to see the error, then try again or take them out.",
    "not_sent": "The message before was skipped or held back.",
}


def reason(code: str) -> str:
    """The words of a reason code; an unknown code is shown as it is."""
    return REASONS.get(code, code.replace("_", " ").capitalize())


def outcome(code: str) -> str:
    """The words of an outcome in the middle of a title."""
    words = {
        "waiting": "waiting here",
        "done": "went on",
        "sent": "sent",
        "skipped": "skipped",
        "yes": "took the first path",
        "no": "took the second path",
        "exit": "left here",
    }
    return words.get(code, code)
