"""What a kind of question that a branch asks has to answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from apps.core.levels import Level
from apps.journeys.fields import Input, Known, Offer
from apps.journeys.protocol import Here, Labels, Place


class RunCondition(Protocol):
    """One question: about the person, or about how this run stands."""

    kind: ClassVar[str]
    """Its word in the builder's "Ask about"."""
    label: ClassVar[str]

    @classmethod
    def is_in(cls, document: Mapping[str, Any]) -> bool:
        """Whether this JSON is a question of this kind."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RunCondition:
        """The question in this JSON. Raises ``ValueError`` with a sentence for one that is written wrongly."""

    def to_document(self) -> dict[str, Any]:
        """Its JSON."""

    @classmethod
    def is_offered(cls, offer: Offer) -> bool:
        """Whether a journey may ask it."""

    @classmethod
    def inputs(cls, present: RunCondition | None, offer: Offer) -> list[Input]:
        """The controls of the builder, filled in from the present question if it is of this kind."""

    @classmethod
    def collect(cls, typed: Mapping[str, Any]) -> dict[str, Any]:
        """JSON from cleaned inputs."""

    @property
    def rule(self) -> dict[str, Any]:
        """The segment rule it asks of the opened record, or {}."""

    @property
    def asks_visit(self) -> bool:
        """Whether it asks how the appointment of the run stands."""

    def level(self, known: Known) -> Level:
        """The level of what it looks at."""

    def problem(self, place: Place) -> str:
        """What keeps it from being asked here, or ""; follows "Step 3"."""

    def holds(self, here: Here) -> bool:
        """The answer."""

    def words(self, labels: Labels) -> str:
        """The question as a sentence."""
