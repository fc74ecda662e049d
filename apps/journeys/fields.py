"""The fields of a step: one declaration for its JSON, its limits and its inputs in the builder. Pure.

A field reads its part of a step's document (``parse``), writes it back (``dump``), says which inputs the builder shows
for it (``inputs``) and makes JSON values of what was typed there (``collect``). ``forms.StepForm`` draws the inputs.
Sorts of fields that one kind alone needs stand in that kind's file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

from apps.core.levels import Level
from apps.journeys.vocabulary import Unit

MAX_WAIT = timedelta(days=730)
LONGEST_TEXT = 200
Choices = Sequence[tuple[str, str]]
Handle = int | str
"""What a definition calls another object by: its id as stored, its name as people read and write it."""
T = TypeVar("T", bound=StrEnum)


class Say(Protocol):
    """Takes down one problem of the document that is read."""

    def __call__(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class KnownAttribute:
    """An attribute of the organization's own that is in use. ``fits(value)`` returns "" or what is wrong with it."""

    label: str
    type: str
    level: Level
    choices: tuple[tuple[str, str], ...] = ()
    fits: Callable[[Any], str] = lambda _value: ""


@dataclass(frozen=True, slots=True)
class Known:
    """What exists in this installation, handed in by the caller.

    `templates`, `senders`, `segments`: names. `dates`: date fields with their labels (without the
    appointment's and the event's). `rule_problem(rule)` returns a sentence or ""; `rule_level(rule)` the level of what
    a rule looks at; `segment_level(name)` of a segment. `attributes`: the organization's own, by name. `tags`: their
    levels by name.
    """

    templates: frozenset[str] = frozenset()
    senders: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    dates: Mapping[str, str] = field(default_factory=dict)
    rule_problem: Callable[[dict[str, Any]], str] = lambda _rule: ""
    rule_level: Callable[[dict[str, Any]], Level] = lambda _rule: Level.PUBLIC
    segment_level: Callable[[str], Level] = lambda _name: Level.PUBLIC
    attributes: Mapping[str, KnownAttribute] = field(default_factory=dict)
    tags: Mapping[str, Level] = field(default_factory=dict)


class Offer(Protocol):
    """What the form of one step may offer: lists of names, and the messages sent before it as (step, words)."""

    @property
    def templates(self) -> Sequence[str]: ...

    @property
    def senders(self) -> Sequence[str]: ...

    @property
    def dates(self) -> Choices: ...

    @property
    def messages_before(self) -> Choices: ...

    @property
    def per_appointment(self) -> bool: ...

    @property
    def attributes(self) -> Mapping[str, KnownAttribute]: ...

    @property
    def tags(self) -> Collection[str]: ...


@dataclass(frozen=True, slots=True)
class Input:
    """One control of the builder. ``sort``: text, choice, choices, whole, time, date, switch or rule.

    ``beside`` names the input it stands right of; ``only_with`` (another input, its value) when it is shown at all;
    ``saves``: choosing saves the form, because other inputs depend on it.
    """

    name: str
    sort: str
    label: str
    initial: Any = ""
    help: str = ""
    required: bool = True
    choices: Choices = ()
    low: int | None = None
    high: int | None = None
    beside: str = ""
    only_with: tuple[str, str] | None = None
    saves: bool = False


class Translator(Protocol):
    """Puts ids for names or names for ids."""

    def handle(self, kind: str, of: Handle) -> Handle:
        """What to call an object of a kind ("template", "brand", "segment", "tag") instead."""

    def rule(self, tree: dict[str, Any]) -> dict[str, Any]:
        """The same segment rule with what it refers to called differently."""


@runtime_checkable
class Referring(Protocol):
    """A field that refers to other objects."""

    def translate(self, document: Mapping[str, Any], translator: Translator) -> dict[str, Any]:
        """Its part of the step's JSON with other objects called differently."""


class InputRefused(ValueError):
    """What was typed will not do: which input, and what to do instead."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        super().__init__(text)


class Field(Protocol):
    """One field of a kind of step; ``name`` is the attribute of the step that holds its value."""

    @property
    def name(self) -> str: ...

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> Any:
        """Its value in a step's JSON; what is wrong is said, with ``where`` ("step 2 of the main path")."""

    def dump(self, step: Any) -> dict[str, Any]:
        """Its part of the step's JSON."""

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """The controls of the builder, filled in from the step."""

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """JSON values from cleaned inputs; ``step`` is as it was. Raises ``InputRefused``."""


def kept(choices: Choices, value: str, missing: str) -> Choices:
    """The choices with the present value among them, even when it no longer exists."""
    if value and value not in dict(choices):
        return [(value, f"{value} ({missing})"), *choices]
    return choices


