"""Somebody signs up under a name that is a formula: no file that the clinic takes out of here runs it."""

from __future__ import annotations

import csv
import io
from types import SimpleNamespace
from typing import Any

import pytest

from apps.campaigns import services
from apps.campaigns.services import sending
from apps.contacts import services as contacts
from apps.core import actors, cells
from tests.campaigns.conftest import CLI, SPEC, clinic, template  # noqa: F401 - fixtures

STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")
BODIES = ['cmd|" /C calc"!A0', "HYPERLINK(1)", "1+1"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("start", STARTS)
def test_no_cell_is_a_formula_whatever_sign_a_program_separates_by(start: str, separator: str) -> None:
    for body in BODIES:
        formula = start + body
        behind = [f"a{sign}{space}{formula}" for sign in (";", "\t", "|", "\n", "\r\n") for space in ("", "  ")]
        for text in (formula, f"  {formula}", f"\t{formula}", f"\n{formula}", *behind):
            written = cells.line(["Dana", text, "end"])
            rows = list(csv.reader(io.StringIO(written, newline=""), delimiter=separator))
            assert not [cell for row in rows for cell in row if cell.lstrip().startswith(STARTS)]


@pytest.mark.parametrize("text", ["", "Dana", "O'Brien", 'the "big" one', "two\nlines", "a, b; c", "München", "0-5"])
def test_what_is_none_is_read_back_as_it_was(text: str) -> None:
    assert list(csv.reader(io.StringIO(cells.line([text, "x"]), newline=""))) == [[text, "x"]]
    assert list(csv.reader(io.StringIO(cells.line([text]), newline=""))) == [[text]]


def test_the_list_of_a_campaign_is_as_careful_as_the_others(
    clinic: SimpleNamespace,  # noqa: F811
    cast: Any,
    signed_in: Any,
) -> None:
    name = " =HYPERLINK(1);=1+1"
    contacts.contact_create(actor=CLI, profile={"first_name": name, "last_name": "Q", "email": "x@goodmail.test"})
    max_ = actors.staff(cast.max.pk, "marketer")
    made = services.campaign_save(actor=max_, name="Flu", spec=SPEC)
    services.campaign_submit(actor=max_, campaign_id=made.pk)
    services.campaign_approve(actor=actors.staff(cast.rita.pk, "reviewer"), campaign_id=made.pk)
    sending.campaign_send(actor=max_, campaign_id=made.pk)
    answer = signed_in("ada").post(f"/campaigns/{made.pk}/export/", {"named": "yes"})
    text = b"".join(answer.streaming_content).decode()
    assert "HYPERLINK" in text
    for separator in (",", ";"):
        found = [cell for row in csv.reader(io.StringIO(text), delimiter=separator) for cell in row]
        assert not [cell for cell in found if cell.lstrip().startswith("=")]
