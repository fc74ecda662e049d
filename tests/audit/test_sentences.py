"""Every entry reads as a sentence; filters and exports are safe."""

from __future__ import annotations

import csv
import io
import itertools
import json
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from apps.audit import exports, filters, sentences
from apps.audit.actions import Action
from apps.audit.exports import ExportRow
from apps.audit.filters import TrailFilter
from tests.refusals import refused


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
        (entry("contact.open", kind="person", subject="9", people_count=1), "Opened the record of person 9"),
        (entry("user.sign_in_failed"), "Tried to sign in and failed"),
        (entry("campaign.approve", subject="12"), "Approved campaign 12"),
        (entry("journey.add_person", subject="3", people_count=1), "Added 1 person to journey 3"),
        (
            entry("contact.open", people_count=1, purpose="answer a patient"),
            "Opened the record of 1 person to answer a patient",
        ),
        (
            entry("contact.list", people_count=50, purpose="delivery"),
            "Looked at a masked list of 50 people on the pages of delivery",
        ),
        (entry("contact.search"), "Searched for people and found nobody"),
        (entry("message.send", subject="1", codes={"messages": 2}), "Sent account mail or tests"),
        (entry("message.send", people_count=92), "Sent messages to 92 people"),
        (
            entry("conversation.list", people_count=8, purpose="inbox list"),
            "Looked at a masked list of conversations with 8 people in the inbox",
        ),
        (
            entry("conversation.answer", subject="4", people_count=1, purpose="treatment"),
            "Answered 1 person in conversation 4 for treatment",
        ),
        (entry("mail.receive", subject="17", people_count=1), "Received mail 17 about 1 person"),
        (entry("mail.receive", subject="18"), "Received mail 18"),
        (entry("baa.create", subject="1"), "Entered agreement 1"),
        (entry("campaign.test", subject="4"), "Sent a test of campaign 4 to staff"),
        (entry("contact.reveal", people_count=1, purpose="reveal"), "Revealed masked details of 1 person"),
        (entry("new_noun.invent_verb", subject="1"), "Invented verb new noun 1"),
        (entry("new_noun.invent_verb", subject="1", people_count=2), "Invented verb new noun 1 with 2 people"),
    ],
)
def test_sentences_follow_from_the_grammar(given, says):
    assert sentences.sentence(given) == says


@pytest.mark.parametrize("action", list(Action))
def test_no_sentence_counts_to_nought_or_puts_a_person_in_brackets(action):
    for count, subject in itertools.product((0, 1, 2), ("", "7")):
        words = sentences.sentence(entry(action.value, subject=subject, people_count=count))
        assert "0 people" not in words
        assert "(" not in words
        assert "{" not in words
        assert "records of 1 person" not in words


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ("user.invite", "Made a link for an account to choose a password"),
        ("campaign.change", "Changed a campaign"),
        ("attribute.retire", "Retired an attribute"),
        ("contact.search", "Searched for people"),
        ("mail.open", "Opened mail about people"),
    ],
)
def test_an_action_is_named_without_a_number(action, says):
    assert sentences.action_label(action) == says


def test_on_a_persons_own_page_an_action_is_about_this_person():
    assert sentences.action_label("contact.open", "this person") == "Opened the record of this person"
    assert sentences.action_label("contact.search", "this person") == "Searched for people and found this person"


def test_details_say_levels_and_moments_in_words():
    given = entry("campaign.schedule", codes={"level": 2, "at": "2026-11-27T09:00:00-05:00", "kind": "list"})
    assert sentences.details(given) == "at: Nov 27, 2026, 9:00 AM, kind: list, level: health"
    odd = entry("campaign.schedule", codes={"level": 9, "at": "soon"})
    assert sentences.details(odd) == "at: soon, level: 9"


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
    ("values", "code"),
    [
        ({"actor": "martian"}, "trail.actor_kind_unknown"),
        ({"action": "contact.fry"}, "trail.action_unknown"),
        ({"person": "Dana Quist"}, "trail.person_malformed"),
        ({"person": "9" * 30}, "trail.person_malformed"),
        ({"person": "١٢"}, "trail.person_malformed"),
        ({"from": "yesterday"}, "trail.day_malformed"),
        ({"from": "2026-11-30", "to": "2026-11-01"}, "period.backwards"),
    ],
)
def test_a_filter_that_means_nothing_is_refused(values, code):
    with refused(code):
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
