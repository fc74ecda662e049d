"""Reading segments: opened names and rules, where they are used, and why a person is in one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts.attributes import definitions as attributes
from apps.contacts.models import Vocabulary
from apps.contacts.person.fields import FieldSpec
from apps.contacts.timeline.terms import shown_term
from apps.contacts.timeline.value_sets import DIAGNOSES_AND_ACTS
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.imports import selectors as imports
from apps.organizations import selectors as organizations
from apps.references import selectors as references
from apps.references.models import Noun, Place
from apps.references.owners import Shown
from apps.references.services import Used
from apps.segments import compiler, naming, rules
from apps.segments.conditions.base.nodes import Handle
from apps.segments.models import Segment, SegmentUse
from apps.segments.naming import TABLE as TABLE
from apps.segments.naming import name_token as name_token
from apps.vault import sealing
from apps.vault.tokens import normalize


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


def level_of(segment_id: int) -> Level:
    """How much being in the segment tells. Raises Refused when it is not there any more."""
    found = by_id(segment_id)
    if found is None:
        raise Refused("segment.unknown", "This segment no longer exists.")
    return found.level


def by_name(name: str) -> OpenedSegment:
    """The segment of that name. Raises Refused when there is none."""
    row = Segment.objects.filter(name_token=name_token(name)).first()
    if row is None:
        raise Refused("segment.unknown", "There is no segment of that name.")
    return opened(row)


def rule_of(handle: Handle) -> rules.Rule:
    """The rule of a segment, by its id (or name). Raises Refused when there is none."""
    found = _rules_of([handle], attributes.catalog())
    if handle not in found:
        raise Refused("segment.unknown", "There is no segment of that name.")
    return found[handle]


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
    return sorted(((name, label) for name, (label, _, _) in DIAGNOSES_AND_ACTS.items()), key=lambda item: item[1])


def parse(tree: object) -> rules.Rule:
    """Read a rule that somebody writes, with names or ids; it may ask for own attributes. Raises RuleError."""
    fields = attributes.catalog()
    rule = rules.parse(tree, fields=fields)
    rules.check_choices(rule, fields=fields)
    return naming.with_ids(rule)


def parse_stored(tree: object) -> rules.Rule:
    """Read a rule as it is stored elsewhere (in a journey), with ids. Raises RuleError."""
    return rules.parse(tree, fields=attributes.catalog())


def sentence(rule: rules.Node, terms: rules.Terms = terms) -> str:
    """A rule in English, with terms from the vocabulary (or `terms`) and the labels of own attributes."""
    called = naming.names_of(rules.references(rule))
    return rules.sentence(rule, terms=terms, fields=attributes.catalog(), called=called)


def rule_uses(rule: rules.Rule, place: Place = Place.RULE) -> list[Used]:
    """What a rule refers to, for the table of references; what is not there is left out."""
    return [Used(Noun(each.kind), pk, place) for each, pk in naming.ids_of(rules.references(rule)).items()]


def names_of_users(ids: Collection[int], used: Noun) -> Mapping[int, Shown]:
    """What these segments are called, where they use something."""
    return {pk: Shown(name, f"/segments/{pk}/") for pk, name in naming.segment_names(ids).items()}


def zone() -> ZoneInfo:
    """The clinic's zone: rules count days on its calendar."""
    return organizations.zone()


def names_for(rule: rules.Rule, frozen: Mapping[Handle, rules.Rule] | None = None) -> rules.Names:
    """The rules and ids of all that ``rule`` refers to, through all segments it leads to; one query a generation.

    ``frozen`` stands for segments as they were at an earlier time, whatever they are now.
    """
    then, fields = frozen or {}, attributes.catalog()
    found: dict[Handle, rules.Rule] = {}
    campaigns: set[Handle] = set(rules.mentioned_campaigns(rule))
    lists: set[Handle] = set(rules.mentioned_imports(rule))
    waiting = set(rules.mentioned_segments(rule))
    while waiting:
        new = {of: then[of] for of in waiting if of in then}
        new |= _rules_of(waiting - new.keys(), fields)
        found |= new
        for each in new.values():
            campaigns.update(rules.mentioned_campaigns(each))
            lists.update(rules.mentioned_imports(each))
        waiting = {of for each in new.values() for of in rules.mentioned_segments(each)} - found.keys()
    return rules.Names(
        segments=found,
        campaigns=naming.campaign_ids(campaigns) if campaigns else {},
        fields=fields,
        imports=imports.levels([number for number in lists if isinstance(number, int)]),
    )


def _rules_of(handles: Iterable[Handle], fields: Mapping[str, FieldSpec]) -> dict[Handle, rules.Rule]:
    """The rules of the segments of these ids or names that are there."""
    given = list(handles)
    numbers: dict[Handle, int] = {of: of for of in given if isinstance(of, int)}
    by_name = naming.segment_ids([of for of in given if isinstance(of, str)])
    for of, pk in by_name.items():
        numbers[of] = pk
    rows = {row.pk: row for row in Segment.objects.filter(pk__in=set(numbers.values()))} if numbers else {}
    return {of: opened(rows[pk], fields).rule for of, pk in numbers.items() if pk in rows}


def reachable(ids: Iterable[int]) -> set[int]:
    """Ids of all segments that the given ones look at, directly or through others."""
    found: set[int] = set()
    edge = set(ids)
    while edge:
        step = set(SegmentUse.objects.filter(user_id__in=edge).values_list("used_id", flat=True))
        edge = step - found
        found |= step
    return found


def where_used(segment_id: int) -> list[references.Use]:
    """Other segments, then campaigns and journeys, that use the segment."""
    return references.used_by(Noun.SEGMENT, segment_id)


def audience(
    rule: rules.Rule, now: datetime, frozen: Mapping[Handle, rules.Rule] | None = None
) -> tuple[str, list[Any]]:
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
