"""Membership of another segment: "Is in the segment “Women”"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from apps.segments.conditions.base import controls
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import (
    Condition,
    Fragment,
    Handle,
    Membership,
    Opened,
    Reference,
    RefersTo,
    Search,
    Words,
)

NOT_LINKED = "link the rule first: Names.linked"
OPERATORS = {"in": "is in", "not_in": "is not in"}


@dataclass(frozen=True, repr=False)
class SegmentCondition(Condition):
    """Membership of another segment, by its id."""

    KEY: ClassVar[str] = "segment"

    segment: Handle
    inside: bool = True

    @classmethod
    def parse(cls, document: Document) -> SegmentCondition:
        """Read the condition."""
        document.only("segment", "op")
        return cls(document.handle("segment"), document.choice("op", tuple(OPERATORS)) == "in")

    def to_document(self) -> Json:
        """The condition as it is stored."""
        return {"segment": self.segment, "op": "in" if self.inside else "not_in"}

    def stands_for(self) -> Membership:
        """Its rule decides."""
        return Membership(self.segment, self.inside)

    def holds(self, opened: Opened) -> bool | None:
        """The rule of that segment is asked in its place."""
        raise TypeError(NOT_LINKED)

    def sql(self, search: Search) -> Fragment:
        """The rule of that segment is written in its place."""
        raise TypeError(NOT_LINKED)

    def sentence(self, words: Words) -> str:
        """``Is in the segment “Women”``."""
        return f"{'Is' if self.inside else 'Is not'} in the segment “{words.called(RefersTo.SEGMENT, self.segment)}”"

    def references(self) -> tuple[Reference, ...]:
        """The segment."""
        return (Reference(RefersTo.SEGMENT, self.segment),)

    def with_references(self, names: Mapping[Reference, Any]) -> SegmentCondition:
        """The same about another segment."""
        return replace(self, segment=names.get(Reference(RefersTo.SEGMENT, self.segment), self.segment))

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """One line, when there is another segment."""
        return [Entry("Segments", "segment:", "Another segment")] if offer.segments else []

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """The chosen segment."""
        return {"segment": form.get("value"), "op": form.get("op") or "in"}

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """In or not in, and which."""
        names = [(name, name) for name in offer.segments]
        return Drawn(
            "segment:",
            (
                controls.comparison(list(OPERATORS.items()), str(document.get("op", "in"))),
                controls.one(controls.select("value", "Value", names, str(document.get("segment", "")))),
            ),
        )
