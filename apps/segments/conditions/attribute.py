"""An attribute compared with values: "Sex is female", "City is Lexington or Ashland", "E-mail is known"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from apps.contacts import sql as contacts_sql
from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.core.folding import fold
from apps.core.levels import Level
from apps.segments.conditions.base import controls, tokens
from apps.segments.conditions.base.attributes import (
    ATTRIBUTE,
    DEFAULTS,
    PREFIX_LENGTHS,
    comparable,
    label_of,
    own_references,
    searchable,
    slotted,
    spec_level,
    spec_of,
    starts_of,
    stored,
    values_of,
)
from apps.segments.conditions.base.controls import Choices, Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json, Path, RuleError
from apps.segments.conditions.base.nodes import (
    Condition,
    Fragment,
    Opened,
    Reference,
    RefersTo,
    Reveals,
    Search,
    Words,
    has_tokens,
    joined,
    one_of,
)
from apps.segments.conditions.base.windows import listed
from apps.vault.tokens import normalize

OPERATORS = {
    "is": "is",
    "is_not": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "starts_with": "starts with",
    "exists": "is known",
    "missing": "is not known",
}
KNOWN = {name: OPERATORS[name] for name in ("exists", "missing")}
#: Operators of ranges that a row may still post when its attribute has just become one of text.
_OF_RANGES = ("between", "on", "before", "after", "in_last_days", "in_next_days", "anniversary_in_days")


@dataclass(frozen=True, repr=False)
class AttributeCondition(Condition):
    """An attribute compared with values: is, is_not, in, not_in, starts_with, exists, missing.

    ``is_not`` and ``not_in`` are complements: they also match people of whom the attribute is not known.
    """

    KEY: ClassVar[str] = "field"

    field: str
    op: str
    values: tuple[str, ...] = ()

    @classmethod
    def parse(cls, document: Document) -> AttributeCondition:
        """Read the condition: the attribute must be searchable, and the comparison one that it allows."""
        name, spec = asked_for(document)
        document.only("field", "op", "value")
        operator = document.choice("op", tuple(OPERATORS))
        if operator in KNOWN:
            return cls(name, operator)
        values = document.values("value", many=operator in ("in", "not_in"))
        if operator == "starts_with" and spec.search != "words":
            raise document.wrong(
                "condition.comparison_unknown", "“starts with” works for names; choose “is” for this attribute."
            )
        if operator == "starts_with" and len(comparable(name, values[0])) not in PREFIX_LENGTHS:
            raise document.wrong(
                "condition.letters_count", "give two to four letters: the starts of words are searchable so far."
            )
        return cls(name, operator, values)

    def to_document(self) -> Json:
        """The condition as it is stored."""
        document: Json = {"field": self.field, "op": self.op}
        if self.op in ("in", "not_in"):
            document["value"] = list(self.values)
        elif self.values:
            document["value"] = self.values[0]
        return document

    def check_choices(self, fields: Mapping[str, FieldSpec], path: Path) -> None:
        """Refuse a value that no one can have, such as "female" where records say F.

        It would count nobody, or everybody as a complement, without a word.
        """
        spec = spec_of(self.field, fields)
        if self.op == "starts_with" or spec is None or not spec.choices:
            return
        known = {fold(code) for code, _ in spec.choices}
        if any(fold(value) not in known and not spec.allows(normalize(value)) for value in self.values):
            offered = ", ".join(f"{code} ({label})" for code, label in spec.choices[:12])
            offered += ", and others" if len(spec.choices) > 12 else ""
            raise RuleError("condition.value_unknown", path, f"“{spec.label}” is one of {offered}.")

    def holds(self, opened: Opened) -> bool:
        """Whether one of the values is the person's (or none of them is)."""
        profile = opened.record.profile
        if self.op == "starts_with":
            return comparable(self.field, self.values[0]) in starts_of(profile, self.field)
        if self.op in KNOWN:
            return bool(stored(profile, self.field)) is (self.op == "exists")
        # "" is what no search finds: a number out of bounds, a date that is none.
        mine = values_of(profile, self.field, opened.fields) - {""}
        asked = {comparable(self.field, text, opened.fields) for text in self.values}
        return bool(asked & mine) is (self.op in ("is", "in"))

    def sql(self, search: Search) -> Fragment:
        """Tokens of the search row; addresses and numbers by phone in the table of identities."""
        if self.op in KNOWN:
            found = self._known()
            return found if self.op == "exists" else found.wrapped("NOT ")
        if self.op == "starts_with":
            return _one_of(tokens.starts(self.field, self.values[0]))
        found = self._equals(search.fields)
        return found if self.op in ("is", "in") else found.wrapped("NOT ")

    def token(self, fields: Mapping[str, FieldSpec]) -> int | None:
        """The one token of a value, a start or of being known."""
        if self.field in DEFAULTS:
            return None
        if self.op == "exists":
            return tokens.presence(self.field)
        if self.op == "starts_with":
            return _alone(tokens.starts(self.field, self.values[0]))
        if self.op != "is" or slotted(self.field, fields) or tokens.identity_kind(self.field) is not None:
            return None
        return _alone(tokens.values(self.field, self.values[0]))

    def _known(self) -> Fragment:
        if self.field in DEFAULTS:
            return Fragment("(TRUE)")
        return has_tokens("@>", [tokens.presence(self.field)])

    def _equals(self, fields: Mapping[str, FieldSpec]) -> Fragment:
        if (spec := slotted(self.field, fields)) is not None:
            return one_of(f"s.s{spec.slot}", tokens.slot_values(spec, self.values))
        kind = tokens.identity_kind(self.field)
        if kind is not None:
            return Fragment(
                f"EXISTS (SELECT 1 FROM {contacts_sql.identities()} WHERE i.person_id = s.person_id "  # noqa: S608
                "AND i.kind = %s AND i.token = ANY(%s::bytea[]))",
                (kind, [tokens.identity(self.field, value) for value in self.values]),
            )
        found = _one_of([token for value in self.values for token in tokens.values(self.field, value)])
        if DEFAULTS.get(self.field) in {comparable(self.field, value) for value in self.values}:
            # Nothing recorded means the default, as in PersonRecord.
            unknown = has_tokens("@>", [tokens.presence(self.field)]).wrapped("NOT ")
            return joined(" OR ", [found, unknown]).wrapped("(", ")")
        return found.wrapped("(", ")")

    def sentence(self, words: Words) -> str:
        """``Sex is female``; complements say that they hold for the unknown, too."""
        spec = spec_of(self.field, words.fields)
        name = label_of(self.field, spec)
        if self.op in KNOWN:
            return f"{name} {KNOWN[self.op]}"
        values = [value_label(spec, value) for value in self.values]
        if self.op == "is":
            return f"{name} is {values[0]}"
        if self.op == "is_not":
            return f"{name} is not {values[0]}, or not known"
        if self.op == "starts_with":
            return f"{name} starts with “{values[0]}”"
        if self.op == "in":
            return f"{name} is {listed(values)}"
        return f"{name} is not {listed(values)}, or not known"

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """The level of the attribute."""
        return spec_level(self.field, fields)

    def reveals(self, fields: Mapping[str, FieldSpec]) -> Reveals:
        """What the person is to us is more than an attribute: being a patient is health information."""
        level = self.level(fields)
        if self.field != "relation":
            return Reveals(level)
        if self.op in KNOWN:
            fits = self.op == "exists"  # everybody has one, recorded or not
        else:
            asked = {comparable("relation", text) for text in self.values}
            fits = ("patient" in asked) is (self.op in ("is", "in"))
        return Reveals(level, fits, fits, relation=True)

    def references(self) -> tuple[Reference, ...]:
        """The attribute, when it is an own one."""
        return own_references(self.field)

    def with_references(self, names: Mapping[Reference, Any]) -> AttributeCondition:
        """The same comparison of another attribute."""
        return replace(self, field=names.get(Reference(RefersTo.ATTRIBUTE, self.field), self.field))

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """All searchable attributes, of any type, and those of the organization."""
        about = [
            Entry("About the person", f"field:{spec.name}", spec.label) for spec in FIELDS.values() if searchable(spec)
        ]
        own = [
            Entry("Own attributes", f"field:{name}", spec.label if (spec := spec_of(name, offer.fields)) else name)
            for name in offer.attributes
        ]
        return about + own

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """The comparison; a choice that the attribute does not have becomes its first."""
        name, operator, value = form.detail, form.get("op") or "is", form.get("value")
        if operator in _OF_RANGES:
            operator = "is"
        if operator in KNOWN:
            return {"field": name, "op": operator}
        if operator in ("in", "not_in"):
            values = [part.strip() for part in value.split(",") if part.strip()]
            return {"field": name, "op": operator, "value": values}
        spec = spec_of(name, form.fields)
        choices = [code for code, _ in spec.choices] if spec is not None else []
        if choices and spec is not None and not spec.allows(value):
            value = choices[0]
        return {"field": name, "op": operator, "value": value}

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """The operator, then a list of the attribute's choices, a value, or values separated by commas."""
        name, operator = str(document.get("field", "")), str(document.get("op", "is"))
        spec = spec_of(name, offer.fields)
        starts = spec is not None and spec.search == "words"
        operators: Choices = [pair for pair in OPERATORS.items() if starts or pair[0] != "starts_with"]
        value = document.get("value", "")
        value = ", ".join(value) if isinstance(value, list) else str(value)
        parts = [controls.comparison(operators, operator)]
        if operator in KNOWN:
            pass
        elif spec is not None and spec.choices and operator in ("is", "is_not"):
            offered = list(spec.choices)
            if value and spec.allows(value) and value not in dict(offered):
                offered.append((value, spec.said(value)))
            parts.append(controls.one(controls.select("value", "Value", offered, value)))
        elif operator in ("in", "not_in"):
            many = controls.text("value", "Values, separated by commas", value, placeholder="Lexington, Ashland")
            parts.append(controls.one(many))
        else:
            parts.append(controls.one(controls.text("value", "Value", value, longest=200)))
        return Drawn(f"field:{name}", tuple(parts))


