"""The shapes a rule is made of.

A rule is a tree: groups (all, any, none) over leaf conditions. Every node is frozen, knows how to write
itself back as JSON, and shows nothing of its content when printed: a rule may hold a name or an address,
and its text is sealed at rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from apps.core.errors import Refused

#: JSON of a rule or of one node, as stored (sealed), uploaded and shown in the API.
Json = dict[str, Any]

#: What a number of "last" or "next" days may count instead; rules that name no unit count days.
UNITS = ("days", "weeks", "months", "years")
DAYS = UNITS[0]


def _unit(unit: str) -> Json:
    """The part of a node that names the unit: none for days, so that older rules stay what they were."""
    return {} if unit == DAYS else {"unit": unit}


class RuleError(Refused):
    """A rule that cannot be used.

    ``where`` is the node as a person counts it ("Condition 2.1", "The rule"), ``path`` the same as indexes
    from the root (``(1, 0)``), ``what`` one sentence that says what to do. No value of the rule is in it.
    """

    def __init__(self, path: tuple[int, ...], what: str) -> None:
        self.path = path
        self.what = what
        self.where = "Condition " + ".".join(str(index + 1) for index in path) if path else "The rule"
        super().__init__(f"{self.where}: {what}")


@dataclass(frozen=True, repr=False)
class FieldRule:
    """An attribute compared with values: is, is_not, in, not_in, starts_with, exists, missing.

    ``is_not`` and ``not_in`` are complements: they also match people of whom the attribute is not known.
    """

    field: str
    op: str
    values: tuple[str, ...] = ()

    def as_json(self) -> Json:
        """The node as it is stored."""
        node: Json = {"field": self.field, "op": self.op}
        if self.op in ("in", "not_in"):
            node["value"] = list(self.values)
        elif self.values:
            node["value"] = self.values[0]
        return node


@dataclass(frozen=True, repr=False)
class DateRule:
    """A date attribute: on, before, after, between (inclusive), in_last_days, in_next_days, anniversary_in_days.

    ``days`` counts days, or what ``unit`` says.
    """

    field: str
    op: str
    first: date | None = None
    last: date | None = None
    days: int | None = None
    unit: str = DAYS

    def as_json(self) -> Json:
        """The node as it is stored."""
        node: Json = {"field": self.field, "op": self.op}
        if self.op == "between":
            node["from"] = self.first.isoformat() if self.first else None
            node["to"] = self.last.isoformat() if self.last else None
        elif self.op in ("on", "after"):
            node["value"] = self.first.isoformat() if self.first else None
        elif self.op == "before":
            node["value"] = self.last.isoformat() if self.last else None
        else:
            node |= {"days": self.days, **_unit(self.unit)}
        return node


@dataclass(frozen=True, repr=False)
class AgeRule:
    """Completed years on the clinic's calendar: between (inclusive), at_least, at_most."""

    op: str
    low: int | None
    high: int | None

    def as_json(self) -> Json:
        """The node as it is stored."""
        node: Json = {"field": "age", "op": self.op}
        if self.low is not None:
            node["from"] = self.low
        if self.high is not None:
            node["to"] = self.high
        return node


@dataclass(frozen=True, repr=False)
class NumberRule:
    """An own number, compared by its step: between (inclusive), at_least, at_most."""

    field: str
    op: str
    low: int | float | None
    high: int | float | None

    def as_json(self) -> Json:
        """The node as it is stored."""
        node: Json = {"field": self.field, "op": self.op}
        if self.low is not None:
            node["from"] = self.low
        if self.high is not None:
            node["to"] = self.high
        return node


@dataclass(frozen=True, repr=False)
class EventRule:
    """Something that happened to a person: at least ``times`` times, or never, in a window of days.

    ``last_days`` counts days, or what ``unit`` says.
    """

    kind: str
    codes: tuple[str, ...] = ()
    system: str | None = None
    category: str | None = None
    value_set: str | None = None
    never: bool = False
    times: int = 1
    first: date | None = None
    last: date | None = None
    last_days: int | None = None
    unit: str = DAYS

    def as_json(self) -> Json:
        """The node as it is stored."""
        code: str | list[str] | None = None
        if self.codes:
            code = self.codes[0] if len(self.codes) == 1 else list(self.codes)
        node: Json = {"event": self.kind, "op": "never" if self.never else "at_least"}
        if not self.never:
            node["times"] = self.times
        optional: Json = {
            "class": self.category,
            "code": code,
            "system": self.system,
            "set": self.value_set,
            "from": self.first.isoformat() if self.first else None,
            "to": self.last.isoformat() if self.last else None,
            "last_days": self.last_days,
        }
        node |= {name: value for name, value in optional.items() if value is not None}
        return node | _unit(self.unit)


