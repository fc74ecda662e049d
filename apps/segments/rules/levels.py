"""How sensitive a rule is: the highest level of anything it looks at (architecture.md, idea 3)."""

from __future__ import annotations

from collections.abc import Mapping

from apps.contacts import value_sets
from apps.contacts.fields import FieldSpec
from apps.core.levels import Level

from .evaluating import Names
from .facts import spec_of
from .nodes import AgeRule, DateRule, EventRule, FieldRule, Group, Leaf, Node, NumberRule, SegmentRule
from .vocabulary import CLINICAL_LEVEL


def level(rule: Node, names: Names | None = None, *, fields: Mapping[str, FieldSpec] | None = None) -> Level:
    """The level of ``rule``; segments it looks at count with their own rules (``names``).

    An empty rule is public by itself: that patients are in the audience is what makes a message to
    "everybody" health information, and that is decided where the audience is known (campaigns).
    """
    names = names or Names()
    return _level(rule, names, names.fields if fields is None else fields, ())


def _level(node: Node, names: Names, fields: Mapping[str, FieldSpec], seen: tuple[str, ...]) -> Level:
    if isinstance(node, Group):
        return max((_level(child, names, fields, seen) for child in node.rules), default=Level.PUBLIC)
    if isinstance(node, SegmentRule):
        return _level(names.segment(node.name, seen), names, fields, (*seen, node.name))
    return _leaf_level(node, fields)


def _leaf_level(leaf: Leaf, fields: Mapping[str, FieldSpec]) -> Level:
    if isinstance(leaf, FieldRule | DateRule | NumberRule):
        spec = spec_of(leaf.field, fields)
        # An attribute that has since been removed keeps the rule careful, never public.
        return Level(spec.level) if spec is not None else CLINICAL_LEVEL
    if isinstance(leaf, AgeRule):
        return max(Level.IDENTIFIER, Level(fields["birth_date"].level) if "birth_date" in fields else Level.PUBLIC)
    if isinstance(leaf, EventRule) and _protected(leaf):
        # 42 CFR Part 2 and state law: a set, or a single code that belongs to one.
        return Level.PROTECTED
    # Visits, appointments, consents and what somebody did with our mail are all about a patient.
    return CLINICAL_LEVEL


def _protected(leaf: EventRule) -> bool:
    if leaf.value_set is not None:
        return leaf.value_set in value_sets.PROTECTED
    return any(value_sets.level_of(leaf.system or "", code) == Level.PROTECTED for code in leaf.codes)
