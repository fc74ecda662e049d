"""What staff put on a person: "Has the tag “Recall”"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from apps.contacts import sql as contacts_sql
from apps.contacts.person.fields import TAG_PREFIX, FieldSpec
from apps.core.levels import Level
from apps.segments.conditions.base import controls
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json, RuleError
from apps.segments.conditions.base.nodes import (
    Condition,
    Fragment,
    Handle,
    Opened,
    Reference,
    RefersTo,
    Search,
    Words,
)

OPERATORS = {"has": "has", "has_not": "does not have"}


@dataclass(frozen=True, repr=False)
class TagCondition(Condition):
    """Having a tag, by its id, or not."""

    KEY: ClassVar[str] = "tag"
    TIMELINE: ClassVar[bool] = True

    tag: Handle
    has: bool = True

    @classmethod
    def parse(cls, document: Document) -> TagCondition:
        """Read the condition."""
        document.only("tag", "op")
        return cls(document.handle("tag"), document.choice("op", OPERATORS) == "has")

    def to_document(self) -> Json:
        """The condition as it is stored."""
        return {"tag": self.tag, "op": "has" if self.has else "has_not"}

    def holds(self, opened: Opened) -> bool | None:
        """Whether the person has it, or has not; None where nobody looked up the tags of the person."""
        known: frozenset[int] | None = getattr(opened.record, "tags", None)
        return None if known is None else (self._id() in known) is self.has

    def sql(self, search: Search) -> Fragment:
        """The people of the tag, by the key."""
        no = "" if self.has else "NOT "
        rows = contacts_sql.person_tags()
        if search.joins or search.one:
            found = f"EXISTS (SELECT 1 FROM {rows} WHERE g.person_id = s.person_id AND g.tag_id = %s)"  # noqa: S608
            return Fragment(f"{no}{found}", (self._id(),))
        found = f"(s.person_id IN (SELECT g.person_id FROM {rows} WHERE g.tag_id = %s)) IS TRUE"  # noqa: S608
        return Fragment(f"{no}({found})", (self._id(),))

    def sentence(self, words: Words) -> str:
        """``Has the tag “Recall”``."""
        said = OPERATORS["has" if self.has else "has_not"].capitalize()
        return f"{said} the tag “{words.called(RefersTo.TAG, self.tag)}”"

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """That of the tag; of one that nobody knows the highest."""
        spec = fields.get(f"{TAG_PREFIX}{self.tag}")
        return Level.PROTECTED if spec is None else spec.level

    def references(self) -> tuple[Reference, ...]:
        """The tag."""
        return (Reference(RefersTo.TAG, self.tag),)

    def with_references(self, names: Mapping[Reference, Any]) -> TagCondition:
        """The same about another tag."""
        return replace(self, tag=names.get(Reference(RefersTo.TAG, self.tag), self.tag))

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """One line, when there are tags."""
        return [Entry("Tags", "tag:", "Tag")] if offer.tags else []

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """The chosen tag."""
        return {"tag": form.get("tag"), "op": form.get("op") if form.get("op") in OPERATORS else "has"}

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """Has or has not, and which."""
        names = [(name, name) for name in offer.tags]
        return Drawn(
            "tag:",
            (
                controls.comparison(list(OPERATORS.items()), str(document.get("op", "has"))),
                controls.one(controls.select("tag", "Tag", names, str(document.get("tag", "")))),
            ),
        )

    def _id(self) -> int:
        if not isinstance(self.tag, int):
            raise RuleError("tag.unknown", (), "it asks for a tag that no longer exists: choose another.")
        return self.tag
