"""How sensitive a rule is: the highest level of anything it looks at (docs/architecture.md, Levels and purposes)."""

from __future__ import annotations

from collections.abc import Mapping

from apps.contacts.person.fields import FieldSpec
from apps.core.levels import Level
from apps.segments.conditions.base.nodes import Group, Names, Node, Reveals


def level(rule: Node, names: Names | None = None, *, fields: Mapping[str, FieldSpec] | None = None) -> Level:
    """The level of ``rule``; segments it looks at count with their own rules (``names``).

    An empty rule is public by itself: that patients are in the audience is what makes a message to
    "everybody" health information, and that is decided where the audience is known (campaigns).
    """
    names = names or Names()
    found = _revealed(names.linked(rule), names.fields if fields is None else fields)
    if found.relation and found.patient_may:
        # Being a patient is health information; being a business contact is not.
        return max(found.level, Level.HEALTH)
    return found.level


def may_reach_patients(rule: Node, names: Names | None = None) -> bool:
    """Whether a patient can fit ``rule``, as far as the rule itself tells."""
    names = names or Names()
    return _revealed(names.linked(rule), names.fields).patient_may


def _revealed(node: Node, fields: Mapping[str, FieldSpec]) -> Reveals:
    if not isinstance(node, Group):
        return node.reveals(fields)
    found = [_revealed(child, fields) for child in node.rules]
    highest = max((each.level for each in found), default=Level.PUBLIC)
    relation = any(each.relation for each in found)
    together = all if node.match == "all" else any
    may, must = together(each.patient_may for each in found), together(each.patient_must for each in found)
    either = Reveals(highest, may, must, relation)
    return either.negated() if node.match == "none" else either
