"""A condition in the builder: what a posted row says, and the controls that are drawn for it.

Nothing here knows a kind: a row is a line of the picker and a list of controls, and the template
(``segments/_condition.html``) draws each control by its type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.segments.conditions.base.documents import Json
from apps.segments.conditions.base.windows import DAYS, UNITS

Choices = list[tuple[str, str]]


@dataclass(frozen=True)
class Offer:
    """What the pickers offer: other segments, campaigns, value sets, attributes of the organization, tags."""

    segments: Sequence[str] = ()
    campaigns: Sequence[str] = ()
    sets: Sequence[tuple[str, str]] = ()
    attributes: Sequence[str] = ()
    tags: Sequence[str] = ()
    fields: Mapping[str, FieldSpec] = field(default_factory=lambda: FIELDS)


@dataclass(frozen=True)
class Entry:
    """A line of the first picker of a row: its ``value`` is KEY:DETAIL. ``after``: the line it stands behind."""

    heading: str
    value: str
    label: str
    after: str = ""


@dataclass(frozen=True, repr=False)
class Posted:
    """One row of the form: what stands behind the colon of its picker, and the controls by name."""

    detail: str
    controls: Mapping[str, str]
    fields: Mapping[str, FieldSpec]

    def get(self, name: str) -> str:
        """The text of a control, "" when it was not there."""
        return self.controls.get(name, "").strip()

    def whole(self, name: str, fallback: int) -> Any:
        """A whole number; text that is none stays text, so that the rule can say what is wrong with it."""
        text = self.get(name)
        if not text:
            return fallback
        return int(text) if text.isdecimal() and len(text) < 7 else text

    def decimal(self, name: str, fallback: object) -> int | float | str:
        """A number as JSON has it; what is none stays as it was typed, for the error beside it."""
        text = (self.get(name) or str(fallback)).replace(",", "")
        try:
            number = float(text)
        except ValueError:
            return text
        return int(number) if number.is_integer() else number

    def span(self, name: str, fallback: int, part: str = "") -> Json:
        """A number and its unit; days are not named, as in every rule that is older than the other units."""
        found: Json = {part or name: self.whole(name, fallback)}
        return found | ({"unit": self.get("unit")} if self.get("unit") in UNITS[1:] else {})


# -- Codes -------------------------------------------------------------------------------------------------------

#: Looks a term up by system and code; None when the vocabulary has none.
Terms = Callable[[str, str], str | None]


def join_code(term: str | None, system: str, code: str) -> str:
    """A code as the picker shows it: ``Influenza, seasonal (CVX 140)``."""
    return f"{term} ({system} {code})" if term else f"{system} {code}"


def split_code(text: str) -> tuple[str, str, str]:
    """Term, system and code of a picked or typed code; a bare code has no system."""
    term, system_code = "", text.strip()
    if system_code.endswith(")") and "(" in system_code:
        term, _, system_code = system_code[:-1].rpartition("(")
    system, _, code = system_code.strip().rpartition(" ")
    return term.strip(), system.strip(), code.strip()


# -- Controls ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Control:
    """One control of a row; ``type`` is select, text, number, date, code, hidden or words."""

    type: str
    name: str = ""
    label: str = ""
    value: str = ""
    choices: Sequence[tuple[str, str]] = ()
    reshapes: bool = False  # another choice changes which controls follow
    wide: bool = False
    longest: int = 0
    decimal: bool = False
    placeholder: str = ""
    suggestions: Sequence[str] = ()
    system: str = ""  # code system of a code picker


@dataclass(frozen=True, repr=False)
class Part:
    """Controls that stay together on a line when there are several of them."""

    controls: tuple[Control, ...]
    pair: bool = False


@dataclass(frozen=True, repr=False)
class Drawn:
    """A row as it is drawn: the chosen line of the picker, and what stands behind it."""

    what: str = ""
    parts: tuple[Part, ...] = ()


def one(control: Control) -> Part:
    """A control by itself."""
    return Part((control,))


def together(*controls: Control) -> Part:
    """Controls and words that stay on one line."""
    return Part(controls, pair=True)


def words(text: str) -> Control:
    """Plain words between controls."""
    return Control("words", value=text)


def comparison(choices: Choices, value: str) -> Part:
    """The operator of a condition; another one may need other controls."""
    return one(Control("select", "op", "Comparison", value, choices, reshapes=True))


def select(name: str, label: str, choices: Choices, value: str, *, reshapes: bool = False) -> Control:
    """A list to choose from."""
    return Control("select", name, label, value, choices, reshapes=reshapes)


def text(name: str, label: str, value: str, *, longest: int = 0, wide: bool = True, placeholder: str = "") -> Control:
    """A line of text."""
    return Control("text", name, label, value, longest=longest, wide=wide, placeholder=placeholder)


def number(name: str, label: str, value: object, longest: int, *, decimal: bool = False) -> Control:
    """A number of at most ``longest`` characters."""
    return Control("number", name, label, "" if value is None else str(value), longest=longest, decimal=decimal)


def day(name: str, label: str, value: object) -> Control:
    """A date."""
    return Control("date", name, label, "" if value is None else str(value))


def hidden(name: str, value: str) -> Control:
    """A value that nobody types, and that the next request brings back."""
    return Control("hidden", name, value=value)


def span(name: str, document: Json, part: str = "") -> Part:
    """A number of days and its unit ("day" beside a 1)."""
    count, chosen = document.get(part or name), str(document.get("unit", DAYS))
    units = [(unit, unit.removesuffix("s") if count == 1 else unit) for unit in UNITS]
    return together(number(name, "How many", count, 4), select("unit", "Unit", units, chosen))
