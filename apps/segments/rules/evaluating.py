"""The opened record decides: rules evaluated in Python, the reference the SQL is tested against.

Used at the moment of sending (a mismatch with the search tokens holds the message), in "why is this person
in?", and by the property tests. The logic is Kleene's: a condition that may not be asked is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from apps.contacts.person.fields import FieldSpec
from apps.segments.conditions.base.controls import Terms
from apps.segments.conditions.base.documents import Path
from apps.segments.conditions.base.nodes import Group, Handle, Names, Node, Record, Reference
from apps.segments.rules.sentences import group_head, sentence

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, repr=False)
class Explained:
    """One node of "why is this person in?": the sentence, whether it holds, and the same for its parts."""

    sentence: str
    matched: bool
    path: Path
    children: tuple[Explained, ...] = ()


def matches(rule: Node, record: Record, now: datetime, zone: ZoneInfo = UTC, names: Names | None = None) -> bool:
    """Whether the opened ``record`` fits ``rule`` at ``now`` (aware), by the calendar of ``zone``."""
    names = names or Names()
    return _Opened(record, now.astimezone(zone), names).holds(names.linked(rule)) is True


def verdict(rule: Node, record: Record, now: datetime, zone: ZoneInfo = UTC, names: Names | None = None) -> bool | None:
    """What the opened record alone says, without its timeline: True, False, or None (it depends).

    Asked for every message at the moment of sending, so the timeline is not opened: a condition about what happened
    is None.
    """
    names = names or Names()
    return _Opened(record, now.astimezone(zone), names, timeline=False).holds(names.linked(rule))


def explain(
    rule: Node,
    record: Record,
    now: datetime,
    zone: ZoneInfo = UTC,
    names: Names | None = None,
    *,
    terms: Terms | None = None,
    called: Mapping[Reference, str] | None = None,
) -> Explained:
    """The rule as a tree of sentences, each with whether it holds for ``record``. ``called`` as in ``sentence``."""
    opened = _Opened(record, now.astimezone(zone), names or Names())

    def told(node: Node, path: Path) -> Explained:
        fits = opened.holds(opened.names.linked(node)) is True
        if isinstance(node, Group):
            children = tuple(told(child, (*path, index)) for index, child in enumerate(node.rules))
            return Explained(group_head(node), fits, path, children)
        return Explained(sentence(node, terms=terms, fields=opened.fields, called=called), fits, path)

    return told(rule, ())


@dataclass(frozen=True, repr=False)
class _Opened:
    """One opened person, asked at one moment."""

    record: Record
    local: datetime
    names: Names
    timeline: bool = True

    @property
    def today(self) -> date:
        return self.local.date()

    @property
    def fields(self) -> Mapping[str, FieldSpec]:
        return self.names.fields

    def holds(self, node: Node) -> bool | None:
        if not isinstance(node, Group):
            return node.holds(self) if self.timeline or not node.TIMELINE else None
        # What ends the question: one that does not fit among all, one that does among the others.
        end = node.match != "all"
        found: bool | None = not end
        for child in node.rules:
            each = self.holds(child)
            if each is end:
                found = end
                break
            if each is None:
                found = None
        return not found if node.match == "none" and found is not None else found

    def campaign(self, name: Handle) -> int:
        return self.names.campaign(name)