def read_text(value: Any, what: str, say: Say) -> str:
    """A short text, without space around it."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        say(f"The {what} is a text of at most {LONGEST_TEXT} characters.")
        return ""
    return value.strip()


def read_handle(value: Any, what: str, say: Say) -> Handle:
    """An id, or a name."""
    return value if isinstance(value, int) and not isinstance(value, bool) else read_text(value, what, say)


def read_option(value: Any, options: type[T], what: str, say: Say) -> T | None:
    """One of a closed list of words; None, and said, when it is none of them."""
    try:
        return options(value)
    except ValueError:
        say(f"The {what} is one of: {', '.join(each.value for each in options)}.")
        return None


@dataclass(frozen=True)
class Name:
    """The name of something that the installation has: a template, a sender, a date.

    ``source`` reads the names from what a form may offer; ``empty`` is what no choice is called, None when one has to
    be chosen; ``left_out``: an empty value is not stored at all; ``optional``: the names themselves have an empty one;
    ``saves`` as of an ``Input``; ``refers``: the kind of object it is the name of, which is stored by its id.
    """

    name: str
    what: str
    label: str
    source: Callable[[Offer], Choices]
    empty: str | None = None
    missing: str = "no longer there"
    help: str = ""
    left_out: bool = False
    optional: bool = False
    saves: bool = False
    refers: str = ""

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> Handle:
        """See ``Field``."""
        read = read_handle if self.refers else read_text
        return read(document.get(self.name, ""), self.what, say)

    def translate(self, document: Mapping[str, Any], translator: Translator) -> dict[str, Any]:
        """See ``Referring``."""
        value = document.get(self.name, "")
        return {self.name: translator.handle(self.refers, value)} if self.refers and value else {}

    def dump(self, step: Any) -> dict[str, Any]:
        """See ``Field``."""
        value = getattr(step, self.name)
        return {} if self.left_out and not value else {self.name: value}

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """See ``Field``."""
        value = getattr(step, self.name)
        choices = kept(self.source(offer), value, self.missing) if self.missing else self.source(offer)
        if self.empty is not None:
            choices = [("", self.empty), *choices]
        return [
            Input(
                self.name,
                "choice",
                self.label,
                value,
                self.help,
                required=self.empty is None and not self.optional,
                choices=choices,
                saves=self.saves,
            )
        ]

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: typed[self.name]}


@dataclass(frozen=True)
class Option:
    """One of a closed list of words. ``choices``: the words as the builder shows them."""

    name: str
    what: str
    label: str
    options: type[StrEnum]
    default: StrEnum
    choices: Choices
    help: str = ""
    beside: str = ""

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> Any:
        """See ``Field``."""
        found = read_option(document.get(self.name, self.default), self.options, f"{self.what} of {where}", say)
        return found or self.default

    def dump(self, step: Any) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: getattr(step, self.name).value}

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """See ``Field``."""
        value = getattr(step, self.name).value
        return [Input(self.name, "choice", self.label, value, self.help, choices=self.choices, beside=self.beside)]

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: typed[self.name]}


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` to ``high``."""

    name: str
    label: str
    low: int
    high: int
    default: int
    instead: int = 0

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> int:
        """See ``Field``."""
        value = document.get(self.name, self.default)
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            say(f"{where.capitalize()}: {self.name} is a whole number from {self.low} to {self.high}.")
            return self.instead
        return value

    def dump(self, step: Any) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: getattr(step, self.name)}

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """See ``Field``."""
        return [Input(self.name, "whole", self.label, getattr(step, self.name), low=self.low, high=self.high)]

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: typed[self.name]}


@dataclass(frozen=True)
class ClockTime:
    """A time on the clinic's wall, to the minute."""

    name: str
    label: str
    default: str
    help: str = ""

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> time:
        """See ``Field``."""
        try:
            at = time.fromisoformat(str(document.get(self.name, self.default))).replace(second=0, microsecond=0)
            if at.tzinfo is not None:
                raise ValueError
        except ValueError:
            say(f"{where.capitalize()}: the time is written like 09:00, without a zone.")
            return time.fromisoformat(self.default)
        return at

    def dump(self, step: Any) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: getattr(step, self.name).strftime("%H:%M")}

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """See ``Field``."""
        return [Input(self.name, "time", self.label, getattr(step, self.name), self.help)]

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: typed[self.name].strftime("%H:%M")}


@dataclass(frozen=True)
class Duration:
    """How long: ``amount`` and ``unit`` of the document; the step holds both."""

    label: str
    name: str = "amount"

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> int:
        """The amount; ``Units`` reads the unit."""
        unit = read_option(document.get("unit", "days"), Unit, "", lambda _text: None) or Unit.DAYS
        number = document.get(self.name, 1)
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            say(f"{where.capitalize()}: the time to wait is a whole number from 1.")
            return 1
        if number > 10**6 or timedelta(**{unit.value: number}) > MAX_WAIT:
            say(f"{where.capitalize()} waits longer than {MAX_WAIT.days} days. Shorten it.")
            return 1
        return number

    def dump(self, step: Any) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: getattr(step, self.name)}

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """See ``Field``."""
        return [Input(self.name, "whole", self.label, getattr(step, self.name), low=1, high=1_000_000)]

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: typed[self.name]}


def duration(label: str) -> tuple[Field, Field]:
    """The two fields of a time to wait: ``amount`` and ``unit``, side by side."""
    units = [(unit.value, unit.value) for unit in Unit]
    return Duration(label), Option("unit", "unit", "Unit", Unit, Unit.DAYS, units, beside="amount")
