"""What a rule is made of, and what every kind of condition can do.

A rule is a tree: groups (all, any, none) over conditions. Every node is frozen, knows how to write itself back as
JSON, and shows nothing of its content when printed: a rule may hold a name or an address, and its text is sealed
at rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.core.bulk import int8_array
from apps.core.levels import Level
from apps.segments.conditions.base.controls import Drawn, Entry, Offer, Posted, Terms
from apps.segments.conditions.base.documents import Document, Json, Path, RuleError

#: What clinical, appointment, consent and engagement conditions say about a person.
CLINICAL_LEVEL = Level.HEALTH


Handle = int | str
"""What a rule calls another object by: its id as stored, its name as people write it. A stored name is one that
nothing had when the rule was stored."""


class RefersTo(StrEnum):
    """Kinds of things a rule may name."""

    SEGMENT = "segment"
    CAMPAIGN = "campaign"
    ATTRIBUTE = "attribute"
    IMPORT = "import"
    TAG = "tag"


#: What a sentence calls something that is no longer there and whose name nobody remembers.
GONE = "no longer there"


@dataclass(frozen=True, repr=False)
class Reference:
    """One thing a condition names: a segment, a campaign, a tag, or an own attribute (``attribute.NAME``)."""

    kind: RefersTo
    name: Handle


@dataclass(frozen=True, repr=False)
class Membership:
    """Being in a segment, or not."""

    segment: Handle
    inside: bool


@dataclass(frozen=True, repr=False)
class Reveals:
    """What fitting a node says about a person.

    ``patient_may`` and ``patient_must``: whether some patient may fit, and whether every patient does, as far as the
    node itself tells; ``relation``: whether it looks at what the person is to us.
    """

    level: Level
    patient_may: bool = True
    patient_must: bool = False
    relation: bool = False

    def negated(self) -> Reveals:
        """The same of everybody who does not fit."""
        return Reveals(self.level, not self.patient_must, not self.patient_may, self.relation)


class Record(Protocol):
    """What a rule may look at in an opened person; ``contacts.PersonRecord`` is one."""

    @property
    def id(self) -> int: ...

    @property
    def profile(self) -> Mapping[str, Any]: ...

    @property
    def consents(self) -> Mapping[str, str]: ...

    @property
    def events(self) -> Sequence[Mapping[str, Any]] | None: ...

    @property
    def appointments(self) -> Sequence[Mapping[str, Any]] | None: ...


# -- The one statement a rule becomes: text of constants only; every value is a parameter ----------------------------


@dataclass(frozen=True, repr=False)
class Fragment:
    """SQL with its parameters, in the order of the text."""

    text: str
    params: tuple[Any, ...] = ()

    def wrapped(self, before: str, after: str = "") -> Fragment:
        """The same with constant text around it."""
        return Fragment(f"{before}{self.text}{after}", self.params)


def joined(word: str, parts: Sequence[Fragment]) -> Fragment:
    """The parts with ``word`` (" AND ", " OR ", " UNION ") between them."""
    return Fragment(word.join(part.text for part in parts), tuple(value for part in parts for value in part.params))


def has_tokens(operator: str, tokens: Sequence[int]) -> Fragment:
    """All (``@>``) or one (``&&``) of the tokens are in the search row."""
    return Fragment(f"s.tokens {operator} %s::bigint[]", (sorted(set(tokens)),))


def one_of(column: str, keyed: Sequence[int]) -> Fragment:
    """A keyed day or number of the search row is one of many.

    NULL there must be false, not unknown, so that NOT is the complement. As text: the driver's own writing of a
    century's days costs more than the count.
    """
    return Fragment(f"({column} IS NOT NULL AND {column} = ANY(%s::bigint[]))", (int8_array(keyed),))


# -- What conditions are given -----------------------------------------------------------------------------------


class Opened(Protocol):
    """One opened person, asked at one moment (``rules.evaluating``)."""

    @property
    def record(self) -> Record: ...

    @property
    def local(self) -> datetime:
        """This moment on the clinic's clock."""

    @property
    def today(self) -> date: ...

    @property
    def fields(self) -> Mapping[str, FieldSpec]: ...

    def campaign(self, name: Handle) -> int:
        """The id of a campaign."""


