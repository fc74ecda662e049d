"""How does the appointment stand that the run is about? ``{"visit": "kept"}``. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from apps.core.levels import Level
from apps.journeys.conditions.protocol import RunCondition
from apps.journeys.fields import Input, Known, Offer
from apps.journeys.protocol import Here, Labels, Place

VISITS: Mapping[str, str] = {
    "booked": "Is the appointment still booked?",
    "kept": "Was the appointment kept?",
    "missed": "Was the appointment missed?",
    "cancelled": "Was the appointment canceled?",
}


@dataclass(frozen=True, slots=True)
class AboutVisit:
    """The state of the appointment that the run is about."""

    state: str

    kind: ClassVar[str] = "visit"
    label: ClassVar[str] = "The appointment"

    @classmethod
    def is_in(cls, document: Mapping[str, Any]) -> bool:
        """See ``RunCondition``."""
        return "visit" in document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """See ``RunCondition``."""
        if set(document) != {"visit"} or document["visit"] not in VISITS:
            raise ValueError(f"A question about the appointment needs a state: one of {', '.join(VISITS)}.")
        return cls(document["visit"])

    def to_document(self) -> dict[str, Any]:
        """See ``RunCondition``."""
        return {"visit": self.state}

    @classmethod
    def is_offered(cls, offer: Offer) -> bool:
        """See ``RunCondition``."""
        return offer.per_appointment

    @classmethod
    def inputs(cls, present: RunCondition | None, offer: Offer) -> list[Input]:
        """See ``RunCondition``."""
        state = present.state if isinstance(present, cls) else "booked"
        return [Input("visit", "choice", "Is it so?", state, choices=list(VISITS.items()))]

    @classmethod
    def collect(cls, typed: Mapping[str, Any]) -> dict[str, Any]:
        """See ``RunCondition``."""
        return {"visit": typed["visit"]}

    @property
    def rule(self) -> dict[str, Any]:
        """See ``RunCondition``."""
        return {}

    @property
    def asks_visit(self) -> bool:
        """See ``RunCondition``."""
        return True

    def level(self, known: Known) -> Level:
        """Whose visit was kept is what this journey is about anyway."""
        return Level.HEALTH

    def problem(self, place: Place) -> str:
        """See ``RunCondition``."""
        if place.per_appointment:
            return ""
        return " asks about the appointment, but this journey does not walk per appointment. Ask something else."

    def holds(self, here: Here) -> bool:
        """See ``RunCondition``."""
        return here.facts.visit == self.state

    def words(self, labels: Labels) -> str:
        """See ``RunCondition``."""
        return VISITS[self.state]
