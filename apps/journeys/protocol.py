"""What a kind of step is asked, and what it may answer. Pure.

A kind is a frozen dataclass in a file of its own, ``steps/<kind>.py``, that answers ``Step``; most take what they do
not care about from ``StepDefaults``. Engine, builder, parser, sentences and pages know steps by this protocol only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Protocol, Self
from zoneinfo import ZoneInfo

from apps.core.levels import Level
from apps.journeys.fields import Field, Handle, Known, KnownAttribute

RuleWords = Callable[[dict[str, Any]], str]


class StepOutcome(StrEnum):
    """What a visit to a step came to. A step with branches comes to the outcome of the branch it takes."""

    DONE = "done"
    SENT = "sent"
    SKIPPED = "skipped"
    EXIT = "exit"


class Reason(StrEnum):
    """Why a step was skipped or a run ended: code words, shown by `describe.reason`."""

    COMPLETED = "completed"
    EXIT_STEP = "exit_step"
    LATE_AT_ONCE = "late_at_once"
    BOOKED_TOO_LATE = "booked_too_late"
    DATE_PASSED = "date_passed"
    NO_DATE = "no_date"
    NOT_SENT = "not_sent"
    VISIT_IN_DOUBT = "visit_in_doubt"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    MISSING_STEP = "missing_step"
    STEP_ERROR = "step_error"
    DECEASED = "deceased"
    ERASED = "erased"
    SUPPRESSED = "suppressed"
    REMOVED = "removed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True)
class BranchName:
    """A branch that a kind of step has: its key in the JSON, what a visit that takes it comes to, and in words.

    ``outcome`` (at most eight letters) is stored with every visit, and names the path in sentences: "the yes path".
    ``said`` names it where a document is refused: "the answered path".
    """

    name: str
    outcome: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """One path under a step."""

    name: str
    outcome: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail that a step sends: template and sender, and the name of a date after which it must not leave."""

    template: Handle
    purpose: str
    sender: Handle
    before: str


class Effect(NamedTuple):
    """Something a step does to the world, as data: ``effects.KINDS`` knows who does it, for thousands at once.

    ``changes_person``: what conditions ask the record about may have another answer afterwards.
    """

    kind: str
    values: Mapping[str, Any]
    changes_person: bool = False


class Stay(NamedTuple):
    """Wait here until a moment (UTC); ``reason`` where something keeps it from going on."""

    until: datetime
    reason: str = ""


class Go(NamedTuple):
    """Go on: into the branch called ``branch``, or to the step behind. ``effects`` happen in the tick's transaction.

    ``skip`` are steps behind this one that are skipped for the same reason.
    """

    outcome: str = StepOutcome.DONE
    reason: str = ""
    branch: str = ""
    effects: tuple[Effect, ...] = ()
    skip: tuple[str, ...] = ()


