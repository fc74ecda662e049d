"""How sensitive a rule is: the highest level of anything it looks at (architecture.md, idea 3)."""

from __future__ import annotations

from collections.abc import Mapping

from apps.contacts.person.fields import FieldSpec
from apps.contacts.timeline import value_sets
from apps.core.levels import Level

from .evaluating import Names
from .facts import comparable, spec_of
from .nodes import AgeRule, DateRule, EventRule, FieldRule, Group, Leaf, Node, NumberRule, SegmentRule
from .vocabulary import CLINICAL_LEVEL


def level(rule: Node, names: Names | None = None, *, fields: Mapping[str, FieldSpec] | None = None) -> Level:
    """The level of ``rule``; segments it looks at count with their own rules (``names``).

    An empty rule is public by itself: that patients are in the audience is what makes a message to
    "everybody" health information, and that is decided where the audience is known (campaigns).
    """
    names = names or Names()
    found = _level(rule, names, names.fields if fields is None else fields, ())
    if _looks_at_relation(rule, names, ()) and may_reach_patients(rule, names):
        # Being a patient is health information; being a business contact is not.
        found = max(found, Level.HEALTH)
    return found


def may_reach_patients(rule: Node, names: Names | None = None) -> bool:
    """Whether a patient can fit ``rule``, as far as the rule itself tells."""
    return _patients(rule, names or Names(), ())[0]


def _patients(node: Node, names: Names, seen: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether some patient may fit the node, and whether every patient does."""
    if isinstance(node, Group):
        found = [_patients(child, names, seen) for child in node.rules]
        if node.match == "all":
            return all(may for may, _ in found), all(must for _, must in found)
        may, must = any(may for may, _ in found), any(must for _, must in found)
        return (not must, not may) if node.match == "none" else (may, must)
    if isinstance(node, SegmentRule):
        may, must = _patients(names.segment(node.name, seen), names, (*seen, node.name))
        return (may, must) if node.inside else (not must, not may)
    if isinstance(node, FieldRule) and node.field == "relation":
        if node.op in ("exists", "missing"):
            return (True, True) if node.op == "exists" else (False, False)
        fits = ("patient" in {comparable("relation", text) for text in node.values}) is (node.op in ("is", "in"))
        return fits, fits
    return True, False


def _looks_at_relation(node: Node, names: Names, seen: tuple[str, ...]) -> bool:
    if isinstance(node, Group):
        return any(_looks_at_relation(child, names, seen) for child in node.rules)
    if isinstance(node, SegmentRule):
        return _looks_at_relation(names.segment(node.name, seen), names, (*seen, node.name))
    return isinstance(node, FieldRule) and node.field == "relation"


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
