"""What was measured: "Last HbA1c is over 9%, in the last 12 months", "Has had no HbA1c in the last 6 months"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from apps.contacts import sql as contacts_sql
from apps.contacts.person.fields import FieldSpec
from apps.contacts.timeline import results
from apps.contacts.timeline.results import LABS, Lab
from apps.core.bulk import int8_array
from apps.core.levels import Level
from apps.segments.conditions.base import controls, tokens
from apps.segments.conditions.base.attributes import day_of
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Part, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import Condition, Fragment, Opened, Search, Words
from apps.segments.conditions.base.timeline import happened, happened_sql
from apps.segments.conditions.base.windows import DAYS, Window, counted_in, shifted, unit_part

COMPARED = {
    "over": "is over",
    "at_least": "is at least",
    "under": "is under",
    "at_most": "is at most",
    "between": "is between",
}
OPERATORS = {**COMPARED, "measured": "was measured", "never": "was not measured"}
WHICH = {"last": "last result", "any": "any result"}
WHEN = {"ever": "at any time", "last": "in the last"}


@dataclass(frozen=True, repr=False)
class LabCondition(Condition):
    """A result of a lab in a range (the last one, or any), or that it was or was not measured, in a window of days."""

    KEY: ClassVar[str] = "lab"
    TIMELINE: ClassVar[bool] = True

    lab: str
    op: str
    which: str | None = None
    low: int | float | None = None
    high: int | float | None = None
    last_days: int | None = None
    unit: str = DAYS

    @classmethod
    def parse(cls, document: Document) -> LabCondition:
        """Read the condition."""
        document.only("lab", "op", "result", "from", "to", "last_days", "unit")
        name = document.choice("lab", LABS)
        lab = LABS[name]
        operator = document.choice("op", tuple(OPERATORS) if lab.numbers is not None else ("measured", "never"))
        which, low, high = None, None, None
        if operator in COMPARED:
            which = "last" if document.get("result") is None else document.choice("result", WHICH)
            low = None if operator in ("under", "at_most") else _bound(document, "from", lab)
            high = None if operator in ("over", "at_least") else _bound(document, "to", lab)
            if low is not None and high is not None and low > high:
                raise document.wrong("condition.bounds_backwards", "the lower number comes first.")
        days, unit = document.optional_span("last_days")
        return cls(name, operator, which, low, high, days, unit)

    def to_document(self) -> Json:
        """The condition as it is stored."""
        document: Json = {"lab": self.lab, "op": self.op}
        optional: Json = {"result": self.which, "from": self.low, "to": self.high, "last_days": self.last_days}
        document |= {name: value for name, value in optional.items() if value is not None}
        return document | unit_part(self.unit)

    def window(self, today: date) -> Window | None:
        """Days on which a result counts, or None when any day does."""
        return None if self.last_days is None else (shifted(today, -self.last_days, self.unit), today)

    def steps(self) -> range:
        """The steps of the range asked for."""
        lab = LABS[self.lab]
        if self.op == "over":
            return lab.steps(over=self.low)
        if self.op == "under":
            return lab.steps(under=self.high)
        return lab.steps(least=self.low, most=self.high)

    def holds(self, opened: Opened) -> bool:
        """Whether such a result stands in the window; of the last one, whether it is the one that does."""
        window, lab = self.window(opened.today), LABS[self.lab]
        events = opened.record.events

        def measures(event: Mapping[str, Any]) -> bool:
            return any(each.name == self.lab for each in results.labs_of(event))

        if self.op not in COMPARED:
            return happened(events, measures, window, never=self.op == "never", times=1)
        steps = self.steps()

        def fits(event: Mapping[str, Any]) -> bool:
            return measures(event) and results.event_step(lab, event) in steps

        if self.which == "any":
            return happened(events, fits, window, never=False, times=1)
        last = results.latest(event for event in events or () if measures(event))
        if last is None or not fits(last):
            return False
        day = day_of(last.get("on"))
        return window is None or (day is not None and window[0] <= day <= window[1])

    def sql(self, search: Search) -> Fragment:
        """The keyed steps among the last results, or among the groups of events."""
        window = self.window(search.today)
        if self.op not in COMPARED:
            return happened_sql(search, [f"set:{self.lab}"], [], window, never=self.op == "never", times=1)
        steps = self.steps()
        if not steps:
            return Fragment("(FALSE)")
        if self.which == "any":
            groups = [results.step_group(self.lab, step) for step in steps]
            return happened_sql(search, [], groups, window, never=False, times=1)
        where = ["l.lab = %s", "l.step = ANY(%s::bigint[])"]
        params: list[Any] = [tokens.lab(self.lab), int8_array(tokens.lab_steps(self.lab, steps))]
        if window is not None:
            where.append("l.day = ANY(%s::bigint[])")
            params.append(int8_array(tokens.event_days(window)))
        found, table = " AND ".join(where), contacts_sql.latest_results()
        if search.joins or search.one:
            one = f"EXISTS (SELECT 1 FROM {table} WHERE l.person_id = s.person_id AND {found})"  # noqa: S608
            return Fragment(one, tuple(params))
        among = f"(s.person_id IN (SELECT l.person_id FROM {table} WHERE {found})) IS TRUE"  # noqa: S608
        return Fragment(among, tuple(params))

    def sentence(self, words: Words) -> str:
        """``Last HbA1c is over 9% in the last 12 months``."""
        lab = LABS[self.lab]
        when = ""
        if self.last_days is not None:
            when = " today" if self.last_days == 0 else f" in the last {counted_in(self.last_days, self.unit)}"
        if self.op == "measured":
            return f"Has had a result of {lab.label}{when}"
        if self.op == "never":
            return f"Has had no {lab.label}{when}"
        bounds = " and ".join(f"{bound}" for bound in (self.low, self.high) if bound is not None)
        unit = f"{'' if lab.unit_word == '%' else ' '}{lab.unit_word}" if lab.unit_word else ""
        if self.which == "any":
            return f"Has had {lab.label} {OPERATORS[self.op].removeprefix('is ')} {bounds}{unit}{when}"
        taken = f", taken{when}" if when else ""
        return f"Last {lab.label} {OPERATORS[self.op]} {bounds}{unit}{taken}"

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """The level of what is measured: HIV, drug screens and pregnancy tests are specially protected."""
        return LABS[self.lab].level

    def codes(self) -> tuple[tuple[str, str], ...]:
        """None: a preset says in words what it is."""
        return ()

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """One line for all labs: which one is chosen behind it."""
        return [Entry("Health", "lab:", "Lab or vital")]

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """Measured in the last 12 months until somebody chose."""
        name = form.get("lab") if form.get("lab") in LABS else next(iter(LABS))
        lab = LABS[name]
        operator = form.get("op") if form.get("op") in OPERATORS else "measured"
        if lab.numbers is None and operator in COMPARED:
            operator = "measured"
        document: Json = {"lab": name, "op": operator}
        if operator in COMPARED:
            assert lab.numbers is not None
            document["result"] = form.get("result") if form.get("result") in WHICH else "last"
            if operator not in ("under", "at_most"):
                document["from"] = form.decimal("from", lab.numbers.spoken(lab.numbers.low))
            if operator not in ("over", "at_least"):
                document["to"] = form.decimal("to", lab.numbers.spoken(lab.numbers.high))
        if form.get("when") == "last":
            found = form.span("last_days", 12)
            if not form.get("last_days"):
                found["unit"] = "months"
            document |= found
        return document

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """Which lab, the comparison with its numbers and unit, and when."""
        name, operator = str(document["lab"]), str(document.get("op"))
        lab = LABS[name]
        known = (
            list(OPERATORS.items())
            if lab.numbers is not None
            else [(op, OPERATORS[op]) for op in ("measured", "never")]
        )
        parts = [
            controls.one(
                controls.select(
                    "lab", "Lab or vital", [(n, each.label) for n, each in LABS.items()], name, reshapes=True
                )
            )
        ]
        if operator in COMPARED:
            parts.append(
                controls.one(controls.select("result", "Which result", list(WHICH.items()), str(document["result"])))
            )
        parts += [controls.comparison(known, operator), *_numbers(document, operator, lab), *_when(document)]
        return Drawn("lab:", tuple(parts))


def _bound(document: Document, name: str, lab: Lab) -> int | float:
    number = document.decimal(name)
    if not lab.allows(number):
        assert lab.numbers is not None
        step = lab.numbers.spoken(lab.numbers.step)
        raise document.wrong(
            "condition.number_malformed",
            f"{lab.label} can be compared with numbers from {lab.numbers.spoken(lab.numbers.low)} to "
            f"{lab.numbers.spoken(lab.numbers.high)} in steps of {step} ({lab.unit_word or 'no unit'}).",
        )
    return number


def _numbers(document: Json, operator: str, lab: Lab) -> list[Part]:
    low = controls.number("from", "Lowest number", document.get("from"), 12, decimal=True)
    high = controls.number("to", "Highest number", document.get("to"), 12, decimal=True)
    unit = [controls.words(lab.unit_word)] if lab.unit_word else []
    if operator == "between":
        return [controls.together(low, controls.words("and"), high, *unit)]
    if operator in ("over", "at_least"):
        return [controls.together(low, *unit)]
    return [controls.together(high, *unit)] if operator in ("under", "at_most") else []


def _when(document: Json) -> list[Part]:
    when = "last" if "last_days" in document else "ever"
    parts = [controls.one(controls.select("when", "When", list(WHEN.items()), when, reshapes=True))]
    return [*parts, controls.span("last_days", document)] if when == "last" else parts
