"""Signed-in people post what no page of ours would: never an error page, and nothing happens."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from apps.contacts.attributes.numbers import NumberRange, wide
from apps.contacts.attributes.services import range_for
from apps.contacts.models import ContactExport
from apps.contacts.timeline.results import LABS
from apps.content import services as content
from apps.content.formats import BadFormat, format_money
from apps.core import actors
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.journeys import services as journeys

pytestmark = pytest.mark.django_db
DATA = {"subject": "Hello", "blocks": [{"id": "b1", "type": "text", "html": "<p>Hi</p>"}]}
STRANGE = ("²", "٣", "9" * 40, "9" * 5000, "-1", "\u00e9", "\x00", "", "1e3", " 1")


@pytest.mark.parametrize("text", STRANGE)
def test_a_number_of_ours_is_plain_digits(text: str) -> None:
    assert whole(text, None) is None
    assert whole("0012", None) == 12


# Decimal takes them all; counting with them raises what is no InvalidOperation.
ENDLESS = ("1e999999", "-1e999999", "1e9999999", "1e99999999999999999", "1e-99999999", "sNaN", "Infinity", "9" * 5000)


@pytest.mark.parametrize("text", ENDLESS)
def test_a_number_without_end_is_no_number(text: str) -> None:
    numbers = NumberRange(0, 1000, 1, 1)
    assert numbers.at(text) in (None, 0)
    assert len(numbers.steps(text, None)) in (0, 1001)
    assert wide([text, "7.5"]).words()
    for bounds in ((text, "10", "1"), ("0", text, "1"), ("0", "10", text)):
        with pytest.raises(Refused):
            range_for(*bounds)
    # The smallest of them is nothing, and nothing is a number.
    assert LABS["hba1c"].allows(text) is text.startswith("1e-")
    with contextlib.suppress(BadFormat):
        format_money(text)


def post(client: Any, address: str, **values: Any) -> int:
    client.raise_request_exception = False
    return int(client.post(address, values).status_code)


@pytest.mark.parametrize("text", STRANGE)
def test_strange_numbers_are_no_error_of_ours(cast: Any, signed_in: Any, text: str) -> None:
    max_, ada = signed_in("max"), signed_in("ada")
    actor = actors.staff(cast.max.pk, cast.max.role)
    template = content.template_create(actor=actor, name="Hello", data=DATA)
    draft = {"format": 1, "trigger": {"kind": "manual"}, "steps": []}
    journey = journeys.journey_create(actor=actor, name="Welcome", definition=draft)
    asked = {
        "/journeys/new/": {"ready": text},
        f"/journeys/{journey.pk}/edit/change/": {"revision": text, "do": f"add wait main {text}"},
        f"/templates/{template.pk}/change/": {
            "version": text,
            "op": "add",
            "kind": "text",
            "index": text,
            "place": f"b1:{text}",
        },
        f"/templates/{template.pk}/copy/": {"revision": text, "op": "add", "kind": "text", "index": text},
        f"/templates/{template.pk}/publish/": {"version": text},
        f"/templates/{template.pk}/person/": {"person": text},
        f"/journeys/{journey.pk}/edit/change/?": {"revision": "1", "do": f"gap main {text}"},
        f"/journeys/{journey.pk}/edit/change/?a": {"revision": "1", "do": "move s1", "path": "main", "position": text},
        "/segments/new/": {"version": text, "name": "A"},
        "/segments/rows/": {"segment_id": text, "do": f"remove:{text}"},
        "/campaigns/new/": {"version": text, "name": "A", "who": "everybody"},
        "/account/session/end/": {"session": text},
        "/contacts/changes/decide/": {"chosen": text},
    }
    for address, values in asked.items():
        for client in (max_, ada):
            assert post(client, address, **values) < 500, address
    assert post(ada, f"/settings/users/{cast.max.pk}/session/end/", session=text) < 500


@pytest.mark.parametrize("segment", ["\u00b2", "9" * 40, "-1", "x", "0"])
def test_an_export_of_a_strange_segment_is_not_one_of_everybody(signed_in: Any, segment: str) -> None:
    ada = signed_in("ada")
    assert ada.get("/contacts/exports/new/", {"segment": segment}).status_code == 404
    asked = {"segment": segment, "asked": "1", "columns": "email", "reason": "A try"}
    assert ada.post("/contacts/exports/new/", asked).status_code == 404
    assert not ContactExport.objects.exists()
