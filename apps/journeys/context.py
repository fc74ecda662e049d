"""What journeys ask of the other parts: templates, senders, segments, the clinic's zone, rules in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts.attributes import definitions as attributes
from apps.contacts.person.fields import FIELDS
from apps.contacts.person.records import PersonRecord
from apps.contacts.tags import definitions as tags
from apps.content.models import Brand, Template
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.journeys import checks, naming
from apps.journeys.definition import Definition, Problem, message_names
from apps.journeys.fields import Handle, Known, KnownAttribute
from apps.journeys.protocol import Labels
from apps.organizations import selectors as organizations
from apps.segments import rules
from apps.segments import selectors as segments
from apps.vault import tokens


def zone() -> ZoneInfo:
    """The clinic's zone: "9:00 AM" is nine on its wall."""
    return organizations.current().timezone


def date_labels() -> dict[str, str]:
    """Date attributes of a person a step may wait for: name to label in the middle of a sentence."""
    return {name: f"the {spec.label.lower()}" for name, spec in FIELDS.items() if spec.type == "date" and spec.merge}


def template_names() -> list[str]:
    """Names of the templates that may be sent, in order."""
    rows = Template.objects.living().filter(kind=Template.Kinds.TEMPLATE)
    return sorted((row.name for row in rows), key=tokens.normalize)


def sender_names() -> list[str]:
    """Names of the brands mail may come from, in order."""
    return sorted((brand.name for brand in Brand.objects.all()), key=tokens.normalize)


def brand_of(sender: Handle) -> Brand | None:
    """The brand of a stored definition's sender, or None."""
    return Brand.objects.filter(pk=sender).first() if isinstance(sender, int) else None


def template_of(template: Handle) -> Template | None:
    """The living template of a stored definition, or None."""
    return Template.objects.living().filter(pk=template).first() if isinstance(template, int) else None


def segment_names() -> list[str]:
    """Names of all segments, in order."""
    return [segment.name for segment in segments.everyone()]


def known() -> Known:
    """What exists, for ``checks.check``."""
    return Known(
        templates=frozenset(template_names()),
        senders=frozenset(sender_names()),
        segments=frozenset(segment_names()),
        dates=date_labels(),
        rule_problem=rule_problem,
        rule_level=rule_level,
        segment_level=segment_level,
        attributes=OwnAttributes(),
        tags=TagLevels(),
    )


class TagLevels(Mapping[str, Level]):
    """The levels of all tags by name, in the order of their names; read when the first of them is asked for."""

    @cached_property
    def _levels(self) -> dict[str, Level]:
        return {each.name: each.level for each in tags.everything()}

    def __getitem__(self, name: str) -> Level:
        return self._levels[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._levels)

    def __len__(self) -> int:
        return len(self._levels)


class OwnAttributes(Mapping[str, KnownAttribute]):
    """The organization's own attributes in use, by name; read when the first of them is asked for."""

    @cached_property
    def _own(self) -> dict[str, KnownAttribute]:
        return {
            each.name: KnownAttribute(each.label, each.type, each.level, each.spec.choices, each.misfit)
            for each in attributes.everything()
        }

    def __getitem__(self, name: str) -> KnownAttribute:
        return self._own[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


def labels(definition: Definition) -> Labels:
    """How things are called in the sentences of a journey."""
    definition = naming.with_names(definition)
    return Labels(
        dates=date_labels(),
        rule=rule_words,
        messages=message_names(definition),
        attributes=OwnAttributes(),
    )


def rule_problem(rule: dict[str, Any]) -> str:
    """What is wrong with a condition's rule, or ""."""
    try:
        parsed = segments.parse(rule)
    except rules.RuleError as error:
        return str(error)
    # What has no id by now is the name of nothing.
    if missing := [str(of) for of in rules.mentioned_segments(parsed) if isinstance(of, str)]:
        return f"There is no segment “{min(missing)}”. Choose another."
    if missing := [str(of) for of in rules.mentioned_tags(parsed) if isinstance(of, str)]:
        return f"There is no tag “{min(missing)}”. Choose another."
    return ""


def rule_words(rule: dict[str, Any]) -> str:
    """A condition's rule as a question in words."""
    try:
        words = segments.sentence(segments.parse(rule))
    except rules.RuleError:
        return "A condition that cannot be read"
    return f"{words[:1].upper()}{words[1:].rstrip('.')}?"


def rule_level(rule: dict[str, Any]) -> Level:
    """The level of what a rule looks at. A rule that cannot be read counts as health information."""
    try:
        parsed = segments.parse(rule)
        return rules.level(parsed, segments.names_for(parsed))
    except Refused:
        return Level.HEALTH


def segment_level(name: str) -> Level:
    """The level of a segment. One that is gone counts as health information."""
    try:
        return segments.by_name(name).level
    except Refused:
        return Level.HEALTH


def problems(definition: Definition) -> tuple[Problem, ...]:
    """What a draft still needs before it can be active."""
    return checks.check(naming.with_names(definition), known())


def level_of(definition: Definition) -> Level:
    """The level of everything a journey looks at or writes: it flows into every message of it."""
    return checks.level_of(naming.with_names(definition), known())


Frozen = Mapping[Handle, rules.Rule]
"""The segments of an active version by id, as they were when it was approved."""


def frozen_segments(data: Mapping[Handle, Any]) -> Frozen:
    """Segments as a version keeps them (id to rule JSON), read."""
    return {of: segments.parse_stored(rule) for of, rule in data.items()}


def segment_sql(segment: Handle, now: datetime, frozen: Frozen | None = None) -> tuple[str, list[Any]]:
    """One statement that selects the ids of the people in a segment now."""
    rule = frozen[segment] if frozen and segment in frozen else segments.rule_of(segment)
    sql, params = segments.audience(rule, now, frozen)
    return sql, list(params)


class Questions:
    """Asks rules of opened records; each rule is read once, however many people it is asked of.

    ``frozen``: by version, the segments as they were approved; without them segments count as they are now.
    """

    def __init__(self, now: datetime, frozen: Mapping[int, Frozen] | None = None) -> None:
        self.now, self.zone = now, zone()
        self._frozen = frozen or {}
        self._read: dict[tuple[int, str], tuple[rules.Rule, rules.Names]] = {}

    def holds(self, rule_json: str, record: PersonRecord, version: int = 0) -> bool:
        """Whether the person fits the rule (canonical JSON) of a version now."""
        if (version, rule_json) not in self._read:
            parsed = segments.parse_stored(json.loads(rule_json))
            self._read[version, rule_json] = parsed, segments.names_for(parsed, self._frozen.get(version))
        parsed, names = self._read[version, rule_json]
        return rules.matches(parsed, record, self.now, self.zone, names)
