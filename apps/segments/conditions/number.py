"""An own number in a range: "Weight is at least 40"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from apps.contacts.person.fields import FieldSpec
from apps.core.levels import Level
from apps.segments.conditions.attribute import KNOWN, AttributeCondition, asked_for
from apps.segments.conditions.base import controls, tokens
from apps.segments.conditions.base.attributes import (
    label_of,
    own_references,
    ranged,
    slotted,
    spec_level,
    spec_of,
    stored,
)
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Condition, Fragment, Opened, Reference, RefersTo, Search, Words, one_of

OPERATORS = {"between": "is between", "at_least": "is at least", "at_most": "is at most"}


@dataclass(frozen=True, repr=False)
class NumberCondition(Condition):
    """An own number, compared by its step: between (inclusive), at_least, at_most."""

    KEY: ClassVar[str] = "field"
    BY_DAY: ClassVar[bool] = True

    field: str
    op: str
    low: int | float | None
    high: int | float | None

    @classmethod
    def reads(cls, document: Json, fields: Mapping[str, FieldSpec]) -> bool:
        """Own numbers with bounds, but for rules that ask them by equality."""
        name = document.get("field")
        spec = spec_of(name, fields) if isinstance(name, str) else None
        if spec is None or spec.type != "number" or not ranged(spec):
            return False
        return document.get("op") in (None, *OPERATORS, *KNOWN)

    @classmethod
    def parse(cls, document: Document) -> Condition:
        """Read the condition."""
        if document.get("op") not in OPERATORS:
            return AttributeCondition.parse(document)
        name, _ = asked_for(document)
        document.only("field", "op", "from", "to")
        operator = document.choice("op", tuple(OPERATORS))
        low = None if operator == "at_most" else document.decimal("from")
        high = None if operator == "at_least" else document.decimal("to")
        if low is not None and high is not None and low > high:
            raise document.wrong("condition.bounds_backwards", "the lower number comes first.")
        return cls(name, operator, low, high)

    def to_document(self) -> Json:
        """The condition as it is stored."""
        document: Json = {"field": self.field, "op": self.op}
        if self.low is not None:
            document["from"] = self.low
        if self.high is not None:
            document["to"] = self.high
        return document

    def holds(self, opened: Opened) -> bool:
        """Whether the number is within its bounds and its step in the range."""
        spec = spec_of(self.field, opened.fields)
        if spec is None or spec.numbers is None:
            return False
        step = spec.numbers.at(next(iter(stored(opened.record.profile, self.field)), None))
        return step is not None and step in spec.numbers.steps(self.low, self.high)

    def sql(self, search: Search) -> Fragment:
        """The keyed steps of the range in the number's slot."""
        spec = slotted(self.field, search.fields)
        if spec is None:
            return Fragment("(FALSE)")
        return one_of(f"s.s{spec.slot}", tokens.slot_steps(spec, self.low, self.high))

    def sentence(self, words: Words) -> str:
        """``Weight is between 40 and 60``."""
        name = label_of(self.field, spec_of(self.field, words.fields))
        if self.op == "at_least":
            return f"{name} is at least {self.low}"
        if self.op == "at_most":
            return f"{name} is at most {self.high}"
        return f"{name} is between {self.low} and {self.high}"

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """The level of the attribute."""
        return spec_level(self.field, fields)

    def references(self) -> tuple[Reference, ...]:
        """The attribute: numbers are always the organization's own."""
        return own_references(self.field)

    def with_references(self, names: Mapping[Reference, Any]) -> NumberCondition:
        """The same range of another attribute."""
        return replace(self, field=names.get(Reference(RefersTo.ATTRIBUTE, self.field), self.field))

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """None of its own: numbers stand among the attributes."""
        return []

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """The range; the bounds of the attribute until somebody typed."""
        operator = form.get("op")
        if operator in KNOWN:
            return {"field": form.detail, "op": operator}
        document: Json = {"field": form.detail, "op": operator if operator in OPERATORS else "between"}
        spec = spec_of(form.detail, form.fields)
        numbers = spec.numbers if spec is not None else None
        if document["op"] != "at_most":
            document["from"] = form.decimal("from", numbers.spoken(numbers.low) if numbers else 0)
        if document["op"] != "at_least":
            document["to"] = form.decimal("to", numbers.spoken(numbers.high) if numbers else 0)
        return document

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """The operator and one number or two."""
        operator = str(document.get("op", ""))
        parts = [controls.comparison([*OPERATORS.items(), *KNOWN.items()], operator)]
        low = controls.number("from", "Lowest number", document.get("from"), 12, decimal=True)
        high = controls.number("to", "Highest number", document.get("to"), 12, decimal=True)
        if operator == "between":
            parts.append(controls.together(low, controls.words("and"), high))
        elif operator == "at_least":
            parts.append(controls.one(low))
        elif operator == "at_most":
            parts.append(controls.one(high))
        return Drawn(f"field:{document['field']}", tuple(parts))
