"""Opening people for segments: a masked sample, and why a person is in. Every opening is on the trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from apps.audit.actions import Action
from apps.contacts.attributes import definitions as attributes
from apps.contacts.person import selectors as contacts
from apps.contacts.person.masking import Eyes, age_words
from apps.contacts.person.records import PersonRecord
from apps.contacts.tags import definitions as tags
from apps.core import clock
from apps.core.actors import Actor
from apps.imports import selectors as imports
from apps.segments import counting, naming, rules, selectors
from apps.segments.rules.sentences import group_head
from apps.segments.selectors import OpenedSegment


@dataclass(frozen=True, repr=False)
class Masked:
    """One person of a sample: initials and age only (45 CFR 164.514(d): the minimum necessary)."""

    id: int
    name: str
    age: int | None


@dataclass(frozen=True, repr=False)
class Line:
    """One line of a rule as an outline; ``depth`` from 0."""

    depth: int
    sentence: str
    is_group: bool


def outline(rule: rules.Rule) -> list[Line]:
    """The rule as an indented list."""
    lines: list[Line] = []
    fields, called = attributes.catalog(), naming.names_of(rules.references(rule))

    def add(node: rules.Node, depth: int) -> None:
        if isinstance(node, rules.Group):
            lines.append(Line(depth, group_head(node), True))
            for child in node.rules:
                add(child, depth + 1)
        else:
            lines.append(Line(depth, rules.sentence(node, terms=selectors.terms, fields=fields, called=called), False))

    add(rule, 0)
    return lines


def sample(*, actor: Actor, rule: rules.Rule, size: int, ticket: str = "") -> list[Masked]:
    """A few people who fit, masked. One audit entry for all of them."""
    ids = counting.some_ids(rule, size, ticket=ticket)
    people = contacts.open_people(
        actor=actor, purpose="segment preview", ids=ids, action=Action.SEGMENT_PREVIEW, with_consents=False
    )
    today = clock.now().astimezone(selectors.zone()).date()
    return [Masked(record.id, _masked_name(record), record.age(today)) for record in people.values()]


@dataclass(frozen=True, repr=False)
class Shown:
    """One person of a segment's list, as the role may see them."""

    id: int
    name: str
    age: str
    relation: str


def people_page(
    *, actor: Actor, rule: rules.Rule, role: str, size: int, after: int = 0
) -> tuple[list[Shown], int | None]:
    """A page of the people who fit and the number to go on after; one audit entry, written before anything is shown."""
    ids = counting.page_of_ids(rule, size + 1, after=after)
    found = contacts.open_people(
        actor=actor, purpose="segment", ids=ids[:size], action=Action.SEGMENT_PREVIEW, with_consents=False
    )
    eyes = Eyes(role)
    today = clock.now().astimezone(selectors.zone()).date()
    shown = [
        Shown(record.id, eyes.name(record), age_words(record, record.age(today)), record.relation)
        for number in ids[:size]
        if (record := found.get(number)) is not None
    ]
    return shown, ids[size - 1] if len(ids) > size else None


def _masked_name(record: PersonRecord) -> str:
    parts = [str(record.get(name) or "") for name in ("first_name", "last_name")]
    return " ".join(f"{part[0]}•••" for part in parts if part) or "No name"


def why(*, actor: Actor, segment: OpenedSegment, person_id: int) -> rules.Explained | None:
    """The segment's rule on the opened record, node by node; None when there is no such person any more."""
    people = contacts.open_people(
        actor=actor, purpose="why in a segment", ids=[person_id], action=Action.SEGMENT_EXPLAIN
    )
    if person_id not in people:
        return None
    complete(people)
    return rules.explain(
        segment.rule,
        people[person_id],
        clock.now(),
        selectors.zone(),
        selectors.names_for(segment.rule),
        terms=selectors.terms,
        called=naming.names_of(rules.references(segment.rule)),
    )


def complete(people: dict[int, PersonRecord]) -> None:
    """Load what rules may look at beyond the profile: events, appointments, imports and tags."""
    contacts.load_events(people)
    contacts.load_appointments(people)
    imports.load_imports(people)
    tags.load_tags(people)


def memberships(person_id: int, segments: Sequence[OpenedSegment]) -> dict[int, bool]:
    """Which segments a person is in by the search tokens: one statement, nothing opened."""
    return counting.memberships(person_id, [(segment.id, segment.rule) for segment in segments])
