"""Languages as lists name them: a code for each, a name for each code, and nobody is left out."""

from __future__ import annotations

import subprocess
import sys

import iso639
import pytest

from apps.contacts import languages
from apps.contacts.cell_text import BadValue
from apps.contacts.person.fields import FIELDS
from tests.conftest import REPOSITORY

NAMES = """
Somali=so Hmong=hmn Polish=pl Japanese=ja Italian=it Hindi=hi Bengali=bn Nepali=ne Farsi=fa Punjabi=pa Amharic=am
Greek=el
Mandarin=cmn Creole=ht Cantonese=yue ASL=ase Karen=kar Pashto=ps Dari=prs Tigrinya=ti Swahili=sw Tagalog=tl Burmese=my
español=es INGLES=en Українська=uk 中文=zh Soomaali=so हिन्दी=hi العربية=ar 日本語=ja français=fr
en-US=en pt_BR=pt zh-Hant-TW=zh zh-yue=yue sgn-US=ase gre=el ger=de spa=es hat=ht so=so ENG=en
""".split()  # noqa: SIM905
LONGER = [
    ("Portuguese (Brazil)", "pt"),
    ("Spanish; Castilian", "es"),
    ("Chinese - Cantonese", "yue"),
    ("Chinese (Mandarin)", "cmn"),
    ("American Sign Language", "ase"),
    ("Sign Language, American", "ase"),
    ("Haitian; Haitian Creole", "ht"),
    ("Kreyòl ayisyen", "ht"),
    ("Tiếng Việt", "vi"),
    ("Greek, Modern (1453-)", "el"),
    ("Spanish speaking", "es"),
    ("es - Spanish", "es"),
    ("Other - Somali", "so"),
    ("Ho-Chunk", "win"),
    *[(word, "ium") for word in ("Mien", "Iu Mien")],
    ("Fuzhounese", "cdo"),
    ("Pennsylvania Dutch", "pdc"),
    ("Fulani", "ff"),
    ("Unable to determine", ""),
    *[(word, "") for word in ("", "Unknown", "Declined", "Other", "Not Collected", "N/A", "Patient refused", "und")],
]


@pytest.mark.parametrize(("cell", "code"), [*(pair.split("=") for pair in NAMES), *LONGER])
def test_a_language_is_known_by_what_lists_call_it(cell: str, code: str) -> None:
    assert languages.code_of(cell) == code


def test_every_code_of_iso_639_is_taken_and_has_a_name() -> None:
    # A few codes are words for "nothing" to everybody else, or the short form of a larger language.
    other = {"any", "asl", "sh", "hbs", "nil", "tbd", "unk", "tba", "na", "spn"}
    wrong = []
    for each in iso639.ALL_LANGUAGES:
        if each.status != "A" or each.scope == "S":
            continue
        kept = each.part1 or each.part3
        for code in {each.part1, each.part2b, each.part2t, each.part3} - {None} - other:
            if languages.code_of(code) != kept or languages.name_of(kept) in ("", kept) or not languages.is_code(kept):
                wrong.append(code)
    assert wrong == []


def test_a_process_that_starts_does_not_load_all_of_iso_639() -> None:
    """It takes as long as all of Django, and every command and every worker process would wait for it."""
    by_code = {each.part3: each.name for each in iso639.ALL_LANGUAGES}
    assert {code: by_code[code] for code in languages._RARE} == languages._RARE
    program = "import apps.contacts.languages, sys; print('iso639' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_two_languages_in_a_cell_are_the_first_and_are_told() -> None:
    with pytest.raises(BadValue, match="several languages") as told:
        languages.code_of("Spanish / English")
    assert told.value.rest == "es"


def test_what_is_no_language_is_refused() -> None:
    with pytest.raises(BadValue, match="not a language"):
        languages.code_of("blah blah")


def test_a_language_that_no_list_offers_is_shown_in_words_and_may_be_asked_for() -> None:
    spec = FIELDS["language"]
    assert "win" not in dict(spec.choices)
    assert (spec.said("win"), spec.said("so"), spec.allows("win"), spec.allows("qqq")) == (
        "Ho-Chunk",
        "Somali",
        True,
        False,
    )
