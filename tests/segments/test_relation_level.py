"""Being a patient is health information, being a business contact is not: what rules about it reveal."""

from __future__ import annotations

import pytest

from apps.core import actors
from apps.core.levels import Level
from apps.imports.models import ImportJob
from apps.imports.services import jobs
from apps.segments import rules, services
from tests.refusals import refused

CLI = actors.COMMAND_LINE

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


def finished() -> ImportJob:
    job = ImportJob.objects.create(kind="list", state="done", sealed=b"", actor_kind="command")
    job.reseal({"files": [], "mapping": None})
    job.save()
    return job


def test_what_was_declared_of_a_list_is_the_level_of_who_came_with_it(signed_in, db) -> None:
    """The dialysis list reveals more than a list of patients: segment, segment of segments, and what goes to them."""
    job, other = finished(), finished()
    rule = {"match": "all", "rules": [{"import": job.pk, "op": "made"}]}
    client, ada = signed_in("max"), signed_in("ada")
    at = f"/contacts/imports/{job.pk}/"
    client.post(f"{at}level/", {"level": "3"})
    job.refresh_from_db()
    assert job.level == 3
    segment = services.segment_save(actor=CLI, name="Dialysis", rule=rule)
    outer = {"match": "none", "rules": [{"segment": "Dialysis", "op": "in"}]}
    assert (segment.level, services.segment_save(actor=CLI, name="Others", rule=outer).level) == (3, 3)
    ada.post(f"{at}level/", {"level": "2"})
    job.refresh_from_db()
    assert job.level == 3, "a segment asks about it"
    jobs.import_level(actor=CLI, job_id=other.pk, level=3)
    with refused("import.level_not_allowed"):
        jobs.import_level(actor=actors.staff(3, "marketer"), job_id=other.pk, level=2)
    assert jobs.import_level(actor=actors.staff(1, "administrator"), job_id=other.pk, level=2).level == 2
    with refused("import.level_wrong"):
        jobs.import_level(actor=CLI, job_id=other.pk, level=1)
    undeclared = services.segment_save(
        actor=CLI, name="Plain", rule={"match": "all", "rules": [{"import": other.pk, "op": "any"}]}
    )
    assert undeclared.level == 2
