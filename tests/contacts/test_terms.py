"""A nurse reads words, not the tags and blanks of code systems; what was imported stays as it came."""

from __future__ import annotations

import pytest

from apps.contacts.models import Vocabulary
from apps.contacts.person.masking import Eyes
from apps.contacts.services import vocabulary_add
from apps.contacts.timeline import words as timeline
from apps.contacts.timeline.terms import shown_term
from apps.segments import selectors as segments

FLU = "Influenza  seasonal  injectable  preservative free"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("Diabetes mellitus type 2 (disorder)", "Diabetes mellitus type 2"),
        ("Care plan  (record artifact)", "Care plan"),
        ("Physical therapy (regime/therapy)", "Physical therapy"),
        (FLU, "Influenza seasonal injectable preservative free"),
        ("Td (adult) preservative free", "Td (adult) preservative free"),
        ("Tdap (adult)", "Tdap (adult)"),
        ("Stenosis (severe) (finding)", "Stenosis (severe)"),
        ("(finding)", "(finding)"),
        ("", ""),
    ],
)
def test_a_term_is_shown_without_its_tag_and_runs_of_blanks(stored: str, shown: str) -> None:
    assert shown_term(stored) == shown


def test_the_timeline_shows_clean_words() -> None:
    event = {"id": 1, "kind": "encounter", "on": "2026-03-02", "term": "Encounter for problem (procedure)"}
    line = timeline.item(event | {"reason": "Acute bronchitis (disorder)"}, Eyes("care_staff"))
    assert line.title == "Encounter for problem"
    assert line.text == "Visit · because of Acute bronchitis"


@pytest.mark.django_db
def test_the_picker_and_the_sentence_show_clean_words_and_the_vocabulary_keeps_its_own(signed_in) -> None:
    vocabulary_add([("CVX", "140", FLU), ("SNOMED", "195967001", "Asthma (disorder)")])
    found = signed_in("max").post(
        "/segments/terms/", {"system": "CVX", "list": "n0-terms", "n0.code": "seasonal  free"}
    )
    page = found.content.decode()
    assert "<span>Influenza seasonal injectable preservative free</span>" in page
    assert 'data-value="Influenza seasonal injectable preservative free (CVX 140)"' in page
    asthma = {"match": "all", "rules": [{"event": "condition", "op": "at_least", "times": 1, "code": "195967001"}]}
    assert "Asthma (SNOMED 195967001)" in segments.sentence(segments.parse(asthma))
    assert set(Vocabulary.objects.values_list("term", flat=True)) == {FLU, "Asthma (disorder)"}
