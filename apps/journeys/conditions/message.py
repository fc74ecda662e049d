"""Did the person answer a message of this journey? ``{"message": "s2", "signal": "clicked"}``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from apps.core.levels import Level
from apps.journeys.conditions.protocol import RunCondition
from apps.journeys.fields import Input, Known, Offer
from apps.journeys.protocol import Here, Labels, Place
from apps.journeys.vocabulary import SIGNALS

ANY = "any"
ANSWERS: Mapping[str, str] = {
    ANY: "Did the person answer {message}?",
    "clicked": "Did the person click in {message}?",
    "read": "Did the person read {message} in the portal?",
    "replied": "Did the person reply to {message}?",
}
NEAREST = "-"
"""Stands for the message before in the builder: an empty value would mean that nothing was chosen."""


@dataclass(frozen=True, slots=True)
class AboutMessage:
    """An answer to the message of step ``of`` ("" is the nearest send before)."""

    of: str
    signal: str

    kind: ClassVar[str] = "message"
    label: ClassVar[str] = "A message of this journey"

    @classmethod
    def is_in(cls, document: Mapping[str, Any]) -> bool:
        """See ``RunCondition``."""
        return "message" in document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """See ``RunCondition``."""
        signal, of = document.get("signal", ANY), document["message"]
        if set(document) - {"message", "signal"} or signal not in ANSWERS or not isinstance(of, str):
            raise ValueError(f"A question about a message needs a signal: one of {', '.join(ANSWERS)}.")
        return cls(of, signal)

    def to_document(self) -> dict[str, Any]:
        """See ``RunCondition``."""
        return {"message": self.of, "signal": self.signal}

    @classmethod
    def is_offered(cls, offer: Offer) -> bool:
        """See ``RunCondition``."""
        return True

    @classmethod
    def inputs(cls, present: RunCondition | None, offer: Offer) -> list[Input]:
        """See ``RunCondition``."""
        of, signal = (present.of or NEAREST, present.signal) if isinstance(present, cls) else (NEAREST, ANY)
        before = [(step or NEAREST, words) for step, words in offer.messages_before]
        signals = [
            (ANY, "Clicked, read or replied to"),
            ("clicked", "Clicked"),
            ("read", "Read in the portal"),
            ("replied", "Replied to"),
        ]
        hint = "Opens do not count: mail programs open mail by themselves."
        return [
            Input("of", "choice", "Which message", of, choices=before),
            Input("signal", "choice", "Was it answered?", signal, hint, choices=signals),
        ]

    @classmethod
    def collect(cls, typed: Mapping[str, Any]) -> dict[str, Any]:
        """See ``RunCondition``."""
        return {"message": "" if typed["of"] == NEAREST else typed["of"], "signal": typed["signal"]}

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals that make it a yes."""
        return SIGNALS if self.signal == ANY else (self.signal,)

    @property
    def rule(self) -> dict[str, Any]:
        """See ``RunCondition``."""
        return {}

    @property
    def asks_visit(self) -> bool:
        """See ``RunCondition``."""
        return False

    def level(self, known: Known) -> Level:
        """Who clicked is what this journey is about anyway."""
        return Level.HEALTH

    def problem(self, place: Place) -> str:
        """See ``RunCondition``."""
        if not place.sent:
            return " asks about a message, but nothing is sent before. Move it down."
        if self.of and self.of not in place.sent:
            return " asks about a message that is not sent before it. Choose another."
        return ""

    def holds(self, here: Here) -> bool:
        """See ``RunCondition``."""
        watched = here.message(self.of)
        return any((signal, watched) in here.facts.signals for signal in self.signals)

    def words(self, labels: Labels) -> str:
        """See ``RunCondition``."""
        name = labels.messages.get(self.of, "")
        return ANSWERS[self.signal].format(message=f"“{name}”" if name else "the message before")
