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
from apps.segments import compiler, naming, rules
from apps.segments import selectors as segments
from apps.segments.conditions.segment import SegmentCondition


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
        """Everything the audience is defined by, for the hash of an approval: nested rules too, by their ids."""
        return {
            "rule": self.rule.to_document(),
            "segments": {str(of): rule.to_document() for of, rule in self.names.segments.items()},
        }


def audience_of(spec: Spec) -> Audience:
    """The audience of a spec. Raises Refused when a segment is not there any more, or none was chosen."""
    if not spec.everybody and not spec.segment:
        raise Refused("campaign.without_audience", "Choose a segment, or everybody.")
    asked = [*([] if spec.everybody else [spec.segment]), *spec.exclude]
    known = naming.segment_ids([of for of in asked if isinstance(of, str)])
    numbers = [of if isinstance(of, int) else known.get(of) for of in asked]
    ids = [number for number in numbers if number is not None]
    included, excluded = (None, ids) if spec.everybody else (next(iter(ids), None), ids[1:])
    parts: list[rules.Node] = [SegmentCondition(included)] if included is not None else []
    if excluded:
        parts.append(rules.Group("none", tuple(SegmentCondition(number) for number in excluded)))
    rule = rules.Group("all", tuple(parts))
    names = segments.names_for(rule)
    if None in numbers or not names.segments.keys() >= set(ids):
        raise Refused("segment.unknown", "There is no segment of that name.")
    return Audience(
        rule=rule,
        names=names,
        level=rules.level(rule, names),
        included=included,
        excluded=tuple(excluded),
        zone=segments.zone(),
    )
