"""The settings a block is made of: each reads its JSON, its form and its limits in one declaration. Pure.

A kind of block lists its settings (``kinds/<kind>.py``); the reader of templates, the editor's forms and the
translations go through that list and know settings, never kinds. `Setting.kind` names the field the editor draws
(``templates/content/_setting.html``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from apps.content import rich
from apps.content.fields import MergeField
from apps.core.numbers import whole

MAX_TEXT = 20_000
MAX_LINE = 500

Say = Callable[[str], None]
"""Notes what is wrong with a setting, in words that say what to do."""
Choices = tuple[tuple[str, str], ...]

_FIELD = re.compile(r"[A-Za-z_][\w.]{0,79}\Z")


def sendable(text: str) -> str:
    """`text` without lone surrogates, which JSON can carry and no mail can: they become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def line(value: Any, label: str, say: Say) -> str:
    """One line of text with single spaces; "" and a word to `say` when it is none or too long."""
    if not isinstance(value, str):
        say(f"“{label}” must be text.")
        return ""
    text = " ".join(sendable(value).split())
    if len(text) > MAX_LINE:
        say(f"“{label}” is longer than {MAX_LINE} characters. Shorten it.")
        return ""
    return text


@dataclass(frozen=True)
class Setting:
    """One setting of a block: its name in JSON, its label, what a new block has there."""

    kind: ClassVar[str] = ""
    varies: ClassVar[bool] = False
    """Whether a further language may have a value of its own."""
    reads: ClassVar[bool] = False
    """Whether people read the value, so that a translation without it is not complete."""

    name: str
    label: str
    default: Any = ""
    hint: str = ""
    translated: bool = True
    """False for what is the same in every language although its like varies."""
    presets: Mapping[str, str] = field(default_factory=dict)
    """Our own words by language, where a new block has some: nobody has to translate those."""

    @property
    def is_words(self) -> bool:
        """Whether it is read by people, and therefore has one text a language."""
        return self.reads and self.translated

    @property
    def is_own(self) -> bool:
        """Whether a translator is asked for it: words, and links that may lead to another page."""
        return self.varies and self.translated

    @property
    def takes_fields(self) -> bool:
        """Whether merge fields can be put into it."""
        return True

    def parse(self, value: Any, say: Say) -> Any:
        """The value as a block holds it, from JSON. What is wrong goes to `say`; something usable always returns."""
        return value

    def form(self, value: Any, catalog: Mapping[str, MergeField]) -> dict[str, Any]:
        """What the editor's field needs beside the setting itself: its ``value``, and what can be chosen."""
        return {"value": value}

    def translation(self, main: Any, own: Any) -> dict[str, Any]:
        """As `form` for a further language: its ``value``, and the ``main`` words to show above."""
        return {"value": "" if own is None else own, "main": main}

    def from_form(self, form: Mapping[str, Any], *, keep_empty: bool = False) -> dict[str, Any]:
        """Name to JSON value as posted, nothing when the form has no such field.

        `keep_empty`: empty rows stay, because their place counts (in translations).
        """
        return {self.name: str(form[self.name])} if self.name in form else {}


@dataclass(frozen=True)
class Line(Setting):
    """One line of words."""

    kind = "line"
    varies = True
    reads = True

    def parse(self, value: Any, say: Say) -> str:
        return line(value, self.label, say)


@dataclass(frozen=True)
class Link(Setting):
    """Where something leads: an address, or a link field. A translation may lead elsewhere, and need not."""

    kind = "link"
    varies = True

    def parse(self, value: Any, say: Say) -> str:
        return line(value, self.label, say)

    def translation(self, main: Any, own: Any) -> dict[str, Any]:
        return {"value": own or "", "main": main, "optional": True}


@dataclass(frozen=True)
class Picture(Setting):
    """An image: ``asset:NAME`` of the library, or an address."""

    kind = "image"

    def parse(self, value: Any, say: Say) -> str:
        return line(value, self.label, say)


@dataclass(frozen=True)
class Rich(Setting):
    """Words with paragraphs, lists and links (see `apps.content.rich`)."""

    kind = "rich"
    varies = True
    reads = True

    def parse(self, value: Any, say: Say) -> str:
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            say(f"A text block holds at most {MAX_TEXT:,} characters. Split it.")
            return ""
        try:
            return rich.clean(sendable(value))
        except rich.TooDeep:
            say("This text is nested too deeply. Paste it again as plain text.")
            return ""

    def translation(self, main: Any, own: Any) -> dict[str, Any]:
        return {"value": own or "", "main": rich.plain(main)}


@dataclass(frozen=True)
class Choice(Setting):
    """One of a few code words, each with its label."""

    kind = "choice"

    choices: Choices = ()

    def parse(self, value: Any, say: Say) -> Any:
        if isinstance(value, str) and value in dict(self.choices):
            return value
        say(f"“{self.label}” must be one of {', '.join(dict(self.choices))}.")
        return self.default


def alignment(default: str) -> Choice:
    """Where in its column a block stands."""
    return Choice("align", "Alignment", default, choices=(("left", "Left"), ("center", "Center"), ("right", "Right")))


