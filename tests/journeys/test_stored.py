"""Journeys as 0.3.0 stored, told and walked them: written by its code, read by ours.

An approval is a hash of the stored form, so it must come out again as it went in.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.journeys.checks import check
from apps.journeys.definition import to_json, walk
from apps.journeys.engine import Facts, decide, prepare
from apps.journeys.fields import Known
from apps.journeys.parse import parse
from apps.journeys.protocol import Labels
from tests.journeys.conftest import LOUISVILLE

STORED = json.loads((Path(__file__).parents[1] / "data/journeys/stored_0.3.0.json").read_text())
LABELS = Labels({"birth_date": "the birth date"}, lambda _rule: "Rule?", {"s1": "News"})
KNOWN = Known(templates=frozenset({"News"}), rule_problem=lambda rule: "" if rule["match"] == "all" else "No.")
NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)


@pytest.mark.parametrize("kept", STORED)
def test_the_stored_form_is_the_same_to_the_byte(kept):
    for given in (kept["given"], kept["stored"]):
        canonical = json.dumps(to_json(parse(given)), sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(canonical.encode()).hexdigest() == kept["sha256"]


@pytest.mark.parametrize("kept", STORED)
def test_sentences_and_problems_are_the_same(kept):
    definition = parse(kept["stored"])
    told = []
    for place in walk(definition):
        words = place.step.words(LABELS)
        yes, no = words.branches.values() if words.branches else ("", "")
        told.append([place.number, place.path, place.step.label, words.title, words.line, yes, no])
    assert told == kept["words"]
    assert [[problem.step, problem.text] for problem in check(definition, KNOWN)] == kept["problems"]


def walked(plan: Any, number: int) -> list[Any]:
    """One of four people walks the journey to its end, by whatever 0.3.0 supposed of them."""
    facts: dict[str, Any] = {
        "dates": {"appointment.start": NOW + timedelta(hours=[-5, 20, 100, 700][number])}
        | ({"birth_date": date(1960, 12, 1)} if number % 2 else {}),
        "signals": frozenset([("clicked", "s1"), ("read", "s2")][: number % 3]),
        "visit": ["booked", "kept", "missed", "cancelled"][number],
        "holds": lambda _rule: number % 2 == 0,
    }
    lines: list[Any] = []
    now, sent, place = NOW, frozenset[str](), {}
    while True:
        decision = decide(plan, Facts(run=1, zone=LOUISVILLE, sent=sent, **place, **facts), now)
        visits = [[visit.step, visit.outcome, visit.reason] for visit in decision.visits]
        due = decision.due_at.isoformat() if decision.due_at else None
        lines.append([visits, str(decision.state), decision.step, due, decision.reason, list(decision.sends)])
        if decision.due_at is None:
            return lines
        now, sent = decision.due_at, sent | set(decision.sends)
        place = {"step": decision.step, "due_at": decision.due_at}


@pytest.mark.parametrize("kept", STORED)
def test_everybody_walks_the_same_way(kept):
    plan = prepare(parse(kept["stored"]))
    assert [walked(plan, number) for number in range(4)] == kept["walks"]
