"""What a journey may be, and what it says when it is not."""

from __future__ import annotations

import json

import pytest

from apps.journeys import presets
from apps.journeys.checks import check
from apps.journeys.definition import (
    DefinitionBroken,
    to_json,
    walk,
)
from apps.journeys.fields import Known
from apps.journeys.parse import parse
from apps.journeys.steps.wait_for import WaitFor
from tests.refusals import refused

REMINDER = presets.APPOINTMENT_REMINDER_JOURNEY.definition
KNOWN = Known(templates=frozenset({presets.APPOINTMENT_REMINDER, presets.SECOND_REMINDER}))


def journey(*steps: dict, **changes) -> dict:
    return {"format": 1, "trigger": {"kind": "appointment"}, "steps": list(steps)} | changes


def test_the_ready_made_reminder_needs_no_mending():
    definition = parse(REMINDER)
    assert check(definition, KNOWN) == ()
    assert [place.step.id for place in walk(definition)] == ["s1", "s2", "s3", "s4"]
    assert [place.path for place in walk(definition)] == ["", "", "", "s3.otherwise"]


def test_json_goes_round_unchanged():
    assert to_json(parse(REMINDER)) == REMINDER
    assert parse(json.loads(json.dumps(to_json(parse(REMINDER))))) == parse(REMINDER)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "not a JSON object"),
        ({"format": 9}, "format 9"),
        ({"steps": []}, "no trigger"),
        (journey(trigger={"kind": "moon"}), "trigger is one of"),
        (journey({"id": "s1", "type": "sms"}), "Step 1 of the main path has no known type"),
        (journey({"type": "exit"}), "needs an id"),
        (journey({"id": "S 1", "type": "exit"}), "needs an id"),
        (journey({"id": "s1", "type": "exit"}, {"id": "s1", "type": "exit"}), "Two steps are called s1"),
        (journey({"id": "s1", "type": "wait", "amount": 0}), "whole number from 1"),
        (journey({"id": "s1", "type": "wait", "amount": True}), "whole number from 1"),
        (journey({"id": "s1", "type": "wait", "amount": 10**12}), "waits longer than 730 days"),
        (journey({"id": "s1", "type": "wait", "unit": "fortnights"}), "unit of step 1"),
        (journey({"id": "s1", "type": "wait_until", "field": "x", "at": "9 o'clock"}), "written like 09:00"),
        (journey({"id": "s1", "type": "wait_until", "field": "x", "at": "09:00+01:00"}), "without a zone"),
        (journey({"id": "s1", "type": "wait_until", "field": "x", "days": -1}), "0 to 730"),
        (journey({"id": "s1", "type": "wait_for", "signals": ["opened"]}), "Mail programs open mail"),
        (journey({"id": "s1", "type": "send", "purpose": "fun"}), "purpose of step 1"),
        (journey({"id": "s1", "type": "send", "template": 7}), "text of at most"),
        (journey({"id": "s1", "type": "condition", "rule": "yes"}), "as in a segment"),
        (journey(restart_on=["appointment.moved"], exit_on=["appointment.moved"]), "both restart and end"),
        (journey(restart_on=["rain"]), "no restart event"),
        (journey(trigger={"kind": "manual"}, key="appointment"), "kept per appointment"),
        (journey(key="event"), "kept per event"),
        (journey(steps={}), "are a list"),
        (journey(*[{"id": f"s{n}", "type": "exit"} for n in range(101)]), "101 steps"),
    ],
)
def test_a_broken_shape_is_refused_with_the_step_and_what_to_do(data, says):
    with pytest.raises(DefinitionBroken) as broken:
        parse(data)
    assert any(says in problem.text for problem in broken.value.problems), broken.value.problems


def test_nesting_is_bounded():
    step: dict = {"id": "s0", "type": "exit"}
    for number in range(1, 12):
        step = {"id": f"s{number}", "type": "condition", "then": [step]}
    with refused("journey.unusable", "nested more than"):
        parse(journey(step))


def test_every_problem_is_told_at_once():
    with pytest.raises(DefinitionBroken) as broken:
        parse(journey({"id": "s1", "type": "wait", "amount": 0}, {"id": "s2", "type": "sms"}))
    assert len(broken.value.problems) == 2
    assert "1 more to mend" in str(broken.value)


def test_a_draft_may_have_blanks_but_cannot_be_active():
    draft = parse(
        journey(
            {"id": "s1", "type": "wait_for", "signals": []},
            {"id": "s2", "type": "send"},
            {"id": "s3", "type": "send", "template": "Gone", "sender": "Nobody", "before": "birthday"},
            {"id": "s4", "type": "condition"},
            {"id": "s5", "type": "wait_until", "field": "event.start"},
        )
    )
    texts = {(problem.step, problem.text) for problem in check(draft, Known())}
    assert {step for step, _ in texts} == {"s1", "s2", "s3", "s4", "s5"}
    assert ("s2", "Step 2 sends a message but has no template. Choose one.") in texts
    assert len([step for step, _ in texts if step == "s3"]) == 3
    assert len([step for step, _ in texts if step == "s1"]) == 2


def test_a_condition_is_checked_by_the_segment_language():
    draft = parse(
        journey(
            {
                "id": "s1",
                "type": "condition",
                "rule": {"field": "moon"},
                "then": [{"id": "s2", "type": "send"}],
            }
        )
    )
    known = Known(rule_problem=lambda rule: f"There is no field {rule['field']}.")
    assert "Step 1: There is no field moon." in [each.text for each in check(draft, known)]


def test_triggers_name_what_is_missing():
    empty = parse(journey(trigger={"kind": "segment"}, key="person"))
    assert "no segment" in check(empty, Known())[0].text
    gone = parse(journey(trigger={"kind": "segment", "segment": "Old"}, key="person"))
    assert "“Old”" in check(gone, Known())[0].text
    assert "sends nothing" in check(gone, Known())[1].text


def test_signals_keep_one_order():
    definition = parse(journey({"id": "s1", "type": "wait_for", "signals": ["read", "clicked"]}))
    step = definition.steps[0]
    assert isinstance(step, WaitFor)
    assert step.signals == ("clicked", "read")


def test_a_wait_for_a_message_sent_later_can_be_drafted_but_not_active():
    """It comes about when a message is moved behind or into the step that waits for it."""
    draft = parse(
        journey(
            {"id": "s1", "type": "send", "template": "A"},
            {"id": "s2", "type": "wait_for", "signals": ["clicked"], "of": "s3"},
            {"id": "s3", "type": "send", "template": "A"},
        )
    )
    assert [each.text for each in check(draft, Known(templates=frozenset({"A"})))] == [
        "Step 2 waits for an answer to a message that is not sent before it."
    ]