class Leave(NamedTuple):
    """The run ends here."""

    reason: str
    outcome: str = StepOutcome.EXIT


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one run at one moment.

    `step` is where the run waits (None: it is about to enter, or begins a new round). `dates` maps
    date names to moments or days; a missing one is unknown. `sent` names the sends of this round that
    went out; `signals` are pairs (signal, send step) seen in this round. `guard` is a reason to leave
    at once ("deceased"). `visit` is the state of the appointment the run is about ("kept"), "" without one;
    `in_doubt`: an import is in doubt about it, and nobody has said yet what is right.
    `holds(rule_json)` evaluates a segment rule on the opened record.
    """

    run: int
    zone: ZoneInfo
    round: int = 1
    step: str | None = None
    due_at: datetime | None = None
    dates: Mapping[str, datetime | date] = field(default_factory=dict, repr=False)
    sent: frozenset[str] = frozenset()
    signals: frozenset[tuple[str, str]] = frozenset()
    guard: str = ""
    visit: str = ""
    in_doubt: bool = False
    holds: Callable[[str], bool] = field(default=lambda _rule: False, repr=False)


class Here(Protocol):
    """What a step sees when a person gets to it: the facts, the moment, and its place in the journey."""

    facts: Facts
    now: datetime
    resumed: bool
    """Whether the run waited at this step already; its time is then ``facts.due_at``."""

    def was_sent(self, message: str) -> bool:
        """Whether the message of this send step went out in this round."""

    def message(self, of: str) -> str:
        """The send step ``of``; for "" the nearest one before this step, "" without any."""

    def behind(self) -> Sequence[Step]:
        """The steps behind this one on its own path."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands while it is checked: ``label`` is "Step 3".

    ``sent``: the send steps before it. ``dates``: those of this journey, with labels.
    """

    label: str
    known: Known
    dates: Mapping[str, str]
    sent: frozenset[str]
    per_appointment: bool
    find_level: Callable[[], Level]

    @property
    def level(self) -> Level:
        """Of everything that the journey looks at or writes; found out when the first step asks."""
        return self.find_level()


@dataclass(frozen=True, slots=True)
class Labels:
    """How things are called in sentences: dates, a rule in words, the messages of the journey, own attributes."""

    dates: Mapping[str, str] = field(default_factory=dict)
    rule: RuleWords | None = None
    messages: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, KnownAttribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepWords:
    """A step for a reader: a title, a line below, and the labels of its branches by name."""

    title: str
    line: str = ""
    branches: Mapping[str, str] = field(default_factory=dict)


class Step(Protocol):
    """One step of a journey, of whatever kind."""

    kind: ClassVar[str]
    """Its type in the JSON."""
    label: ClassVar[str]
    """What the palette calls it."""
    icon: ClassVar[str]
    accent: ClassVar[str]
    about: ClassVar[str]
    """Said in the builder where there is nothing to set."""
    fields: ClassVar[tuple[Field, ...]]

    @property
    def id(self) -> str: ...

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Its paths, two to N, in order; none for most kinds."""

    @classmethod
    def branch_names(cls, document: Mapping[str, Any]) -> tuple[BranchName, ...]:
        """The branches a step of this document has."""

    @classmethod
    def make(cls, step_id: str, values: Mapping[str, Any], branches: tuple[Branch, ...]) -> Step:
        """The step with these values of its fields."""

    @classmethod
    def fresh(cls, dates: Sequence[str]) -> dict[str, Any]:
        """JSON of a new step with sensible values; ``dates`` are those of the journey."""

    def with_branches(self, branches: tuple[Branch, ...]) -> Self:
        """The same step with other paths."""

    def without_messages(self, gone: set[str]) -> Self:
        """The same step when these send steps are deleted."""

    @property
    def mail(self) -> Mail | None:
        """The mail it sends, if it does."""

    @property
    def dates(self) -> tuple[str, ...]:
        """Names of the dates it goes by."""

    @property
    def rule(self) -> dict[str, Any]:
        """The segment rule it asks of the opened record, or {}."""

    @property
    def asks_visit(self) -> bool:
        """Whether it asks how the appointment of the run stands."""

    @property
    def writes(self) -> tuple[str, ...]:
        """Names of the organization's own attributes that it changes."""

    def level(self, known: Known) -> Level:
        """The level of what it looks at or writes: it flows into the whole journey."""

    def check(self, place: Place) -> Iterator[str]:
        """What keeps it from being active, in sentences."""

    def decide(self, here: Here) -> Stay | Go | Leave:
        """What happens to a person who gets here."""

    def words(self, labels: Labels) -> StepWords:
        """The step in words."""


@dataclass(frozen=True)
class StepDefaults:
    """What most kinds answer: no branches, nothing sent, asked, looked at or written."""

    id: str
    branches: tuple[Branch, ...] = field(default=(), kw_only=True)

    about: ClassVar[str] = ""
    fields: ClassVar[tuple[Field, ...]] = ()
    BRANCHES: ClassVar[tuple[BranchName, ...]] = ()

    @classmethod
    def branch_names(cls, document: Mapping[str, Any]) -> tuple[BranchName, ...]:
        """See ``Step``."""
        return cls.BRANCHES

    @classmethod
    def make(cls, step_id: str, values: Mapping[str, Any], branches: tuple[Branch, ...]) -> Self:
        """See ``Step``."""
        return cls(step_id, branches=branches, **values)

    @classmethod
    def fresh(cls, dates: Sequence[str]) -> dict[str, Any]:
        """See ``Step``."""
        return {}

    def with_branches(self, branches: tuple[Branch, ...]) -> Self:
        """See ``Step``."""
        return replace(self, branches=branches)

    def without_messages(self, gone: set[str]) -> Self:
        """See ``Step``."""
        return self

    @property
    def mail(self) -> Mail | None:
        """See ``Step``."""
        return None

    @property
    def dates(self) -> tuple[str, ...]:
        """See ``Step``."""
        return ()

    @property
    def rule(self) -> dict[str, Any]:
        """See ``Step``."""
        return {}

    @property
    def asks_visit(self) -> bool:
        """See ``Step``."""
        return False

    @property
    def writes(self) -> tuple[str, ...]:
        """See ``Step``."""
        return ()

    def level(self, known: Known) -> Level:
        """See ``Step``."""
        return Level.PUBLIC

    def check(self, place: Place) -> Iterator[str]:
        """See ``Step``."""
        yield from ()


def branch_steps(step: Step, name: str) -> tuple[Step, ...] | None:
    """The steps of one branch; None when the step has no branch of that name."""
    return next((branch.steps for branch in step.branches if branch.name == name), None)
