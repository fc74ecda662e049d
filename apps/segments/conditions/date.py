"""A date attribute in a window or near its anniversary: "Birth date is before Jan 1, 1952"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, ClassVar

from apps.contacts.person.fields import FieldSpec
from apps.core.levels import Level
from apps.segments.conditions.attribute import KNOWN, AttributeCondition, asked_for, asks_equality
from apps.segments.conditions.base import controls, tokens
from apps.segments.conditions.base.attributes import (
    ATTRIBUTE,
    label_of,
    own_references,
    ranged,
    slotted,
    spec_level,
    spec_of,
    stored_day,
)
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import (
    Condition,
    Fragment,
    Opened,
    Reference,
    RefersTo,
    Search,
    Words,
    has_tokens,
    one_of,
)
from apps.segments.conditions.base.windows import (
    BEGINNING,
    DAYS,
    OWN_HORIZON_YEARS,
    Window,
    anniversary_days,
    counted_in,
    horizon,
    shifted,
    spoken_day,
    unit_part,
    years_before,
)

OPERATORS = {
    "between": "is between",
    "on": "is on",
    "before": "is before",
    "after": "is after",
    "in_last_days": "is in the last",
    "in_next_days": "is in the next",
    "anniversary_in_days": "has its anniversary in the next",
    **KNOWN,
}
#: In the order of the message that lists them.
_ACCEPTED = (
    "on",
    "before",
    "after",
    "between",
    "in_last_days",
    "in_next_days",
    "anniversary_in_days",
    "exists",
    "missing",
)
#: Parts of the form by operator, each with what it says before anybody typed.
_PARTS: dict[str, dict[str, Any]] = {
    "between": {"from": "", "to": ""},
    "on": {"value": ""},
    "before": {"value": ""},
    "after": {"value": ""},
    "in_last_days": {"days": 30},
    "in_next_days": {"days": 30},
    "anniversary_in_days": {"days": 7},
    "exists": {},
    "missing": {},
}


@dataclass(frozen=True, repr=False)
class DateCondition(Condition):
    """A date attribute: on, before, after, between (inclusive), in_last_days, in_next_days, anniversary_in_days.

    ``days`` counts days, or what ``unit`` says. "Is known" of a date is the attribute's condition.
    """

    KEY: ClassVar[str] = "field"
    BY_DAY: ClassVar[bool] = True

    field: str
    op: str
    first: date | None = None
    last: date | None = None
    days: int | None = None
    unit: str = DAYS

    @classmethod
    def reads(cls, document: Json, fields: Mapping[str, FieldSpec]) -> bool:
        """Date attributes, but for rules that ask an own one by equality."""
        name = document.get("field")
        spec = spec_of(name, fields) if isinstance(name, str) else None
        if spec is None or spec.type != "date" or spec.search == "none":
            return False
        own = spec.name.startswith(ATTRIBUTE)
        return not asks_equality(spec.name, document) and (ranged(spec) or not own)

    @classmethod
    def parse(cls, document: Document) -> Condition:
        """Read the condition."""
        name, _ = asked_for(document)
        operator = document.choice("op", _ACCEPTED)
        if operator in KNOWN:
            document.only("field", "op")
            return AttributeCondition(name, operator)
        if operator == "between":
            document.only("field", "op", "from", "to")
            first, last = document.day("from"), document.day("to")
            document.in_order(first, last)
            return cls(name, operator, first, last)
        if operator in ("in_last_days", "in_next_days", "anniversary_in_days"):
            document.only("field", "op", "days", "unit")
            number, unit = document.span("days")
            return cls(name, operator, days=number, unit=unit)
        document.only("field", "op", "value")
        day = document.day("value")
        return cls(name, operator, last=day) if operator == "before" else cls(name, operator, day)

    def to_document(self) -> Json:
        """The condition as it is stored."""
        document: Json = {"field": self.field, "op": self.op}
        if self.op == "between":
            document["from"] = self.first.isoformat() if self.first else None
            document["to"] = self.last.isoformat() if self.last else None
        elif self.op in ("on", "after"):
            document["value"] = self.first.isoformat() if self.first else None
        elif self.op == "before":
            document["value"] = self.last.isoformat() if self.last else None
        else:
            document |= {"days": self.days, **unit_part(self.unit)}
        return document

    def window(self, today: date) -> Window:
        """Days the attribute may have; not for anniversaries."""
        if self.op == "in_last_days":
            return shifted(today, -(self.days or 0), self.unit), today
        if self.op == "in_next_days":
            return today, shifted(today, self.days or 0, self.unit)
        if self.op == "on":
            return self.first or BEGINNING, self.first or BEGINNING
        if self.op == "after":
            own = self.field.startswith(ATTRIBUTE)
            last = years_before(today, -OWN_HORIZON_YEARS) if own else horizon(today)
            return (self.first or BEGINNING) + timedelta(days=1), last
        if self.op == "before":
            return BEGINNING, (self.last or BEGINNING) - timedelta(days=1)
        return self.first or BEGINNING, self.last or horizon(today)

    def anniversaries(self, today: date) -> list[tuple[int, int]]:
        """Months and days that come up."""
        return anniversary_days(self.days or 0, today, self.unit)

    def holds(self, opened: Opened) -> bool:
        """Whether the date is known and in the window, or comes up."""
        mine = stored_day(opened.record.profile, self.field)
        if mine is None:
            return False
        if self.op == "anniversary_in_days":
            return (mine.month, mine.day) in self.anniversaries(opened.today)
        first, last = self.window(opened.today)
        return first <= mine <= last

    def sql(self, search: Search) -> Fragment:
        """The keyed days of the window in the date's column; month-days of own dates stand among the tokens."""
        if (spec := slotted(self.field, search.fields)) is not None:
            if self.op == "anniversary_in_days":
                month_days = tokens.slot_month_days(spec, self.anniversaries(search.today))
                return has_tokens("&&", month_days).wrapped("(", ")")
            return one_of(f"s.s{spec.slot}", tokens.slot_days(spec, self.window(search.today)))
        if self.field not in tokens.DAY_COLUMNS:
            return Fragment("(FALSE)")
        if self.op == "anniversary_in_days":
            return one_of(*tokens.person_month_days(self.field, self.anniversaries(search.today)))
        return one_of(*tokens.person_days(self.field, self.window(search.today)))

    def sentence(self, words: Words) -> str:
        """``Birth date is before Jan 1, 1952``."""
        name = label_of(self.field, spec_of(self.field, words.fields))
        days = self.days or 0
        if self.op == "anniversary_in_days":
            what = "Birthday" if self.field == "birth_date" else f"Anniversary of {name.lower()}"
            return f"{what} is today" if days == 0 else f"{what} is within the next {counted_in(days, self.unit)}"
        if self.op == "in_last_days":
            return f"{name} is within the last {counted_in(days, self.unit)}"
        if self.op == "in_next_days":
            return f"{name} is within the next {counted_in(days, self.unit)}"
        if self.op == "between" and self.first and self.last:
            return f"{name} is between {spoken_day(self.first)} and {spoken_day(self.last)}"
        if self.op == "before" and self.last:
            return f"{name} is before {spoken_day(self.last)}"
        if self.first and self.op == "after":
            return f"{name} is after {spoken_day(self.first)}"
        return f"{name} is {spoken_day(self.first)}" if self.first else name

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """The level of the attribute."""
        return spec_level(self.field, fields)

    def references(self) -> tuple[Reference, ...]:
        """The attribute, when it is an own one."""
        return own_references(self.field)

    def with_references(self, names: Mapping[Reference, Any]) -> DateCondition:
        """The same window of another attribute."""
        return replace(self, field=names.get(Reference(RefersTo.ATTRIBUTE, self.field), self.field))

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """None of its own: date attributes stand among the attributes."""
        return []

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """The window; "between" unless an operator of dates was chosen."""
        operator = form.get("op") if form.get("op") in _PARTS else "between"
        document: Json = {"field": form.detail, "op": operator}
        for part, fallback in _PARTS[operator].items():
            document |= form.span(part, fallback) if isinstance(fallback, int) else {part: form.get(part)}
        return document

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """The operator, then one day, two days, or a number with its unit."""
        operator = str(document.get("op", ""))
        parts = [controls.comparison(list(OPERATORS.items()), operator)]
        if operator == "between":
            first = controls.day("from", "From", document.get("from"))
            last = controls.day("to", "To", document.get("to"))
            parts.append(controls.together(first, controls.words("and"), last))
        elif operator in ("in_last_days", "in_next_days", "anniversary_in_days"):
            parts.append(controls.span("days", document))
        elif operator not in KNOWN:
            parts.append(controls.one(controls.day("value", "Date", document.get("value"))))
        return Drawn(f"field:{document['field']}", tuple(parts))
