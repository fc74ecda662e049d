"""Something clinical that happened: "Has had a wellness visit on or after Jan 1, 2018"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from apps.contacts.person.fields import FieldSpec
from apps.contacts.timeline import value_sets
from apps.contacts.timeline.results import LOINC
from apps.contacts.timeline.value_sets import CVX, DIAGNOSES_AND_ACTS, RXNORM, SNOMED
from apps.core.levels import Level
from apps.segments.conditions.base import controls
from apps.segments.conditions.base.controls import (
    Choices,
    Control,
    Drawn,
    Entry,
    Offer,
    Part,
    Posted,
    Terms,
    join_code,
    split_code,
)
from apps.segments.conditions.base.documents import Document, Json
from apps.segments.conditions.base.nodes import CLINICAL_LEVEL, Condition, Fragment, Opened, Search, Words
from apps.segments.conditions.base.timeline import (
    REPEAT_WORDS,
    WHEN_WORDS,
    happened,
    happened_sql,
    posted_repeat,
    read_repeat,
    repeat_part,
    times_control,
)
from apps.segments.conditions.base.windows import (
    BEGINNING,
    DAYS,
    Window,
    counted_in,
    horizon,
    listed,
    shifted,
    spoken_day,
    unit_part,
)

#: Kinds of clinical events: noun of one, and the code system its codes come from.
KINDS = {
    "condition": ("condition", SNOMED),
    "encounter": ("visit", SNOMED),
    "immunization": ("vaccination", CVX),
    "medication": ("medication", RXNORM),
    "procedure": ("procedure", SNOMED),
    "observation": ("lab or vital result", LOINC),
}
LABELS = {
    "condition": "Condition",
    "encounter": "Visit",
    "immunization": "Vaccination",
    "medication": "Medication",
    "procedure": "Procedure",
    "observation": "Other lab or vital, by its code",
}
VISIT_CLASSES = ("wellness", "ambulatory", "outpatient", "inpatient", "emergency", "urgentcare")
#: Code systems whose codes belong to one kind of event only.
ONE_KIND = frozenset({CVX, RXNORM, LOINC})
#: Sets of other events than conditions.
SET_KINDS = {"wellness_visit": "encounter", "influenza_vaccine": "immunization"}
NO_CODE = "start typing and choose a line of the list, or choose “any”."


@dataclass(frozen=True, repr=False)
class EventCondition(Condition):
    """Something that happened to a person: at least ``times`` times, or never, in a window of days.

    ``last_days`` counts days, or what ``unit`` says.
    """

    KEY: ClassVar[str] = "event"
    TIMELINE: ClassVar[bool] = True

    kind: str
    asked: tuple[str, ...] = ()
    system: str | None = None
    category: str | None = None
    value_set: str | None = None
    never: bool = False
    times: int = 1
    first: date | None = None
    last: date | None = None
    last_days: int | None = None
    unit: str = DAYS

    @classmethod
    def parse(cls, document: Document) -> EventCondition:
        """Read the condition."""
        document.only("event", "op", "times", "class", "code", "system", "set", "from", "to", "last_days", "unit")
        kind = document.choice("event", KINDS)
        never, times = read_repeat(document)
        category = document.optional_text("class")
        code = document.get("code")
        codes = () if code is None else document.values("code", many=isinstance(code, list), empty=NO_CODE)
        system = document.optional_text("system")
        if codes and system is None:
            system = KINDS[kind][1]
        value_set = document.optional_text("set")
        if value_set is not None and value_set not in DIAGNOSES_AND_ACTS:
            raise document.wrong(
                "condition.code_set_unknown", "there is no set of codes of that name: choose one of the list."
            )
        if codes and value_set:
            raise document.wrong("condition.codes_twice", "give a code or a set of codes, not both.")
        for name, words in (("from", "first"), ("to", "last")):
            if document.get(name) == "":
                raise document.wrong("condition.day_missing", f"give the {words} day, or choose “at any time”.")
        first, last = document.optional_day("from"), document.optional_day("to")
        if first and last:
            document.in_order(first, last)
        if document.get("last_days") is not None and (first or last):
            raise document.wrong("condition.period_twice", "give dates or a number of last days, not both.")
        days, unit = document.optional_span("last_days")
        return cls(kind, codes, system if codes else None, category, value_set, never, times, first, last, days, unit)

    def to_document(self) -> Json:
        """The condition as it is stored."""
        code: str | list[str] | None = None
        if self.asked:
            code = self.asked[0] if len(self.asked) == 1 else list(self.asked)
        document: Json = {"event": self.kind, **repeat_part(self.never, self.times)}
        optional: Json = {
            "class": self.category,
            "code": code,
            "system": self.system,
            "set": self.value_set,
            "from": self.first.isoformat() if self.first else None,
            "to": self.last.isoformat() if self.last else None,
            "last_days": self.last_days,
        }
        document |= {name: value for name, value in optional.items() if value is not None}
        return document | unit_part(self.unit)

    def window(self, today: date) -> Window | None:
        """Days on which the event counts, or None when any day does."""
        if self.last_days is not None:
            return shifted(today, -self.last_days, self.unit), today
        if self.first is None and self.last is None:
            return None
        return self.first or BEGINNING, self.last or horizon(today)

    def holds(self, opened: Opened) -> bool:
        """Whether enough events of the kind, class, code or set stand in the window."""

        def fits(event: Mapping[str, Any]) -> bool:
            if event.get("kind") != self.kind:
                return False
            if self.category is not None and str(event.get("class", "")).casefold() != self.category.casefold():
                return False
            if self.asked and (event.get("system") != self.system or event.get("code") not in self.asked):
                return False
            return self.value_set is None or self.value_set in (event.get("sets") or ())

        return happened(opened.record.events, fits, self.window(opened.today), never=self.never, times=self.times)

    def sql(self, search: Search) -> Fragment:
        """The groups of kind, class, set and code; as few as say it, for each costs a read of the index."""
        groups = [f"kind:{self.kind}"]
        if self.category is not None:
            groups.append(f"class:{self.category.casefold()}")
        if self.value_set is not None:
            groups.append(f"set:{self.value_set}")
        codes = [f"code:{self.system}:{code}" for code in self.asked]
        if self.category is not None or (self.asked and self.system in ONE_KIND):
            # These say the kind already; every further group costs another read of the index.
            groups = groups[1:]
        if len(codes) == 1:
            groups.append(codes[0])
            codes = []
        return happened_sql(search, groups, codes, self.window(search.today), never=self.never, times=self.times)

    def sentence(self, words: Words) -> str:
        """``Has had no vaccination Influenza shot (CVX 140) on or after Sep 1, 2020``."""
        noun = KINDS[self.kind][0]
        what = f"{self.category} {noun}" if self.category else noun
        if self.asked:
            named = []
            for code in self.asked:
                term = words.terms(self.system or "", code)
                named.append(f"{term} ({self.system} {code})" if term else f"{self.system} {code}")
            what = f"{what} {listed(named)}"
        elif self.value_set:
            what = f"{what} of the set “{DIAGNOSES_AND_ACTS[self.value_set][0]}”"
        when = self._when()
        if self.never:
            return f"Has had no {what}{when}"
        if not self.asked:
            what = f"{'an' if what[:1].lower() in 'aeiou' else 'a'} {what}"
        times = f" at least {self.times:,} times" if self.times > 1 else ""
        return f"Has had {what}{times}{when}"

    def _when(self) -> str:
        if self.last_days is not None:
            return " today" if self.last_days == 0 else f" in the last {counted_in(self.last_days, self.unit)}"
        if self.first and self.last:
            return f" between {spoken_day(self.first)} and {spoken_day(self.last)}"
        if self.first:
            return f" on or after {spoken_day(self.first)}"
        return f" on or before {spoken_day(self.last)}" if self.last else ""

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """Health information; specially protected for such a set, or a single code that belongs to one.

        42 CFR Part 2 and state law.
        """
        if self.value_set is not None:
            protected = self.value_set in value_sets.PROTECTED
        else:
            levels = (value_sets.level_of(self.system or "", code) for code in self.asked)
            protected = any(level == Level.PROTECTED for level in levels)
        return Level.PROTECTED if protected else CLINICAL_LEVEL

    def codes(self) -> tuple[tuple[str, str], ...]:
        """The codes it asks for."""
        return tuple((self.system, code) for code in self.asked) if self.system else ()

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """One line for each kind of event."""
        behind = {"observation": "lab:"}
        return [Entry("Health", f"event:{kind}", LABELS[kind], after=behind.get(kind, "")) for kind in KINDS]

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """Once, at any time until somebody chose."""
        kind = form.detail
        document: Json = {"event": kind if kind in KINDS else "encounter", **posted_repeat(form)}
        which, when = form.get("which"), form.get("when")
        if which == "class" and kind == "encounter":
            document["class"] = form.get("class") or "wellness"
        elif which == "code":
            _, system, code = split_code(form.get("code"))
            document["code"], document["system"] = code, system or KINDS[document["event"]][1]
        elif which == "set":
            document["set"] = form.get("set") or next(
                (name for name in DIAGNOSES_AND_ACTS if SET_KINDS.get(name, "condition") == kind), ""
            )
        if when in ("since", "between"):
            document["from"] = form.get("from")
        if when in ("until", "between"):
            document["to"] = form.get("to")
        if when == "last":
            document |= form.span("last_days", 365)
        return document

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """How often, any or which, and when."""
        never = document.get("op") == "never"
        parts = [controls.comparison(list(REPEAT_WORDS.items()), "never" if never else "at_least")]
        if not never:
            parts.append(times_control(document))
        parts += [*_which(document, offer, terms), *_when(document)]
        return Drawn(f"event:{document['event']}", tuple(parts))


def _which(document: Json, offer: Offer, terms: Terms) -> list[Part]:
    """Any event of the kind, one class, one code, or one of a set."""
    kind = str(document["event"])
    which = next((name for name in ("class", "code", "set") if name in document), "any")
    choices: Choices = [("any", f"any {KINDS[kind][0]}"), ("code", "this one")]
    if kind == "encounter":
        choices.insert(1, ("class", "of this kind"))
    if offer.sets and kind in ("condition", "immunization", "encounter"):
        choices.append(("set", "one of a set"))
    parts = [controls.one(controls.select("which", "Which", choices, which, reshapes=True))]
    if which == "class":
        category = str(document["class"])
        parts.append(
            controls.one(Control("text", "class", "Class of visit", category, longest=40, suggestions=VISIT_CLASSES))
        )
    elif which == "code":
        parts.append(controls.one(_code(document, kind, terms)))
    elif which == "set":
        chosen = str(document["set"])
        parts.append(controls.one(controls.select("set", "Set of codes", _sets(offer, kind, chosen), chosen)))
    return parts


def _sets(offer: Offer, kind: str, chosen: str) -> Choices:
    """The sets that events of this kind can be in, and the one that is chosen already."""
    return [(name, label) for name, label in offer.sets if SET_KINDS.get(name, "condition") == kind or name == chosen]


def _code(document: Json, kind: str, terms: Terms) -> Control:
    code = document.get("code")
    code = ", ".join(code) if isinstance(code, list) else str(code or "")
    system = str(document.get("system") or KINDS[kind][1])
    shown = join_code(terms(system, code), system, code) if code else ""
    return Control("code", "code", "Term or code", shown, system=KINDS[kind][1])


def _when(document: Json) -> list[Part]:
    when = "last" if "last_days" in document else "ever"
    if "from" in document or "to" in document:
        when = "between" if "from" in document and "to" in document else ("since" if "from" in document else "until")
    parts = [controls.one(controls.select("when", "When", list(WHEN_WORDS.items()), when, reshapes=True))]
    first, last = document.get("from"), document.get("to")
    if when == "since":
        parts.append(controls.one(controls.day("from", "On or after", first)))
    elif when == "until":
        parts.append(controls.one(controls.day("to", "On or before", last)))
    elif when == "between":
        parts.append(
            controls.together(
                controls.day("from", "From", first), controls.words("and"), controls.day("to", "To", last)
            )
        )
    elif when == "last":
        parts.append(controls.span("last_days", document))
    return parts
