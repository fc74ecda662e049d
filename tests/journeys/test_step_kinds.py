"""Every kind of step, by one table: its document, its sentence, its form and what it decides.

A kind without a row fails here; a row is all that a new kind has to add.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.levels import Level
from apps.journeys import conditions, editing, effects, render, steps
from apps.journeys.checks import check, level_of
from apps.journeys.definition import Definition, Located, path_of, to_json, walk
from apps.journeys.engine import Decision, Facts, State, decide, prepare
from apps.journeys.fields import Known, KnownAttribute
from apps.journeys.forms import CONTROLS, StepForm
from apps.journeys.parse import parse
from apps.journeys.protocol import BranchName, Effect, Go, Here, Labels, Step, StepDefaults, StepWords
from apps.journeys.simulate import Scenario, walk_through
from tests.journeys.conftest import LOUISVILLE, local

ROOT = Path(steps.__file__).resolve().parents[3]
NOW = local("2026-11-22T12:00")
ATTRIBUTES = {
    "risk_group": KnownAttribute("Risk group", "choice", Level.HEALTH, (("High", "High"), ("Low", "Low"))),
}
KNOWN = Known(
    templates=frozenset({"News"}), senders=frozenset({"Harbor"}), attributes=ATTRIBUTES, tags={"Recall": Level.HEALTH}
)
LABELS = Labels(messages={"s1": "News"}, attributes=ATTRIBUTES, rule=lambda _rule: "Are they women?")


@dataclass(frozen=True)
class Row:
    """One kind: a complete document of it (behind a send step "s1"), and what becomes of it.

    ``post`` is what the builder's form sends to change it, ``changed`` the JSON it makes. ``facts`` are of a run that
    has got the message and stands at the step at ``NOW``; ``visit`` is the outcome and reason it comes to, None when it
    waits until ``due``.
    """

    document: dict[str, Any]
    sentence: str
    post: dict[str, Any]
    changed: dict[str, Any]
    visit: tuple[str, str] | None
    due: datetime | None = None
    effects: tuple[Effect, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    leaves: str = ""
    """Why the run ends at the step, "" when it goes on: this reason stands with the run and not with the visit."""
    lacks: str = ""
    """Said by the check about a new step of the kind, "" when it is ready as it is added."""


ROWS: dict[str, Row] = {
    "send": Row(
        document={
            "template": "News",
            "purpose": "treatment",
            "sender": "Harbor",
            "before": "appointment.start",
        },
        sentence="Send “News”",
        post={"template": "News", "purpose": "marketing", "sender": "", "before": ""},
        changed={"template": "News", "purpose": "marketing", "sender": ""},
        visit=("sent", ""),
        effects=(Effect("send_mail", {"purpose": "treatment"}),),
        lacks="has no template",
    ),
    "wait": Row(
        document={"amount": 2, "unit": "days"},
        sentence="Wait 2 days",
        post={"amount": "90", "unit": "minutes"},
        changed={"amount": 90, "unit": "minutes"},
        visit=None,
        due=local("2026-11-24T12:00"),
    ),
    "wait_until": Row(
        document={
            "days": 3,
            "direction": "before",
            "field": "appointment.start",
            "at": "09:00",
            "late_hours": 24,
        },
        sentence="Wait until 3 days before the appointment, 9:00 AM clinic time",
        post={
            "days": "1",
            "direction": "after",
            "field": "appointment.start",
            "at": "10:30",
            "late_hours": "5",
        },
        changed={
            "days": 1,
            "direction": "after",
            "field": "appointment.start",
            "at": "10:30",
            "late_hours": None,
        },
        visit=None,
        due=local("2026-12-07T09:00"),
    ),
    "wait_for": Row(
        document={"signals": ["clicked", "read"], "of": "s1", "amount": 24, "unit": "hours"},
        sentence="Wait up to 24 hours for a click or a read in the portal",
        post={"signals": ["replied"], "of": "", "amount": "1", "unit": "weeks"},
        changed={"signals": ["replied"], "of": "", "amount": 1, "unit": "weeks"},
        visit=("yes", "signal"),
        facts={"signals": frozenset({("read", "s1")})},
    ),
    "condition": Row(
        document={"rule": {"visit": "kept"}},
        sentence="Was the appointment kept?",
        post={"ask": "message", "of": "s1", "signal": "clicked", "visit": "kept"},
        changed={"rule": {"message": "s1", "signal": "clicked"}},
        visit=("no", ""),
        facts={"visit": "missed"},
        lacks="has no condition",
    ),
    "update_attribute": Row(
        document={"attribute": "risk_group", "value": "High"},
        sentence="Set “Risk group” to “High”",
        post={"attribute": "risk_group", "value": "Low"},
        changed={"attribute": "risk_group", "value": "Low"},
        visit=("done", ""),
        effects=(Effect("update_attribute", {"attribute": "risk_group", "value": "High"}, changes_person=True),),
        lacks="has none. Choose one.",
    ),
    "tag": Row(
        document={"act": "add", "tag": "Recall"},
        sentence="Add the tag “Recall”",
        post={"act": "remove", "tag": "Recall"},
        changed={"act": "remove", "tag": "Recall"},
        visit=("done", ""),
        effects=(Effect("tag", {"act": "add", "tag": "Recall"}, changes_person=True),),
        lacks="has none. Choose one.",
    ),
    "exit": Row(
        document={},
        sentence="Leave the journey",
        post={},
        changed={},
        visit=("exit", ""),
        leaves="exit_step",
    ),
}


def document_of(kind: str, **paths: list) -> dict[str, Any]:
    """A whole journey: a message, the step of the row, and one more message behind it."""
    step = {"id": "s2", "type": kind, **ROWS[kind].document} | {
        branch.name: [] for branch in steps.KINDS[kind].branch_names(ROWS[kind].document)
    }
    send = {"type": "send", "template": "News", "purpose": "treatment", "sender": ""}
    return {
        "format": 1,
        "trigger": {"kind": "appointment"},
        "key": "appointment",
        "reentry": "after_exit",
        "restart_on": [],
        "exit_on": [],
        "steps": [{"id": "s1"} | send, step | paths, {"id": "s3"} | send],
    }


def step_of(kind: str) -> tuple[Definition, Step]:
    definition = parse(document_of(kind))
    return definition, definition.steps[1]


def standing_at(kind: str) -> Facts:
    return Facts(
        run=1,
        zone=LOUISVILLE,
        step="s2",
        sent=frozenset({"s1"}),
        dates={"appointment.start": local("2026-12-10T14:30")},
        **ROWS[kind].facts,
    )


def test_every_kind_has_a_row_and_every_row_a_kind():
    assert list(ROWS) == list(steps.KINDS)


@pytest.mark.parametrize("kind", ROWS)
class TestKind:
    def test_its_document_goes_round_unchanged(self, kind):
        document = document_of(kind)
        assert to_json(parse(document)) == document
        assert to_json(parse(json.loads(json.dumps(document)))) == document

    def test_it_says_what_it_does(self, kind):
        definition, step = step_of(kind)
        assert step.words(LABELS).title == ROWS[kind].sentence
        node = render.build(definition, labels=LABELS)[1]
        assert (node.title, node.kind) == (ROWS[kind].sentence, step.label)
        assert [branch.path for branch in node.branches] == [f"s2.{branch.name}" for branch in step.branches]
        assert all(branch.label for branch in node.branches)

    def test_its_icon_and_its_color_are_there(self, kind):
        step = steps.KINDS[kind]
        assert step.icon in (ROOT / "frontend" / "icons.txt").read_text().split()
        assert f".jt-{step.accent} {{" in (ROOT / "static" / "css" / "journeys.css").read_text()

    def test_it_is_ready_as_the_row_has_it(self, kind):
        assert check(parse(document_of(kind)), KNOWN) == ()

    def test_it_is_added_by_the_palette(self, kind):
        before = parse(document_of("send"))
        edit = editing.add(before, kind=kind, path="", index=1)
        assert edit.said == f"Added {steps.KINDS[kind].label} at position 2 of 4 on the main path."
        said = [each.text for each in check(edit.definition, KNOWN) if each.step == edit.step]
        if ROWS[kind].lacks:
            assert any(ROWS[kind].lacks in text for text in said)
        else:
            assert said == []

    def test_it_decides(self, kind):
        row = ROWS[kind]
        decision = decide(prepare(parse(document_of(kind))), replace(standing_at(kind), step="s2"), NOW)
        if row.visit is None:
            assert (decision.step, decision.due_at, decision.visits) == ("s2", row.due, ())
        else:
            first = decision.visits[0]
            assert (first.step, first.outcome, first.reason) == ("s2", *row.visit)
            assert first.effects == row.effects
            assert all(effect.kind in effects.KINDS for effect in first.effects)
            assert decision.visits[-1].step == ("s2" if row.leaves else "s3")
            assert decision.reason == (row.leaves or "completed")

    def test_a_trial_gets_past_it(self, kind):
        plan = prepare(parse(document_of(kind)))
        scenario = Scenario(NOW, LOUISVILLE, {"appointment.start": local("2026-12-10T14:30")})
        lines = walk_through(plan, scenario)
        assert "s2" in {line.step for line in lines}
        assert lines[-1].kind == "ended"
        assert lines[-1].outcome == State.FINISHED

    def test_its_outcomes_fit_and_its_branches_are_no_fields(self, kind):
        step = step_of(kind)[1]
        names = {branch.name for branch in step.branches}
        assert not names & (set(ROWS[kind].document) | {"id", "type"})
        assert len(names) == len(step.branches) != 1
        assert all(len(branch.outcome) <= 8 for branch in step.branches)
        assert set(step.words(LABELS).branches) == names

    @pytest.mark.django_db
    def test_its_form_makes_its_document(self, kind, clinic, monkeypatch):
        monkeypatch.setattr("apps.journeys.context.template_names", lambda: ["News"])
        monkeypatch.setattr("apps.journeys.context.OwnAttributes", lambda: ATTRIBUTES)
        definition, step = step_of(kind)
        drawn = StepForm(step=step, definition=definition)
        assert [each.name for row in drawn.rows() for each in row] == list(drawn.fields)
        assert {each.sort for each in drawn.given} <= {*CONTROLS, "rule"}
        form = StepForm(ROWS[kind].post, step=step, definition=definition)
        assert form.is_valid(), form.errors
        changed = to_json(editing.change(definition, step_id="s2", values=form.values()).definition)["steps"][1]
        paths = {branch.name: [] for branch in step.branches}
        assert changed == {"id": "s2", "type": kind, **ROWS[kind].changed, **paths}


leaves = [kind for kind, row in ROWS.items() if not steps.KINDS[kind].branch_names(row.document)]
forks = [kind for kind in ROWS if kind not in leaves]
trees = st.recursive(
    st.sampled_from(leaves).map(lambda kind: (kind, [])),
    lambda inner: st.tuples(st.sampled_from(forks), st.lists(st.lists(inner, max_size=3), max_size=2)),
    max_leaves=12,
)


def grow(shape: list) -> list[dict]:
    """Steps of a drawn tree, with ids in reading order: every kind as its row has it."""
    numbers = iter(range(1, 1000))

    def step(node) -> dict:
        kind, paths = node
        document = {"id": f"s{next(numbers)}", "type": kind, **ROWS[kind].document}
        for branch, inside in zip(steps.KINDS[kind].branch_names(document), paths, strict=False):
            document[branch.name] = [step(each) for each in inside]
        return document

    return [step(each) for each in shape]


def journey(shape: list) -> Definition:
    return parse({"format": 1, "trigger": {"kind": "appointment"}, "steps": grow(shape)})


@given(st.lists(trees, max_size=5))
def test_any_tree_goes_round_and_is_numbered_in_reading_order(shape):
    definition = journey(shape)
    assert parse(to_json(definition)) == definition
    assert [place.step.id for place in walk(definition)] == [f"s{place.number}" for place in walk(definition)]


@given(shape=st.lists(trees, min_size=1, max_size=4), data=st.data())
def test_moving_a_step_loses_none(shape, data):
    definition = journey(shape)
    places: list[Located] = list(walk(definition))
    paths = ["", *(path_of(place.step, branch.name) for place in places for branch in place.step.branches)]
    step = data.draw(st.sampled_from(places)).step
    try:
        edit = editing.move(
            definition, step_id=step.id, path=data.draw(st.sampled_from(paths)), index=data.draw(st.integers(0, 5))
        )
    except editing.EditRefused:
        return
    assert sorted(place.step.id for place in walk(edit.definition)) == sorted(place.step.id for place in places)
    assert parse(to_json(edit.definition)) == edit.definition


@given(
    shape=st.lists(trees, max_size=5),
    answers=st.lists(st.booleans(), max_size=40),
    days=st.integers(-3, 30),
    clicked=st.booleans(),
)
def test_any_journey_ends_visits_no_step_twice_and_does_nothing_twice(shape, answers, days, clicked):
    plan = prepare(journey(shape))
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    replies = iter(answers)
    facts = Facts(
        run=1,
        zone=LOUISVILLE,
        dates={"appointment.start": now + timedelta(days=days)},
        holds=lambda _rule: next(replies, False),
        signals=frozenset(("clicked", step) for step in plan.steps) if clicked else frozenset(),
    )
    seen: list[str] = []
    for _ in range(len(plan.steps) + 1):
        decision: Decision = decide(plan, facts, now)
        seen.extend(visit.step for visit in decision.visits)
        if decision.state is not State.WAITING:
            break
        assert decision.due_at is not None
        assert decision.due_at >= now
        facts = replace(facts, step=decision.step, due_at=decision.due_at, sent=facts.sent | set(decision.sends))
        now = decision.due_at
    assert decision.state is State.FINISHED
    assert len(seen) == len(set(seen))


def test_the_level_of_a_journey_is_the_highest_of_its_steps():
    known = replace(KNOWN, rule_level=lambda _rule: Level.PROTECTED)
    document = document_of("condition")
    assert level_of(parse(document), known) == Level.HEALTH
    document["steps"][1]["rule"] = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
    assert level_of(parse(document), known) == Level.PROTECTED


def test_every_kind_of_question_reads_its_own_json():
    for document in ({"message": "s1", "signal": "any"}, {"visit": "kept"}, {"match": "all", "rules": []}):
        question = conditions.from_document(document)
        assert question is not None
        assert question.to_document() == document
        assert conditions.KINDS[question.kind] is type(question)


@dataclass(frozen=True)
class ThreeWays(StepDefaults):
    """A kind of this scene alone: three branches, by the state of the visit."""

    kind = "three_ways"
    label = "Three ways"
    icon = "filter"
    accent = "violet"
    BRANCHES = (BranchName("kept", "kept"), BranchName("missed", "missed"), BranchName("others", "others"))

    def decide(self, here: Here) -> Go:
        return Go(branch=here.facts.visit if here.facts.visit in ("kept", "missed") else "others")

    def words(self, labels: Labels) -> StepWords:
        return StepWords("Three ways", "", {"kept": "Kept", "missed": "Missed", "others": "All others"})


@pytest.fixture
def three_ways(monkeypatch) -> Callable[[], Definition]:
    """A journey that parts in three."""
    monkeypatch.setattr(steps, "KINDS", {**steps.KINDS, "three_ways": ThreeWays})
    inside = {
        name: [{"id": f"s{number}", "type": "send", "template": name}]
        for number, name in enumerate(("kept", "missed", "others"), start=3)
    }
    document = document_of("exit")
    document["steps"][1] = {"id": "s2", "type": "three_ways", **inside}
    document["steps"][2]["id"] = "s6"
    return lambda: parse(document)


@pytest.mark.parametrize(("visit", "way"), [("kept", "s3"), ("missed", "s4"), ("booked", "s5")])
def test_a_step_may_part_in_three_and_the_paths_meet_again(three_ways, visit, way):
    decision = decide(prepare(three_ways()), replace(standing_at("send"), step="s2", visit=visit), NOW)
    taken = visit if visit != "booked" else "others"
    assert [(each.step, each.outcome) for each in decision.visits] == [("s2", taken), (way, "sent"), ("s6", "sent")]


def test_three_paths_are_drawn_counted_and_edited(three_ways):
    definition = three_ways()
    assert parse(to_json(definition)) == definition
    assert [place.path for place in walk(definition)] == ["", "", "s2.kept", "s2.missed", "s2.others", ""]
    counts = {("s2", "missed", ""): 4, ("s2", "kept", ""): 3}
    node = render.build(definition, counts=counts)[1]
    assert [branch.label for branch in node.branches] == ["Kept", "Missed", "All others"]
    assert [(figure.count, figure.label) for figure in node.figures] == [(3, "kept"), (4, "missed")]
    edit = editing.move(definition, step_id="s6", path="s2.others", index=0)
    assert edit.said == "Moved Send to position 1 of 2 on the others path."
    assert [place.path for place in walk(edit.definition)][-2:] == ["s2.others", "s2.others"]
