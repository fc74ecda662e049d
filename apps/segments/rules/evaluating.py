"""The opened record decides: rules evaluated in Python, the reference the SQL is tested against.

Used at the moment of sending (a mismatch with the search tokens holds the message), in "why is this person
in?", and by the property tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.vault.tokens import normalize

from .facts import comparable, day_of, spec_of, starts_of, stored, values_of
from .nodes import (
    AgeRule,
    AppointmentRule,
    ConsentRule,
    DateRule,
    EngagementRule,
    EventRule,
    FieldRule,
    Group,
    Leaf,
    Node,
    NumberRule,
    Rule,
    RuleError,
    SegmentRule,
)
from .sentences import Terms, group_head, sentence
from .windows import age_window, anniversary_days, appointment_window, date_window, event_window

UTC = ZoneInfo("UTC")


class Record(Protocol):
    """What a rule may look at in an opened person; ``contacts.PersonRecord`` is one."""

    @property
    def profile(self) -> Mapping[str, Any]: ...

    @property
    def consents(self) -> Mapping[str, str]: ...

    @property
    def events(self) -> Sequence[Mapping[str, Any]] | None: ...

    @property
    def appointments(self) -> Sequence[Mapping[str, Any]] | None: ...


@dataclass(frozen=True, repr=False)
class Names:
    """What the names in a rule stand for: the rules of other segments, the ids of campaigns, attributes."""

    segments: Mapping[str, Rule] = field(default_factory=dict)
    campaigns: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, FieldSpec] = field(default_factory=lambda: FIELDS)

    def segment(self, name: str, seen: tuple[str, ...]) -> Rule:
        """The rule of segment ``name``. Raises RuleError when it is unknown or leads back to itself."""
        if name in seen:
            raise RuleError((), "a segment cannot look at itself, not even through other segments.")
        if name not in self.segments:
            raise RuleError((), "it looks at a segment that no longer exists: choose another.")
        return self.segments[name]

    def campaign(self, name: str) -> int:
        """The id of campaign ``name``. Raises RuleError when there is none."""
        if name not in self.campaigns:
            raise RuleError((), "it looks at a campaign that no longer exists: choose another.")
        return self.campaigns[name]


@dataclass(frozen=True, repr=False)
class Explained:
    """One node of "why is this person in?": the sentence, whether it holds, and the same for its parts."""

    sentence: str
    matched: bool
    path: tuple[int, ...]
    children: tuple[Explained, ...] = ()


def matches(rule: Node, record: Record, now: datetime, zone: ZoneInfo = UTC, names: Names | None = None) -> bool:
    """Whether the opened ``record`` fits ``rule`` at ``now`` (aware), by the calendar of ``zone``."""
    return _Evaluator(record, now.astimezone(zone).date(), names or Names()).holds(rule, ())


def verdict(rule: Node, record: Record, now: datetime, zone: ZoneInfo = UTC, names: Names | None = None) -> bool | None:
    """What the attributes and consents of the opened record alone say: True, False, or None (it depends).

    Asked for every message at the moment of sending, so the timeline is not opened: a condition about events,
    appointments or engagement is None, and the logic is Kleene's.
    """
    return _Evaluator(record, now.astimezone(zone).date(), names or Names()).verdict(rule, ())


def explain(
    rule: Node,
    record: Record,
    now: datetime,
    zone: ZoneInfo = UTC,
    names: Names | None = None,
    *,
    terms: Terms | None = None,
) -> Explained:
    """The rule as a tree of sentences, each with whether it holds for ``record``."""
    return _Evaluator(record, now.astimezone(zone).date(), names or Names()).explain(rule, (), (), terms)


class _Evaluator:
    def __init__(self, record: Record, today: date, names: Names) -> None:
        self.record, self.today, self.names = record, today, names

    def holds(self, node: Node, seen: tuple[str, ...]) -> bool:
        if isinstance(node, Group):
            if node.match == "all":
                return all(self.holds(child, seen) for child in node.rules)
            found = any(self.holds(child, seen) for child in node.rules)
            return not found if node.match == "none" else found
        return self.leaf(node, seen)

    def verdict(self, node: Node, seen: tuple[str, ...]) -> bool | None:
        if isinstance(node, Group):
            found = [self.verdict(child, seen) for child in node.rules]
            if node.match == "all":
                return False if False in found else (None if None in found else True)
            either = True if True in found else (None if None in found else False)
            return either if node.match == "any" or either is None else not either
        if isinstance(node, SegmentRule):
            inside = self.verdict(self.names.segment(node.name, seen), (*seen, node.name))
            return inside if inside is None else inside is node.inside
        if isinstance(node, EventRule | EngagementRule | AppointmentRule):
            return None
        return self.leaf(node, seen)

    def explain(self, node: Node, path: tuple[int, ...], seen: tuple[str, ...], terms: Terms | None) -> Explained:
        if isinstance(node, Group):
            children = tuple(self.explain(child, (*path, index), seen, terms) for index, child in enumerate(node.rules))
            return Explained(group_head(node), self.holds(node, seen), path, children)
        return Explained(sentence(node, terms=terms, fields=self.names.fields), self.leaf(node, seen), path)

    def leaf(self, leaf: Leaf, seen: tuple[str, ...]) -> bool:
        if isinstance(leaf, FieldRule):
            return self.field(leaf)
        if isinstance(leaf, DateRule):
            return self.dated(leaf)
        if isinstance(leaf, AgeRule):
            birth = self.day("birth_date")
            first, last = age_window(leaf, self.today)
            return birth is not None and first <= birth <= last
        if isinstance(leaf, NumberRule):
            return self.number(leaf)
        if isinstance(leaf, EventRule):
            return self.event(leaf)
        if isinstance(leaf, EngagementRule):
            return self.engagement(leaf)
        if isinstance(leaf, AppointmentRule):
            return self.appointment(leaf)
        if isinstance(leaf, ConsentRule):
            return self.record.consents.get(leaf.purpose, "none") == leaf.state
        rule = self.names.segment(leaf.name, seen)
        return self.holds(rule, (*seen, leaf.name)) is leaf.inside

    def day(self, name: str) -> date | None:
        return day_of(next(iter(stored(self.record.profile, name)), None))

    def field(self, rule: FieldRule) -> bool:
        profile = self.record.profile
        if rule.op == "starts_with":
            return normalize(rule.values[0]) in starts_of(profile, rule.field)
        if rule.op in ("exists", "missing"):
            return bool(stored(profile, rule.field)) is (rule.op == "exists")
        fields = self.names.fields
        # "" is what no search finds: a number out of bounds, a date that is none.
        mine = values_of(profile, rule.field, fields) - {""}
        asked = {comparable(rule.field, text, fields) for text in rule.values}
        return bool(asked & mine) is (rule.op in ("is", "in"))

    def dated(self, rule: DateRule) -> bool:
        mine = self.day(rule.field)
        if mine is None:
            return False
        if rule.op == "anniversary_in_days":
            return (mine.month, mine.day) in anniversary_days(rule.days or 0, self.today, rule.unit)
        first, last = date_window(rule, self.today)
        return first <= mine <= last

    def number(self, rule: NumberRule) -> bool:
        spec = spec_of(rule.field, self.names.fields)
        if spec is None or spec.numbers is None:
            return False
        step = spec.numbers.at(next(iter(stored(self.record.profile, rule.field)), None))
        return step is not None and step in spec.numbers.steps(rule.low, rule.high)

    def happened(self, fits: Callable[[Mapping[str, Any]], bool]) -> Iterator[date | None]:
        return (day_of(event.get("on")) for event in self.record.events or () if fits(event))

    def enough(self, days: Iterator[date | None], rule: EventRule | EngagementRule) -> bool:
        window = event_window(rule, self.today)
        if window is None:
            count = sum(1 for _ in days)
        else:
            count = sum(1 for day in days if day is not None and window[0] <= day <= window[1])
        return count == 0 if rule.never else count >= rule.times

    def event(self, rule: EventRule) -> bool:
        def fits(event: Mapping[str, Any]) -> bool:
            if event.get("kind") != rule.kind:
                return False
            if rule.category is not None and str(event.get("class", "")).casefold() != rule.category.casefold():
                return False
            if rule.codes and (event.get("system") != rule.system or event.get("code") not in rule.codes):
                return False
            return rule.value_set is None or rule.value_set in (event.get("sets") or ())

        return self.enough(self.happened(fits), rule)

    def engagement(self, rule: EngagementRule) -> bool:
        kind = f"message.{rule.kind}"
        campaign = None if rule.campaign is None else self.names.campaign(rule.campaign)

        def fits(event: Mapping[str, Any]) -> bool:
            return event.get("kind") == kind and (campaign is None or event.get("campaign") == campaign)

        return self.enough(self.happened(fits), rule)

    def appointment(self, rule: AppointmentRule) -> bool:
        first, last = appointment_window(rule, self.today)
        booked = any(
            appointment.get("state") == "booked"
            and (day := day_of(appointment.get("start"))) is not None
            and first <= day <= last
            for appointment in self.record.appointments or ()
        )
        return booked if rule.state == "booked" else not booked
