"""What a condition may ask: a rule about the person, or how things stand with this very run. Pure.

A rule is the segment builder's JSON and is asked of the opened record. The other questions are about what this journey
itself knows: ``{"message": "s2", "signal": "clicked"}`` (an answer to one of its messages; "" is the message before,
"any" any answer) and ``{"visit": "kept"}`` (the appointment that the run is about).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.journeys.definition import SIGNALS, Definition, Key, Send, walk

ANY = "any"
ANSWERS: Mapping[str, str] = {
    ANY: "Did the person answer {message}?",
    "clicked": "Did the person click in {message}?",
    "read": "Did the person read {message} in the portal?",
    "replied": "Did the person reply to {message}?",
}
VISITS: Mapping[str, str] = {
    "booked": "Is the appointment still booked?",
    "kept": "Was the appointment kept?",
    "missed": "Was the appointment missed?",
    "cancelled": "Was the appointment canceled?",
}


@dataclass(frozen=True, slots=True)
class AboutMessage:
    """An answer to the message of step ``of`` ("" is the nearest send before)."""

    of: str
    signal: str

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that make it a yes."""
        return SIGNALS if self.signal == ANY else (self.signal,)


@dataclass(frozen=True, slots=True)
class AboutVisit:
    """The state of the appointment that the run is about."""

    state: str


Question = AboutMessage | AboutVisit


def read(rule: Mapping[str, Any]) -> Question | None:
    """The question about the run in a condition's JSON; None when it is a rule about the person, or blank.

    Raises ``ValueError`` with a sentence for one that is written wrongly.
    """
    if "message" in rule:
        signal, of = rule.get("signal", ANY), rule["message"]
        if set(rule) - {"message", "signal"} or signal not in ANSWERS or not isinstance(of, str):
            raise ValueError(f"A question about a message needs a signal: one of {', '.join(ANSWERS)}.")
        return AboutMessage(of, signal)
    if "visit" in rule:
        if set(rule) != {"visit"} or rule["visit"] not in VISITS:
            raise ValueError(f"A question about the appointment needs a state: one of {', '.join(VISITS)}.")
        return AboutVisit(rule["visit"])
    return None


def is_about_person(rule: Mapping[str, Any]) -> bool:
    """Whether the segment language answers it."""
    return bool(rule) and "message" not in rule and "visit" not in rule


def words(question: Question, messages: Mapping[str, str] | None = None) -> str:
    """The question as a sentence. ``messages``: send steps with what they send."""
    if isinstance(question, AboutVisit):
        return VISITS[question.state]
    name = (messages or {}).get(question.of, "")
    return ANSWERS[question.signal].format(message=f"“{name}”" if name else "the message before")


def messages(definition: Definition) -> dict[str, str]:
    """The send steps of a journey with the names of what they send."""
    return {
        place.step.id: place.step.template
        for place in walk(definition)
        if isinstance(place.step, Send) and place.step.template
    }


def problem(question: Question, definition: Definition, sent: set[str]) -> str:
    """What keeps the question from being asked here, or "". ``sent``: the send steps before this one."""
    if isinstance(question, AboutVisit):
        if definition.key is not Key.APPOINTMENT:
            return "asks about the appointment, but this journey does not walk per appointment. Ask something else."
        return ""
    if not sent:
        return "asks about a message, but nothing is sent before. Move it down."
    if question.of and question.of not in sent:
        return "asks about a message that is not sent before it. Choose another."
    return ""