@dataclass(frozen=True, repr=False)
class AppointmentRule:
    """A booked appointment within ``days`` (or what ``unit`` says) from today, or none upcoming at all."""

    state: str
    days: int | None = None
    unit: str = DAYS

    def as_json(self) -> Json:
        """The node as it is stored."""
        node: Json = {"appointment": self.state}
        if self.days is not None:
            node |= {"in_next_days": self.days, **_unit(self.unit)}
        return node


@dataclass(frozen=True, repr=False)
class ConsentRule:
    """What a person said to a purpose: granted, denied, or none (nothing recorded)."""

    purpose: str
    state: str

    def as_json(self) -> Json:
        """The node as it is stored."""
        return {"consent": self.purpose, "state": self.state}


@dataclass(frozen=True, repr=False)
class EngagementRule:
    """What a person did with our messages (of one campaign, or of any) in the last days, or what ``unit`` says."""

    kind: str
    campaign: str | None = None
    never: bool = False
    times: int = 1
    last_days: int | None = None
    unit: str = DAYS

    def as_json(self) -> Json:
        """The node as it is stored."""
        node: Json = {"engagement": self.kind, "op": "never" if self.never else "at_least"}
        if not self.never:
            node["times"] = self.times
        if self.campaign is not None:
            node["campaign"] = self.campaign
        if self.last_days is not None:
            node |= {"last_days": self.last_days, **_unit(self.unit)}
        return node


@dataclass(frozen=True, repr=False)
class SegmentRule:
    """Membership of another segment, by its name."""

    name: str
    inside: bool = True

    def as_json(self) -> Json:
        """The node as it is stored."""
        return {"segment": self.name, "op": "in" if self.inside else "not_in"}


Leaf = (
    FieldRule
    | DateRule
    | AgeRule
    | NumberRule
    | EventRule
    | AppointmentRule
    | ConsentRule
    | EngagementRule
    | SegmentRule
)


@dataclass(frozen=True, repr=False)
class Group:
    """``all``: every one, ``any``: at least one, ``none``: the complement of any."""

    match: str
    rules: tuple[Node, ...] = ()

    def as_json(self) -> Json:
        """The whole tree as it is stored."""
        return {"match": self.match, "rules": [node.as_json() for node in self.rules]}


Node = Leaf | Group

#: A rule is the group at the root; an empty "all" is everybody.
Rule = Group


def walk(node: Node) -> Iterator[Leaf]:
    """Every condition of a tree, in the order a person reads them."""
    if isinstance(node, Group):
        for child in node.rules:
            yield from walk(child)
    else:
        yield node


def mentioned_segments(rule: Rule) -> list[str]:
    """Names of the segments this rule looks at directly, each once, in reading order."""
    return list(dict.fromkeys(leaf.name for leaf in walk(rule) if isinstance(leaf, SegmentRule)))


def mentioned_campaigns(rule: Rule) -> list[str]:
    """Names of the campaigns this rule looks at directly, each once, in reading order."""
    names = (leaf.campaign for leaf in walk(rule) if isinstance(leaf, EngagementRule) and leaf.campaign)
    return list(dict.fromkeys(names))


def mentioned_attributes(node: Node) -> list[str]:
    """Own attributes this rule looks at directly (``attribute.NAME``), each once, in reading order."""
    fields = (leaf.field for leaf in walk(node) if isinstance(leaf, FieldRule | DateRule | NumberRule))
    return list(dict.fromkeys(name for name in fields if name.startswith("attribute.")))


def renamed(node: Node, old: str, new: str) -> Node:
    """The same tree where it looks at segment ``new`` instead of ``old``: a rename keeps every rule alive."""
    if isinstance(node, Group):
        return Group(node.match, tuple(renamed(child, old, new) for child in node.rules))
    if isinstance(node, SegmentRule) and node.name == old:
        return SegmentRule(new, node.inside)
    return node
