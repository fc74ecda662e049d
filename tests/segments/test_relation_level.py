"""Being a patient is health information, being a business contact is not: what rules about it reveal."""

from __future__ import annotations

import pytest

from apps.core.levels import Level
from apps.segments import rules

B2B = {"field": "relation", "op": "is", "value": "b2b"}
PATIENT = {"field": "relation", "op": "is", "value": "patient"}
TOWN = {"field": "city", "op": "is", "value": "Lexington"}


@pytest.mark.parametrize(
    ("match", "nodes", "level"),
    [
        ("all", [B2B], Level.IDENTIFIER),
        ("all", [B2B, TOWN], Level.IDENTIFIER),
        ("all", [{"field": "relation", "op": "in", "value": ["b2b", "subscriber"]}], Level.IDENTIFIER),
        ("none", [PATIENT], Level.IDENTIFIER),
        ("all", [{"field": "relation", "op": "is_not", "value": "patient"}], Level.IDENTIFIER),
        ("all", [PATIENT], Level.HEALTH),
        ("all", [{"field": "relation", "op": "is", "value": " Patient "}], Level.HEALTH),
        ("none", [B2B], Level.HEALTH),
        ("any", [B2B, TOWN], Level.HEALTH),
        ("all", [{"field": "relation", "op": "is_not", "value": "b2b"}], Level.HEALTH),
        ("all", [{"field": "relation", "op": "exists"}], Level.HEALTH),
        ("all", [B2B, {"event": "encounter", "op": "never"}], Level.HEALTH),
        ("all", [TOWN], Level.IDENTIFIER),
        ("all", [{"match": "none", "rules": [{"match": "any", "rules": [PATIENT, TOWN]}]}], Level.IDENTIFIER),
    ],
)
def test_a_rule_is_health_information_when_patients_fit_by_their_relationship(match, nodes, level) -> None:
    assert rules.level(rules.parse({"match": match, "rules": nodes})) == level


def test_segments_of_segments_count_with_their_own_rules() -> None:
    names = rules.Names(segments={"Partners": rules.parse({"match": "all", "rules": [B2B]})})
    inside = rules.parse({"match": "all", "rules": [{"segment": "Partners", "op": "in"}]})
    outside = rules.parse({"match": "all", "rules": [{"segment": "Partners", "op": "not_in"}]})
    assert rules.level(inside, names) == Level.IDENTIFIER
    assert rules.level(outside, names) == Level.HEALTH
    assert rules.may_reach_patients(outside, names)
    assert not rules.may_reach_patients(inside, names)
    assert rules.may_reach_patients(rules.parse({"match": "all", "rules": []}))
