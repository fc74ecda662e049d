"""Whom a campaign is for: one rule minus the rules of its exclusions, with everything they look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from apps.campaigns.spec import Spec
from apps.contacts.person.records import PersonRecord
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.segments import compiler, rules
from apps.segments import selectors as segments
from apps.segments.conditions.segment import SegmentCondition
from apps.segments.models import Segment


@dataclass(frozen=True, repr=False)
class Audience:
    """``rule`` is the whole audience as one rule: the segment, and none of the exclusions.

    ``zone`` is the clinic's, read once: a claim asks ``misses`` for thousands of people.
    """

    rule: rules.Rule
    names: rules.Names
    level: Level
    included: int | None
    excluded: tuple[int, ...]
    zone: ZoneInfo

    def condition(self, now: datetime) -> tuple[str, list[Any]]:
        """The SQL condition over ``contacts_personsearch s`` with its parameters."""
        return compiler.condition(self.rule, now, self.zone, self.names)

    def misses(self, record: PersonRecord, now: datetime) -> bool:
        """Whether the opened record contradicts the rule: then the message is held (rule_mismatch)."""
        return rules.verdict(self.rule, record, now, self.zone, self.names) is False

    def fingerprint(self) -> dict[str, Any]:
        """Everything the audience is defined by, for the hash of an approval: nested rules too."""
        return {
            "rule": self.rule.to_document(),
            "segments": {name: rule.to_document() for name, rule in sorted(self.names.segments.items())},
        }


def audience_of(spec: Spec) -> Audience:
    """The audience of a spec. Raises Refused when a segment is not there any more, or none was chosen."""
    if spec.everybody:
        included: rules.Node = rules.Group("all")
        included_row: Segment | None = None
    elif spec.segment:
        found = segments.by_name(spec.segment)
        included, included_row = SegmentCondition(found.name), found.row
    else:
        raise Refused("campaign.without_audience", "Choose a segment, or everybody.")
    outside = [segments.by_name(name) for name in spec.exclude]
    parts: list[rules.Node] = [included] if included_row is not None else []
    if outside:
        parts.append(rules.Group("none", tuple(SegmentCondition(each.name) for each in outside)))
    rule = rules.Group("all", tuple(parts))
    names = segments.names_for(rule)
    return Audience(
        rule=rule,
        names=names,
        level=rules.level(rule, names),
        included=included_row.pk if included_row is not None else None,
        excluded=tuple(each.id for each in outside),
        zone=segments.zone(),
    )
