"""Every entry reads as a sentence; filters and exports are safe."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from apps.audit import exports, filters, sentences
from apps.audit.actions import Action
from apps.audit.exports import ExportRow
from apps.audit.filters import FilterRefused, TrailFilter


def entry(action: str, **changes) -> SimpleNamespace:
    facts = {"action": action, "kind": "", "subject": "", "purpose": "", "people_count": 0, "codes": {}, "fields": []}
    return SimpleNamespace(**facts | changes)


@pytest.mark.parametrize("action", list(Action))
def test_no_action_is_shown_as_code(action):
    words = sentences.sentence(entry(action.value, subject="7", people_count=2))
    assert "_" not in words
    assert "." not in words
    assert words[0].isupper()
    assert "  " not in words


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            entry("contact.open", people_count=412, purpose="treatment"),
            "Opened the records of 412 people for treatment",
        ),
        (entry("contact.open", kind="person", subject="9", people_count=1), "Opened the records of person 9"),
        (entry("user.sign_in_failed"), "Tried to sign in and failed"),
        (entry("campaign.approve", subject="12"), "Approved campaign 12"),
        (entry("journey.add_person", subject="3", people_count=1), "Added a person to journey 3 (1 person)"),
        (entry("new_noun.invent_verb", subject="1"), "Invented verb new noun 1"),
    ],
)
def test_sentences_follow_from_the_grammar(given, says):
    assert sentences.sentence(given) == says


def test_details_put_numbers_in_words():
    given = entry(
        "contact.import",
        codes={"new": 1204, "rejected": 3, "ok": True, "routes": {"tls": 2, "portal": 1}, "empty": None},
        fields=["birth_date"],
    )
    assert sentences.details(given) == "1,204 new, 3 rejected, ok: yes, routes: portal 1, tls 2, fields: birth date"


def test_a_filter_goes_round():
    wanted = TrailFilter("staff:3", "contact.open", 12, date(2026, 11, 1), date(2026, 11, 30))
    assert filters.parse(wanted.as_query()) == wanted
    assert "person" not in wanted.codes()
    assert TrailFilter().is_empty
    assert wanted.until == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"actor": "martian"}, "no kind of actor"),
        ({"action": "contact.fry"}, "no such action"),
        ({"person": "Dana Quist"}, "by number"),
        ({"person": "9" * 30}, "by number"),
        ({"person": "١٢"}, "by number"),
        ({"from": "yesterday"}, "written like"),
        ({"from": "2026-11-30", "to": "2026-11-01"}, "before the first"),
    ],
)
def test_a_filter_that_means_nothing_says_what_to_type(values, says):
    with pytest.raises(FilterRefused, match=says):
        filters.parse(values)


def row(**changes) -> ExportRow:
    facts = {
        "sequence": 1,
        "entry": 2,
        "at": datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        "actor": "Ada",
        "role": "administrator",
        "action": "contact.open",
        "what": "Opened the records of 2 people",
        "kind": "person",
        "subject": "",
        "purpose": "",
        "people": 2,
        "fields": ["email"],
        "codes": {"n": 1},
        "link": "ab",
    }
    return ExportRow(**facts | changes)


@pytest.mark.parametrize("text", ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "\r=1", "|calc", "%0A"])
def test_no_spreadsheet_runs_a_cell(text):
    data = b"".join(exports.lines([row(actor=text, purpose=text)], "csv")).decode()
    cells = next(csv.DictReader(io.StringIO(data, newline="")))
    for name in ("actor", "purpose"):
        assert cells[name].startswith("'")
        assert cells[name].replace("'", "") == text


def test_a_csv_gives_its_values_back():
    data = b"".join(exports.lines([row(actor='Ada "the boss", Ng\nLine', sequence=None)], "csv")).decode()
    cells = next(csv.DictReader(io.StringIO(data, newline="")))
    assert cells["actor"] == 'Ada "the boss", Ng\nLine'
    assert cells["sequence"] == ""
    assert json.loads(cells["codes"]) == {"n": 1}
    assert cells["at"] == "2026-11-22T12:00:00.000Z"


def test_json_lines_are_one_object_a_line():
    lines = list(exports.lines([row(), row(actor="line\nbreak")], "jsonl"))
    assert [json.loads(line)["entry"] for line in lines] == [2, 2]
    assert all(line.count(b"\n") == 1 for line in lines)
