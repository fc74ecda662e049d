"""The words journeys are written in, as they are stored: triggers, keys, units, signals, events. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from enum import StrEnum

from apps.core.purposes import Purpose

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

SIGNAL_NOUNS: Mapping[str, str] = {
    "clicked": "a click",
    "read": "a read in the portal",
    "replied": "a reply",
}

SIGNAL_VERBS: Mapping[str, str] = {"clicked": "Clicked", "read": "read", "replied": "replied"}

PURPOSES: Mapping[str, str] = {
    Purpose.TREATMENT: "treatment",
    Purpose.OPERATIONS: "health care operations",
    Purpose.PAYMENT: "payment",
    Purpose.MARKETING: "marketing with authorization",
    Purpose.FUNDRAISING: "fundraising",
    Purpose.B2B: "business to business",
    Purpose.ACCOUNT: "account notice",
}

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
