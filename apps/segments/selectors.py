"""Reading segments: opened names and rules, where they are used, and why a person is in one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes.usages import Usage as AttributeUsage
from apps.contacts.models import Vocabulary
from apps.contacts.person.fields import FieldSpec
from apps.contacts.timeline.terms import shown_term
from apps.contacts.timeline.value_sets import VALUE_SETS
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.organizations import selectors as organizations
from apps.segments import compiler, rules, usages
from apps.segments.models import Segment, SegmentUse
from apps.vault import sealing
from apps.vault.tokens import normalize, token128

TABLE = "segments_segment"


@dataclass(frozen=True, repr=False)
class OpenedSegment:
    """A segment with its name and rule in clear."""

    id: int
    name: str
    description: str
    rule: rules.Rule
    level: Level
    version: int
    row: Segment

    @property
    def sentence(self) -> str:
        """The rule as one sentence, codes by their terms."""
        return sentence(self.rule)


def name_token(name: str) -> bytes:
    """The keyed look-up of a segment's name; case, accents and spaces do not count."""
    return token128("segment.name", normalize(name))


def opened(segment: Segment, fields: Mapping[str, FieldSpec] | None = None) -> OpenedSegment:
    """Open one row. A rule that names an attribute since removed raises RuleError."""
    data = sealing.open_service(segment.sealed, table=TABLE, row=segment.pk, version=segment.version)
    return OpenedSegment(
        id=segment.pk,
        name=str(data["name"]),
        description=str(data.get("description", "")),
        rule=rules.parse(data["rule"], fields=fields or attributes.catalog()),
        level=Level(segment.level),
        version=segment.version,
        row=segment,
    )


def by_id(segment_id: int) -> OpenedSegment | None:
    """The segment, or None."""
    row = Segment.objects.filter(pk=segment_id).first()
    return opened(row) if row is not None else None


def name_of(segment_id: int) -> str:
    """The segment's name. Raises Refused when it is not there any more."""
    found = by_id(segment_id)
    if found is None:
        raise Refused("segment.unknown", "This segment no longer exists.")
    return found.name


def by_name(name: str) -> OpenedSegment:
    """The segment of that name. Raises Refused when there is none."""
    row = Segment.objects.filter(name_token=name_token(name)).first()
    if row is None:
        raise Refused("segment.unknown", "There is no segment of that name.")
    return opened(row)


def everyone() -> list[OpenedSegment]:
    """All segments in the order of their names; segments are counted in dozens, not in thousands."""
    fields = attributes.catalog()
    return sorted((opened(row, fields) for row in Segment.objects.all()), key=lambda each: normalize(each.name))


def terms(system: str, code: str) -> str | None:
    """The term of a code in the vocabulary as people read it, or None."""
    term = Vocabulary.objects.filter(system=system, code=code).values_list("term", flat=True).first()
    return shown_term(term) if term else None


def value_sets() -> list[tuple[str, str]]:
    """Name and label of the sets of codes a rule may look at."""
    return sorted(((name, label) for name, (label, _, _) in VALUE_SETS.items()), key=lambda item: item[1])


def parse(tree: object) -> rules.Rule:
    """Read a rule that somebody writes; it may ask for own attributes. Raises RuleError."""
    fields = attributes.catalog()
    rule = rules.parse(tree, fields=fields)
    rules.check_choices(rule, fields=fields)
    return rule


def sentence(rule: rules.Node, terms: rules.Terms = terms) -> str:
    """A rule in English, with terms from the vocabulary (or `terms`) and the labels of own attributes."""
    return rules.sentence(rule, terms=terms, fields=attributes.catalog())


def using_attributes(names: Collection[str]) -> Iterator[tuple[str, AttributeUsage]]:
    """Which of the own attributes called ``names`` the rules of segments ask for."""
    for each in everyone():
        for mentioned in rules.mentioned_attributes(each.rule):
            if (name := mentioned.removeprefix(attributes.PREFIX)) in names:
                yield name, AttributeUsage("Segment", each.name, f"/segments/{each.id}/", searches=True)


def zone() -> ZoneInfo:
    """The clinic's zone: rules count days on its calendar."""
    return organizations.zone()


def names_for(rule: rules.Rule, frozen: Mapping[str, rules.Rule] | None = None) -> rules.Names:
    """The rules and ids that the names in ``rule`` stand for, through all segments it leads to.

    ``frozen`` (name to rule) stands for segments as they were at an earlier time, whatever they are now.
    """
    then = frozen or {}
    found: dict[str, rules.Rule] = {}
    campaigns: set[str] = set(rules.mentioned_campaigns(rule))
    waiting = rules.mentioned_segments(rule)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name in then:
            found[name] = then[name]
        else:
            row = Segment.objects.filter(name_token=name_token(name)).first()
            if row is None:
                continue
            found[name] = opened(row).rule
        campaigns.update(rules.mentioned_campaigns(found[name]))
        waiting += rules.mentioned_segments(found[name])
    return rules.Names(
        segments=found, campaigns=usages.campaign_ids() if campaigns else {}, fields=attributes.catalog()
    )


def reachable(ids: Iterable[int]) -> set[int]:
    """Ids of all segments that the given ones look at, directly or through others."""
    found: set[int] = set()
    edge = set(ids)
    while edge:
        step = set(SegmentUse.objects.filter(user_id__in=edge).values_list("used_id", flat=True))
        edge = step - found
        found |= step
    return found


def where_used(segment_id: int) -> list[usages.Usage]:
    """Other segments, then campaigns and journeys, that use the segment."""
    users = [opened(row) for row in Segment.objects.filter(uses__used_id=segment_id).order_by("pk")]
    inside = [usages.Usage("Segment", user.name, f"/segments/{user.id}/") for user in users]
    return inside + usages.uses_of(segment_id)


def audience(rule: rules.Rule, now: datetime, frozen: Mapping[str, rules.Rule] | None = None) -> tuple[str, list[Any]]:
    """``(sql, params)`` selecting the ids of the people of ``rule`` at ``now``, by the clinic's calendar.

    ``frozen``: see ``names_for``.
    """
    return compiler.compile(rule, now, zone(), names_for(rule, frozen))


def condition(rule: rules.Rule, now: datetime, *, joins: bool = False, one: bool = False) -> tuple[str, list[Any]]:
    """The condition over ``contacts_personsearch s``, for statements that join further tables (``compiler``)."""
    return compiler.condition(rule, now, zone(), names_for(rule), joins=joins, one=one)


def people(rule: rules.Rule, now: datetime) -> tuple[str, list[Any]]:
    """``(sql, params)`` selecting everybody of ``rule``, for statements without nested loops (``compiler``)."""
    return compiler.people(rule, now, zone(), names_for(rule))


def fits(rule: rules.Rule, record: rules.Record, now: datetime) -> bool:
    """Whether an opened record fits ``rule``: what decides at the moment of sending."""
    return rules.matches(rule, record, now, zone(), names_for(rule))