class Search(Protocol):
    """The statement that is being written over ``contacts_personsearch s`` (``compiler``).

    ``joins``: everybody selected must fit the condition, so that the planner may join; ``one``: the statement is about
    one person.
    """

    @property
    def local(self) -> datetime:
        """This moment on the clinic's clock."""

    @property
    def today(self) -> date: ...

    @property
    def fields(self) -> Mapping[str, FieldSpec]: ...

    @property
    def joins(self) -> bool: ...

    @property
    def one(self) -> bool: ...

    def campaign(self, name: Handle) -> int:
        """The id of a campaign."""


@dataclass(frozen=True, repr=False)
class Words:
    """What sentences need: names of codes, labels of attributes, names of what is referred to by its id."""

    terms: Terms
    fields: Mapping[str, FieldSpec]
    names: Mapping[Reference, str] = field(default_factory=dict)

    def called(self, kind: RefersTo, of: Handle) -> str:
        """What a segment, campaign or tag is called."""
        return self.names.get(Reference(kind, of), GONE if isinstance(of, int) else of)


# -- Nodes -------------------------------------------------------------------------------------------------------


class Condition(Protocol):
    """One kind of condition: a frozen dataclass in a file of its own, registered in ``conditions.CONDITIONS``.

    What most kinds answer alike has an answer here.
    """

    #: The part of a document that names the kind: ``{"consent": …}``; also what the builder's picker begins with.
    KEY: ClassVar[str]
    #: A comparison with one number of the search row: cheaper than any other, so it is asked first.
    BY_DAY: ClassVar[bool] = False
    #: About what happened: another table is read, and at the moment of sending it is not opened.
    TIMELINE: ClassVar[bool] = False

    @classmethod
    def reads(cls, document: Json, fields: Mapping[str, FieldSpec]) -> bool:
        """Whether a document with ``KEY`` is of this kind; asked where several kinds share the key."""
        return True

    @classmethod
    def parse(cls, document: Document) -> Condition:
        """Read the condition. Raises RuleError with what to do."""
        ...

    def to_document(self) -> Json:
        """The condition as it is stored. Approvals hash it: what is written once stays as it is."""
        ...

    def check_choices(self, fields: Mapping[str, FieldSpec], path: Path) -> None:
        """Raise RuleError for a value nobody can have; asked when a rule is written, not when a stored one is read."""
        return None

    def holds(self, opened: Opened) -> bool | None:
        """Whether the opened person fits: what decides, and what the SQL is tested against."""
        ...

    def sql(self, search: Search) -> Fragment:
        """The same as a condition over ``contacts_personsearch s``: true or false, never unknown."""
        ...

    def token(self, fields: Mapping[str, FieldSpec]) -> int | None:
        """The token whose presence is the whole condition, so that neighbors share one look; None for any other."""
        return None

    def sentence(self, words: Words) -> str:
        """The condition in English, without a full stop."""
        ...

    def level(self, fields: Mapping[str, FieldSpec]) -> Level:
        """How sensitive fitting is: about a patient unless the kind says otherwise."""
        return CLINICAL_LEVEL

    def reveals(self, fields: Mapping[str, FieldSpec]) -> Reveals:
        """What fitting says about a person."""
        return Reveals(self.level(fields))

    def declared(self, levels: Mapping[Any, Level]) -> Condition:
        """The same condition, knowing the levels that imports were declared to have (``Names.linked``)."""
        return self

    def stands_for(self) -> Membership | None:
        """The segment whose rule takes this condition's place (``Names.linked``); None for all others."""
        return None

    def references(self) -> tuple[Reference, ...]:
        """What the condition names."""
        return ()

    def with_references(self, names: Mapping[Reference, Any]) -> Condition:
        """The same condition where it names what ``names`` says instead."""
        return self

    def codes(self) -> tuple[tuple[str, str], ...]:
        """Clinical codes it asks for, as (system, code)."""
        return ()

    @classmethod
    def entries(cls, offer: Offer) -> list[Entry]:
        """The lines of the builder's picker that lead to this kind."""
        ...

    @classmethod
    def from_form(cls, form: Posted) -> Json:
        """The document that a posted row says, complete or not; what was never asked gets its first value."""
        ...

    @classmethod
    def draw(cls, document: Json, offer: Offer, terms: Terms) -> Drawn:
        """The row of the builder: ``from_form`` reads back what it draws."""
        ...


