"""Reading the parts of one condition from JSON. Every error says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.contacts.person.fields import FieldSpec
from apps.core.errors import Refused
from apps.segments.conditions.base.windows import BEGINNING, DAYS, MOST, UNITS

#: JSON of a rule or of one node, as stored (sealed), uploaded and shown in the API; not complete yet in the builder.
Json = dict[str, Any]
Path = tuple[int, ...]

MOST_VALUES = 500
LONGEST_VALUE = 200
NO_VALUE = "choose or type a value; to find people without one, use “is not known”."


class RuleError(Refused):
    """A rule that cannot be used.

    ``path`` is the node as indexes from the root (``(1, 0)``), ``what`` one sentence that says what to do. No value
    of the rule is in it.
    """

    def __init__(self, code: str, path: Path, what: str) -> None:
        self.path = path
        self.what = what
        super().__init__(code, f"{place_of(path)}: {what}")


def place_of(path: Path) -> str:
    """The place of a node as a person counts it: "Condition 2.1", "The rule"."""
    return "Condition " + ".".join(str(index + 1) for index in path) if path else "The rule"


@dataclass(repr=False)  # not frozen: one is made for every condition read, and is gone at once
class Document:
    """The JSON of one condition, where it stands in the rule, and the attributes that may be asked for.

    Every method raises :class:`RuleError` for a part that cannot be used.
    """

    parts: Json
    path: Path
    fields: Mapping[str, FieldSpec]

    def get(self, name: str) -> Any:
        """The part as it is, or None."""
        return self.parts.get(name)

    def wrong(self, code: str, what: str) -> RuleError:
        """The error to raise: ``code`` of the list of refusals, ``what`` one sentence that says what to do."""
        return RuleError(code, self.path, what)

    def only(self, *known: str) -> None:
        """Refuse any other part: a misspelled one would silently widen the audience."""
        if not self.parts.keys() <= set(known):
            raise self.wrong(
                "condition.part_unknown", "it has a part that is not known here; known are " + ", ".join(known) + "."
            )

    def choice(self, name: str, known: Mapping[str, Any] | Sequence[str]) -> str:
        """One of the words of ``known``."""
        value = self.parts.get(name)
        if not isinstance(value, str) or value not in known:
            raise self.wrong("condition.value_unknown", f"“{name}” must be one of " + ", ".join(known) + ".")
        return value

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value = self.parts.get(name)
        if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_VALUE:
            raise self.wrong("condition.value_missing", f"fill in “{name}” (up to {LONGEST_VALUE} characters).")
        return value.strip()

    def optional_text(self, name: str) -> str | None:
        """A text, or None."""
        return None if self.parts.get(name) in (None, "") else self.text(name)

    def values(self, name: str, *, many: bool, empty: str = NO_VALUE) -> tuple[str, ...]:
        """One or many comparison values as text; an empty one is refused (that is what "missing" is for)."""
        value = self.parts.get(name)
        found = value if isinstance(value, list) else [value]
        if not found or len(found) > (MOST_VALUES if many else 1):
            raise self.wrong(
                "condition.values_count", f"give {'one to ' + str(MOST_VALUES) + ' values' if many else 'one value'}."
            )
        texts: list[str] = []
        for item in found:
            if isinstance(item, bool | int):
                item = str(item).lower()
            if not isinstance(item, str) or not item.strip():
                raise self.wrong("condition.value_missing", empty)
            if len(item) > LONGEST_VALUE:
                raise self.wrong("condition.value_too_long", f"a value has at most {LONGEST_VALUE} characters.")
            texts.append(item.strip())
        return tuple(dict.fromkeys(texts))

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.parts.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong("condition.number_malformed", f"“{name}” must be a whole number from {low:,} to {high:,}.")
        return value

    def decimal(self, name: str) -> int | float:
        """A number."""
        value = self.parts.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1_000_000_000:
            raise self.wrong("condition.number_malformed", f"“{name}” must be a number.")
        return value

    def day(self, name: str) -> date:
        """A day written ``2026-11-22``."""
        value = self.parts.get(name)
        try:
            found = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            found = None
        if found is None or found < BEGINNING or found.year > 2200:
            raise self.wrong("condition.day_malformed", f"“{name}” must be a date like 2026-11-22.")
        return found

    def optional_day(self, name: str) -> date | None:
        """A day, or None."""
        return None if self.parts.get(name) in (None, "") else self.day(name)

    def in_order(self, first: date, last: date) -> None:
        """Refuse a range that ends before it begins, or spans centuries."""
        if first > last:
            raise self.wrong("condition.bounds_backwards", "the earlier date comes first.")
        if last.year - first.year > 200:
            raise self.wrong("condition.period_too_long", "a range covers at most 200 years.")

    def span(self, name: str) -> tuple[int, str]:
        """A number of days, or of what ``unit`` names, within ten years."""
        unit = self.choice("unit", UNITS) if "unit" in self.parts else DAYS
        return self.whole(name, 0, MOST[unit]), unit

    def optional_span(self, name: str) -> tuple[int | None, str]:
        """``span`` where there may be none; a unit without a number is an error."""
        if self.parts.get(name) is not None:
            return self.span(name)
        if "unit" in self.parts:
            raise self.wrong("condition.unit_alone", "a unit belongs to a number of last or next days.")
        return None, DAYS