@dataclass(frozen=True)
class Flag(Setting):
    """Yes or no."""

    kind = "flag"

    default: bool = False

    def parse(self, value: Any, say: Say) -> Any:
        if isinstance(value, bool):
            return value
        say(f"“{self.label}” must be yes or no.")
        return self.default

    def from_form(self, form: Mapping[str, Any], *, keep_empty: bool = False) -> dict[str, Any]:
        return {self.name: bool(form.get(self.name))}


@dataclass(frozen=True)
class Number(Setting):
    """A whole number from `low` to `high`."""

    kind = "number"

    default: int = 0
    low: int = 0
    high: int = 0

    def parse(self, value: Any, say: Say) -> Any:
        if isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high:
            return value
        say(f"“{self.label}” must be a whole number from {self.low} to {self.high}.")
        return self.default

    def from_form(self, form: Mapping[str, Any], *, keep_empty: bool = False) -> dict[str, Any]:
        if self.name not in form:
            return {}
        text = str(form[self.name])
        return {self.name: whole(text, text)}


@dataclass(frozen=True)
class FieldName(Setting):
    """The name of a merge field: of a list with `lists`, of a single value without."""

    kind = "field"

    lists: bool = False

    def parse(self, value: Any, say: Say) -> Any:
        if isinstance(value, str) and _FIELD.match(value):
            return value
        say(f"“{self.label}” must be the name of a field. Choose one.")
        return self.default

    def form(self, value: Any, catalog: Mapping[str, MergeField]) -> dict[str, Any]:
        fits = [one for one in catalog.values() if (one.type == "items") == self.lists and one.type != "url"]
        return {"value": value, "options": fits}


@dataclass(frozen=True)
class Values(Setting):
    """A list of words that something is compared with."""

    kind = "words"

    default: tuple[str, ...] = ()

    def parse(self, value: Any, say: Say) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)) or len(value) > 50:
            say("The values of a condition must be a list of at most 50 words.")
            return ()
        return tuple(line(item, self.label, say) for item in value)

    def form(self, value: Any, catalog: Mapping[str, MergeField]) -> dict[str, Any]:
        return {"value": "\n".join(value)}

    def from_form(self, form: Mapping[str, Any], *, keep_empty: bool = False) -> dict[str, Any]:
        if self.name not in form:
            return {}
        return {self.name: [text.strip() for text in str(form[self.name]).splitlines() if text.strip()]}


@dataclass(frozen=True)
class Column:
    """One column of `Rows`: its name in the form, what it is called, and what one writes or chooses there."""

    name: str
    label: str
    example: str = ""
    choices: Choices = ()


Row = tuple[str, ...]


@dataclass(frozen=True)
class Rows(Setting):
    """A small table: rows of as many lines as there are columns. `shape` says so where it is not."""

    kind = "rows"
    varies = True
    reads = True

    default: tuple[Row, ...] = ()
    columns: tuple[Column, ...] = ()
    shape: str = ""
    most: int = 20
    spare: int = 1
    """How many empty rows the form offers beside those there are."""

    @property
    def takes_fields(self) -> bool:
        return self.translated

    def parse(self, value: Any, say: Say) -> tuple[Row, ...]:
        good = isinstance(value, (list, tuple)) and len(value) <= self.most
        if not good or any(not isinstance(row, (list, tuple)) or len(row) != len(self.columns) for row in value):
            say(self.shape)
            return ()
        return tuple(
            tuple(self._cell(column, cell, say) for column, cell in zip(self.columns, row, strict=True))
            for row in value
        )

    def _cell(self, column: Column, value: Any, say: Say) -> str:
        text = line(value, self.label, say)
        if column.choices and text not in dict(column.choices):
            say(f"“{column.label}” must be one of {', '.join(dict(column.choices))}.")
        return text

    def form(self, value: Any, catalog: Mapping[str, MergeField]) -> dict[str, Any]:
        spare = min(self.spare, self.most - len(value))
        rows = [*value, *[self._empty] * spare]
        return {"value": self._drawn(rows, [[column.example for column in self.columns]] * len(rows))}

    def translation(self, main: Any, own: Any) -> dict[str, Any]:
        # The main words stand in gray in the fields themselves.
        theirs = [*(own or ()), *[self._empty] * len(main)]
        return {"value": self._drawn(theirs[: len(main)], main), "main": ""}

    @property
    def _empty(self) -> Row:
        return tuple("" for _ in self.columns)

    def _drawn(self, rows: Any, examples: Any) -> list[list[dict[str, Any]]]:
        """The fields of each row: column, value, and what stands there in gray."""
        return [
            [
                {"column": column, "value": cell, "example": example}
                for column, cell, example in zip(self.columns, row, gray, strict=True)
            ]
            for row, gray in zip(rows, examples, strict=True)
        ]

    def from_form(self, form: Mapping[str, Any], *, keep_empty: bool = False) -> dict[str, Any]:
        many = getattr(form, "getlist", lambda name: [form[name]] if name in form else [])
        rows = zip(*(many(f"{self.name}-{column.name}") for column in self.columns), strict=False)
        written = [number for number, column in enumerate(self.columns) if not column.choices]
        return {self.name: [list(row) for row in rows if keep_empty or any(row[number].strip() for number in written)]}