@dataclass(frozen=True, repr=False)
class Group:
    """``all``: every one, ``any``: at least one, ``none``: the complement of any."""

    match: str
    rules: tuple[Node, ...] = ()

    def to_document(self) -> Json:
        """The whole tree as it is stored."""
        return {"match": self.match, "rules": [node.to_document() for node in self.rules]}


Node = Condition | Group

#: A rule is the group at the root; an empty "all" is everybody.
Rule = Group


@dataclass(frozen=True, repr=False)
class Names:
    """What names in a rule stand for: rules of other segments, ids of campaigns, attributes, levels of imports."""

    segments: Mapping[Any, Rule] = field(default_factory=dict)
    campaigns: Mapping[Any, int] = field(default_factory=dict)
    fields: Mapping[str, FieldSpec] = field(default_factory=lambda: FIELDS)
    imports: Mapping[Any, Level] = field(default_factory=dict)
    _linked: dict[int, tuple[Node, Node]] = field(default_factory=dict, init=False, compare=False)

    def linked(self, node: Node) -> Node:
        """The same node with the rules of segments in the place of the conditions that name them.

        Evaluator, compiler and levels see groups and conditions only: nothing they ask asks them back. A claim asks
        the same rule about thousands of people, so what was linked is kept. Raises RuleError for a segment that is
        unknown or leads back to itself.
        """
        known = self._linked.get(id(node))
        if known is None:
            known = self._linked[id(node)] = node, self._link(node, ())
        return known[1]

    def _link(self, node: Node, seen: tuple[Handle, ...]) -> Node:
        if isinstance(node, Group):
            return Group(node.match, tuple(self._link(child, seen) for child in node.rules))
        named = node.stands_for()
        if named is None:
            return node.declared(self.imports) if self.imports else node
        rule = self._link(self.segment(named.segment, seen), (*seen, named.segment))
        return rule if named.inside else Group("none", (rule,))

    def segment(self, name: Handle, seen: tuple[Handle, ...]) -> Rule:
        """The rule of segment ``name``. Raises RuleError when it is unknown or leads back to itself."""
        if name in seen:
            raise RuleError(
                "segment.looks_at_itself", (), "a segment cannot look at itself, not even through other segments."
            )
        if name not in self.segments:
            raise RuleError("segment.unknown", (), "it looks at a segment that no longer exists: choose another.")
        return self.segments[name]

    def campaign(self, name: Handle) -> int:
        """The id of campaign ``name``. Raises RuleError when there is none."""
        if name not in self.campaigns:
            raise RuleError("campaign.unknown", (), "it looks at a campaign that no longer exists: choose another.")
        return self.campaigns[name]


def walk(node: Node) -> Iterator[Condition]:
    """Every condition of a tree, in the order a person reads them."""
    if isinstance(node, Group):
        for child in node.rules:
            yield from walk(child)
    else:
        yield node


def references(node: Node) -> list[Reference]:
    """Everything the tree names directly, each once, in reading order."""
    return list(dict.fromkeys(each for condition in walk(node) for each in condition.references()))


def mentioned_segments(node: Node) -> list[Handle]:
    """Ids (or names) of the segments this rule looks at directly, each once, in reading order."""
    return _mentioned(node, RefersTo.SEGMENT)


def mentioned_campaigns(node: Node) -> list[Handle]:
    """Ids (or names) of the campaigns this rule looks at directly, each once, in reading order."""
    return _mentioned(node, RefersTo.CAMPAIGN)


def mentioned_tags(node: Node) -> list[Handle]:
    """Ids (or names) of the tags this rule looks at directly, each once, in reading order."""
    return _mentioned(node, RefersTo.TAG)


def mentioned_attributes(node: Node) -> list[str]:
    """Own attributes this rule looks at directly (``attribute.NAME``), each once, in reading order."""
    return [str(name) for name in _mentioned(node, RefersTo.ATTRIBUTE)]


def mentioned_imports(node: Node) -> list[Handle]:
    """Imports this rule asks about directly, each once, in reading order."""
    return _mentioned(node, RefersTo.IMPORT)


def _mentioned(node: Node, kind: RefersTo) -> list[Handle]:
    return [each.name for each in references(node) if each.kind is kind]


def with_references(node: Node, names: Mapping[Reference, Any]) -> Node:
    """The same tree where it names what ``names`` says instead; what is not in ``names`` stays."""
    if isinstance(node, Group):
        return Group(node.match, tuple(with_references(child, names) for child in node.rules))
    return node.with_references(names)
