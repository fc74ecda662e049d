"""Kinds of conditions: one file and one line here for each (docs/adding-a-condition.md).

Parser, evaluator, compiler, sentences, levels and builder ask a condition what it can do (``base.nodes.Condition``)
and know no kind by name.
"""

from __future__ import annotations

from collections.abc import Mapping

from apps.contacts.person.fields import FieldSpec
from apps.segments.conditions.age import AgeCondition
from apps.segments.conditions.appointment import AppointmentCondition
from apps.segments.conditions.attribute import AttributeCondition
from apps.segments.conditions.base.documents import Json
from apps.segments.conditions.base.nodes import Condition
from apps.segments.conditions.consent import ConsentCondition
from apps.segments.conditions.date import DateCondition
from apps.segments.conditions.engagement import EngagementCondition
from apps.segments.conditions.event import EventCondition
from apps.segments.conditions.imported import ImportedCondition
from apps.segments.conditions.lab import LabCondition
from apps.segments.conditions.number import NumberCondition
from apps.segments.conditions.sample import SampleCondition
from apps.segments.conditions.segment import SegmentCondition
from apps.segments.conditions.tag import TagCondition

#: In the order of the builder's picker. Where kinds share a key, the first that reads a document is its kind.
CONDITIONS: dict[str, type[Condition]] = {
    "age": AgeCondition,
    "date": DateCondition,
    "number": NumberCondition,
    "attribute": AttributeCondition,
    "event": EventCondition,
    "lab": LabCondition,
    "appointment": AppointmentCondition,
    "consent": ConsentCondition,
    "engagement": EngagementCondition,
    "segment": SegmentCondition,
    "tag": TagCondition,
    "imported": ImportedCondition,
    "sample": SampleCondition,
}

#: The parts that name a kind, in the order in which messages list them, each with the kinds that share it.
KEYS: dict[str, list[type[Condition]]] = {}
for _kind in CONDITIONS.values():
    KEYS.setdefault(_kind.KEY, []).append(_kind)


def kind_of(document: Json, fields: Mapping[str, FieldSpec]) -> type[Condition] | None:
    """The kind of a condition's JSON; None when no key names one, or several do."""
    named = KEYS.keys() & document.keys()
    if len(named) != 1:
        return None
    kinds = KEYS[named.pop()]
    if len(kinds) == 1:
        return kinds[0]
    return next((kind for kind in kinds if kind.reads(document, fields)), None)
