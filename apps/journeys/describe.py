"""A journey in words: what each step does, what each reason means. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from apps.delivery.policy.routing import HELD_HINTS, HELD_WORDS, Held
from apps.journeys.definition import Definition, Trigger, walk
from apps.journeys.vocabulary import Key, Reentry, TriggerKind, join

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
    "observation": "a lab result or vital sign is recorded",
    "consent.granted": "the person gives a consent",
    "contact.created": "a contact is created",
    "contact.changed": "a contact is changed",
}

ANSWERED: Mapping[str, str] = {"clicked": "Clicks in", "read": "Reads in the portal:", "replied": "Replies to"}

REASONS: Mapping[str, str] = {
    "completed": "Reached the end",
    "exit_step": "Reached an exit step",
    "late_at_once": "Booked late: sent at once",
    "booked_too_late": "Booked too late",
    "date_passed": "The date had passed",
    "no_date": "The date is not known",
    "not_sent": "Nothing was sent to answer to",
    "visit_in_doubt": HELD_WORDS[Held.VISIT_IN_DOUBT],
    "signal": "Answered in time",
    "timeout": "No answer in time",
    "missing_step": "The step is not in this version",
    "step_error": "The step could not be decided",
    "deceased": "The person has died",
    "erased": "The person was erased",
    "suppressed": "The mailbox is suppressed",
    "removed": "Removed by staff",
    "merged": "Their record was merged into another one",
    "appointment.moved": "The appointment was moved",
    "appointment.cancelled": "The appointment was canceled",
    "appointment.kept": "The appointment was kept",
    "appointment.missed": "The appointment was missed",
    "consent.withdrawn": "The person withdrew a consent",
    "message.replied": "The person replied",
    "message.unsubscribed": "The person unsubscribed",
    "message.bounced": "A message bounced",
}


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


def numbers(definition: Definition) -> dict[str, int]:
    """The number of each step in reading order."""
    return {place.step.id: place.number for place in walk(definition)}


# What a word means to whoever reads it here for the first time.
REASON_HINTS: Mapping[str, str] = {
    "suppressed": HELD_HINTS[Held.SUPPRESSED],
    "visit_in_doubt": HELD_HINTS[Held.VISIT_IN_DOUBT],
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
    return words.get(code, f"took the path “{code}”")