def _one_of(wanted: list[int]) -> Fragment:
    return has_tokens("@>" if len(wanted) == 1 else "&&", wanted)


def _alone(wanted: list[int]) -> int | None:
    return wanted[0] if len(wanted) == 1 else None


def asked_for(document: Document) -> tuple[str, FieldSpec]:
    """The attribute a document names. Raises RuleError for one that is unknown or kept sealed."""
    name = document.text("field")
    spec = spec_of(name, document.fields)
    if spec is None:
        known = ", ".join(("age", *(each.name for each in document.fields.values() if searchable(each))))
        raise document.wrong("attribute.unknown", f"there is no attribute of that name. Known are {known}.")
    if not searchable(spec):
        raise document.wrong(
            "attribute.not_searchable", f"“{spec.label}” is kept sealed and cannot be searched: choose another."
        )
    return name, spec


def value_label(spec: FieldSpec | None, value: str) -> str:
    """A stored value as the pages show it: ``female`` for ``F`` where the attribute names its choices.

    Languages are proper names and keep their capital: ``Spanish``.
    """
    if spec is None or not spec.choices:
        return value
    label = spec.said(value)
    return label if spec.name == "language" else label.lower()


def asks_equality(name: str, document: Json) -> bool:
    """Rules older than the definition of an own attribute ask by equality; they go on to work."""
    return name.startswith(ATTRIBUTE) and document.get("op") in ("is", "is_not", "in", "not_in")
