"""Segment rules, pure: parse, say, evaluate. No ORM and no clock; ``now`` and the zone are arguments."""

from .choosing import check_choices
from .evaluating import Explained, Names, Record, explain, matches, verdict
from .levels import level, may_reach_patients
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
    mentioned_attributes,
    mentioned_campaigns,
    mentioned_segments,
    renamed,
    walk,
)
from .parsing import NOTHING_CHOSEN, parse
from .sentences import Terms, sentence

__all__ = [
    "NOTHING_CHOSEN",
    "AgeRule",
    "AppointmentRule",
    "ConsentRule",
    "DateRule",
    "EngagementRule",
    "EventRule",
    "Explained",
    "FieldRule",
    "Group",
    "Leaf",
    "Names",
    "Node",
    "NumberRule",
    "Record",
    "Rule",
    "RuleError",
    "SegmentRule",
    "Terms",
    "check_choices",
    "explain",
    "level",
    "matches",
    "may_reach_patients",
    "mentioned_attributes",
    "mentioned_campaigns",
    "mentioned_segments",
    "parse",
    "renamed",
    "sentence",
    "verdict",
    "walk",
]
