"""How old a person is: "Is 65 or older"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import ClassVar

from apps.contacts.person.fields import FieldSpec
from apps.core.levels import Level
from apps.segments.conditions.base import controls, tokens
from apps.segments.conditions.base.attributes import stored_day
from apps.segments.conditions.base.controls import Control, Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Condition, Fragment, Opened, Search, Words, one_of
from apps.segments.conditions.base.windows import BEGINNING, Window, years_before

OPERATORS = {"between": "is between", "at_least": "is at least", "at_most": "is at most"}
#: Nobody has been older than 122; a window for "at least 65" stops here.
OLDEST = 130


@dataclass(frozen=True, repr=False)
class AgeCondition(Condition):
    """Completed years on the clinic's calendar: between (inclusive), at_least, at_most."""

    KEY: ClassVar[str] = "field"
    BY_DAY: ClassVar[bool] = True

    op: str
    low: int | None
    high: int | None

    @classmethod
    def reads(cls, document: Json, fields: Mapping[str, FieldSpec]) -> bool:
        """``{"field": "age"}``: no attribute, for it is another one every year."""
        return document.get("field") == "age"

    @classmethod
    def parse(cls, document: Document) -> AgeCondition:
        """Read the condition."""
        document.only("field", "op", "from", "to")
        operator = document.choice("op", tuple(OPERATORS))
        low = None if operator == "at_most" else document.whole("from", 0, OLDEST)
        high = None if operator == "at_least" else document.whole("to", 0, OLDEST)
        if low is not None and high is not None and low > high:
            raise document.wrong("condition.bounds_backwards", "the lower age comes first.")
        return cls(operator, low, high)

    def to_document(self) -> Json:
        """The condition as it is stored."""
        document: Json = {"field": "age", "op": self.op}
        if self.low is not None:
            document["from"] = self.low
        if self.high is not None:
            document["to"] = self.high
        return document

    def window(self, today: date) -> Window:
        """Birth days of people whose age on ``today`` fits."""
        return _births(self.low, self.high, today)

    def holds(self, opened: Opened) -> bool:
        """Whether the birth date is known and in the window."""
        birth = stored_day(opened.record.profile, "birth_date")
        first, last = self.window(opened.today)
        return birth is not None and first <= birth <= last

    def sql(self, search: Search) -> Fragment:
        """The keyed days of the window."""
        return one_of(*tokens.person_days("birth_date", self.window(search.today)))

    def sentence(self, words: Words) -> str:
        """``Is 18 to 64 years old``."""
        if self.op == "at_least":
            return f"Is {self.low} or older"
        if self.op == "at_most":
            return f"Is {self.high} or younger"
        return f"Is {self.low} to {self.high} years old"

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """That of the birth date, an identifier at least."""
        return max(Level.IDENTIFIER, Level(fields["birth_date"].level) if "birth_date" in fields else Level.PUBLIC)

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """Age, behind the birth date."""
        return [Entry("About the person", "field:age", "Age", after="field:birth_date")]

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """The range; adults of working age until somebody typed."""
        operator = form.get("op") if form.get("op") in OPERATORS else "between"
        document: Json = {"field": "age", "op": operator}
        if operator != "at_most":
            document["from"] = form.whole("from", 18)
        if operator != "at_least":
            document["to"] = form.whole("to", 64)
        return document

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """The operator and one age or two."""
        operator = str(document.get("op", "is"))
        ages: dict[str, list[Control]] = {
            "at_least": [controls.number("from", "Youngest age", document.get("from"), 3)],
            "at_most": [controls.number("to", "Oldest age", document.get("to"), 3)],
        }
        ages["between"] = [*ages["at_least"], controls.words("and"), *ages["at_most"]]
        parts = [controls.comparison(list(OPERATORS.items()), operator)]
        if operator in ages:
            parts.append(controls.together(*ages[operator], controls.words("years")))
        return Drawn("field:age", tuple(parts))


@lru_cache(maxsize=64)
def _births(low: int | None, high: int | None, today: date) -> Window:
    first = years_before(today, (OLDEST if high is None else high) + 1) + timedelta(days=1)
    return max(first, BEGINNING), years_before(today, low or 0)
