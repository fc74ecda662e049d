"""Segment rules, pure: parse, say, evaluate. No ORM and no clock; ``now`` and the zone are arguments."""

from apps.segments.conditions.base.controls import Terms
from apps.segments.conditions.base.documents import RuleError, place_of
from apps.segments.conditions.base.nodes import (
    Condition,
    Group,
    Names,
    Node,
    Record,
    Reference,
    RefersTo,
    Rule,
    mentioned_attributes,
    mentioned_campaigns,
    mentioned_imports,
    mentioned_segments,
    mentioned_tags,
    references,
    walk,
    with_references,
)
from apps.segments.rules.evaluating import Explained, explain, matches, verdict
from apps.segments.rules.levels import level, may_reach_patients
from apps.segments.rules.parsing import NOTHING_CHOSEN, check_choices, parse
from apps.segments.rules.sentences import sentence

__all__ = [
    "NOTHING_CHOSEN",
    "Condition",
    "Explained",
    "Group",
    "Names",
    "Node",
    "Record",
    "Reference",
    "RefersTo",
    "Rule",
    "RuleError",
    "Terms",
    "check_choices",
    "explain",
    "level",
    "matches",
    "may_reach_patients",
    "mentioned_attributes",
    "mentioned_campaigns",
    "mentioned_imports",
    "mentioned_segments",
    "mentioned_tags",
    "parse",
    "place_of",
    "references",
    "sentence",
    "verdict",
    "walk",
    "with_references",
]
