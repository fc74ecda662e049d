"""What journeys ask of the other parts: templates, senders, segments, the clinic's zone, rules in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts.person.fields import FIELDS
from apps.contacts.person.records import PersonRecord
from apps.content.models import Brand, Template
from apps.core.levels import Level
from apps.journeys import asking
from apps.journeys.checks import Known
from apps.journeys.definition import Condition, Definition, TriggerKind, walk
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


def known_dates() -> Known:
    """The dates alone, for forms."""
    return Known(dates=date_labels())


def template_names() -> list[str]:
    """Names of the templates that may be sent, in order."""
    rows = Template.objects.living().filter(kind=Template.Kinds.TEMPLATE)
    return sorted((row.name for row in rows), key=tokens.normalize)


def sender_names() -> list[str]:
    """Names of the brands mail may come from, in order."""
    return sorted((brand.name for brand in Brand.objects.all()), key=tokens.normalize)


def brand_named(name: str) -> Brand | None:
    """The brand of that name, or None."""
    if not name:
        return None
    return next((brand for brand in Brand.objects.all() if brand.name == name), None)


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
    )


def rule_problem(rule: dict[str, Any]) -> str:
    """What is wrong with a condition's rule, or ""."""
    try:
        parsed = segments.parse(rule)
        missing = set(rules.mentioned_segments(parsed)) - set(segment_names())
    except rules.RuleError as error:
        return str(error)
    if missing:
        return f"There is no segment “{min(missing)}”. Choose another."
    return ""


def rule_words(rule: dict[str, Any]) -> str:
    """A condition's rule as a question in words."""
    try:
        words = segments.sentence(segments.parse(rule))
    except rules.RuleError:
        return "A condition that cannot be read"
    return f"{words[:1].upper()}{words[1:].rstrip('.')}?"


def level_of(definition: Definition) -> Level:
    """The level of everything a journey looks at: it flows into every message of it."""
    found = [Level.PUBLIC]
    trigger = definition.trigger
    if trigger.kind in (TriggerKind.APPOINTMENT, TriggerKind.EVENT):
        found.append(Level.HEALTH)
    if trigger.kind is TriggerKind.SEGMENT:
        found.append(segments.by_name(trigger.segment).level)
    for place in walk(definition):
        if isinstance(place.step, Condition) and place.step.rule_json:
            if not asking.is_about_person(place.step.rule):
                # Who clicked, or whose visit was kept, is what this journey is about anyway.
                found.append(Level.HEALTH)
                continue
            parsed = segments.parse(place.step.rule)
            found.append(rules.level(parsed, segments.names_for(parsed)))
    return max(found)


Frozen = Mapping[str, rules.Rule]
"""The segments of an active version by name, as they were when it was approved."""


def frozen_segments(data: Mapping[str, Any]) -> Frozen:
    """Segments as a version keeps them (name to rule JSON), read."""
    return {name: segments.parse(rule) for name, rule in data.items()}


def segment_sql(name: str, now: datetime, frozen: Frozen | None = None) -> tuple[str, list[Any]]:
    """One statement that selects the ids of the people in a segment now."""
    rule = frozen[name] if frozen and name in frozen else segments.by_name(name).rule
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
            parsed = segments.parse(json.loads(rule_json))
            self._read[version, rule_json] = parsed, segments.names_for(parsed, self._frozen.get(version))
        parsed, names = self._read[version, rule_json]
        return rules.matches(parsed, record, self.now, self.zone, names)
