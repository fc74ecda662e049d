"""Two languages, one set of keys; no page asks for a word that is not there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from apps.portal import words
from apps.portal.words.en import WORDS as ENGLISH
from apps.portal.words.es import WORDS as SPANISH

REPOSITORY = Path(__file__).resolve().parents[2]
PLACES = re.compile(r"\{\{ [\w.]+|\{\w+\}")


def sources() -> str:
    files = [*(REPOSITORY / "templates" / "portal").rglob("*.html"), *(REPOSITORY / "apps" / "portal").rglob("*.py")]
    return "\n".join(path.read_text() for path in files if path.parent.name != "words")


def test_both_languages_have_every_key() -> None:
    assert set(ENGLISH) == set(SPANISH)
    assert all(text.strip() for text in (*ENGLISH.values(), *SPANISH.values()))


@pytest.mark.parametrize("key", ENGLISH)
def test_both_languages_fill_in_the_same_places(key: str) -> None:
    assert sorted(PLACES.findall(ENGLISH[key])) == sorted(PLACES.findall(SPANISH[key]))


@pytest.mark.parametrize("key", ENGLISH)
def test_nothing_was_left_untranslated(key: str) -> None:
    assert ENGLISH[key] != SPANISH[key]


def test_every_word_a_page_asks_for_exists() -> None:
    asked = set(re.findall(r"\bsay\.([a-z_]+\.[a-z_]+)", sources()))
    assert asked
    assert asked <= set(ENGLISH)


def test_every_word_is_used_by_a_page_or_a_mail() -> None:
    text = sources()
    unused = [
        key
        for key in ENGLISH
        if not key.startswith("mail.")
        and f"say.{key}" not in text
        and not re.search(rf"\b{re.escape(key.partition('.')[2])}\b", text)
    ]
    assert unused == []


def test_no_word_tells_that_somebody_is_a_patient_in_mail() -> None:
    for catalogue in (ENGLISH, SPANISH):
        for key, text in catalogue.items():
            if key.startswith("mail."):
                assert not re.search(r"patient|paciente|health|salud|result|doctor|appointment|cita", text, re.I), key


@pytest.mark.parametrize(
    ("wish", "known"), [("es", "es"), ("es-MX", "es"), ("ES", "es"), ("en", "en"), ("fr", "en"), ("", "en")]
)
def test_any_spanish_is_spanish_and_everything_else_english(wish: str, known: str) -> None:
    assert words.known(wish) == known


def test_dates_are_spoken_in_both_languages() -> None:
    at = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
    zone = ZoneInfo("America/New_York")
    assert words.moment(at, zone, "en") == "Nov 22, 2026, 9:05 AM"
    assert words.moment(at, zone, "es") == "22 de noviembre de 2026, 9:05\u00a0a.\u00a0m."
    assert words.time_of_day(at, zone, "es") == "9:05\u00a0a.\u00a0m."
    noon = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    assert words.time_of_day(noon, zone, "es") == "12:00\u00a0p.\u00a0m.", "as the mails write it"


def test_how_long_something_waits_is_a_day_and_never_a_promise_too_much() -> None:
    """It ends on November 22 at 5:56 AM: November 21 is the last day that a patient can count on."""
    end = datetime(2026, 11, 22, 10, 56, tzinfo=UTC)
    last = words.last_whole_day(end, ZoneInfo("America/New_York"))
    assert words.day(last, "en") == "Nov 21, 2026"
    assert words.day(last, "es") == "21 de noviembre de 2026"
