"""Who came with a list: "Was added by import 12"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from apps.contacts.person.fields import FieldSpec
from apps.core.levels import Level
from apps.imports import sql as imports_sql
from apps.segments.conditions.base import controls
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import (
    CLINICAL_LEVEL,
    Condition,
    Fragment,
    Handle,
    Opened,
    Reference,
    RefersTo,
    Search,
    Words,
)

OPERATORS = {"made": "was added by", "changed": "was changed by", "any": "was added or changed by"}


@dataclass(frozen=True, repr=False)
class ImportedCondition(Condition):
    """Made by an import, or changed by it (its own values, or something that happened was added), or either."""

    KEY: ClassVar[str] = "import"
    TIMELINE: ClassVar[bool] = True

    number: Handle
    op: str
    told: Level = field(default=CLINICAL_LEVEL, compare=False)

    @classmethod
    def parse(cls, document: Document) -> ImportedCondition:
        """Read the condition."""
        document.only("import", "op")
        return cls(document.whole("import", 1, 2**53), document.choice("op", OPERATORS))

    def to_document(self) -> Json:
        """The condition as it is stored."""
        return {"import": self.number, "op": self.op}

    def holds(self, opened: Opened) -> bool | None:
        """Whether the import did; None where nobody looked up the imports of the person."""
        known: Mapping[Any, set[str]] | None = getattr(opened.record, "imports", None)
        if known is None:
            return None
        did = known.get(self.number, set())
        return bool(did) if self.op == "any" else self.op in did

    def sql(self, search: Search) -> Fragment:
        """The lists that the import left, by the chunk."""
        if search.one:
            return Fragment(imports_sql.came_with(self.op, "s.person_id"), (self.number,))
        found = Fragment(imports_sql.people(self.op), (self.number,) * (2 if self.op == "any" else 1))
        return found.wrapped("(s.person_id IN (", "))" if search.joins else ")) IS TRUE")

    def sentence(self, words: Words) -> str:
        """``Was added by import 12``."""
        said = OPERATORS[self.op]
        return f"{said[0].upper()}{said[1:]} import {self.number}"

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """What was declared of the list: that somebody stands on it may tell what they have."""
        return self.told

    def declared(self, levels: Mapping[Any, Level]) -> ImportedCondition:
        """The same, knowing what was declared."""
        return replace(self, told=levels.get(self.number, self.told))

    def references(self) -> tuple[Reference, ...]:
        """The import."""
        return (Reference(RefersTo.IMPORT, self.number),)

    def with_references(self, names: Mapping[Reference, Any]) -> ImportedCondition:
        """The same of another import."""
        return replace(self, number=names.get(Reference(RefersTo.IMPORT, self.number), self.number))

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """One line: which import is typed by its number, as its page and the list of imports say it."""
        return [Entry("Other", "import:", "Came with an import")]

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """Added by an import whose number is still to be typed, until somebody did."""
        operator = form.get("op") if form.get("op") in OPERATORS else "made"
        text = form.get("import")
        return {"import": int(text) if text.isdecimal() and len(text) < 16 else text, "op": operator}

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """The comparison and the number."""
        parts = (
            controls.comparison(list(OPERATORS.items()), str(document.get("op"))),
            controls.together(
                controls.words("import number"),
                controls.number("import", "Number of the import", document["import"], 15),
            ),
        )
        return Drawn("import:", parts)
