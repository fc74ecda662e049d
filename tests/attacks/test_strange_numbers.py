"""Signed-in people post what no page of ours would: never an error page, and nothing happens."""

from __future__ import annotations

from typing import Any

import pytest

from apps.content import services as content
from apps.core import actors
from apps.core.numbers import whole
from apps.journeys import services as journeys

pytestmark = pytest.mark.django_db
DATA = {"subject": "Hello", "blocks": [{"id": "b1", "type": "text", "html": "<p>Hi</p>"}]}
STRANGE = ("²", "٣", "9" * 40, "9" * 5000, "-1", "\u00e9", "\x00", "", "1e3", " 1")


@pytest.mark.parametrize("text", STRANGE)
def test_a_number_of_ours_is_plain_digits(text: str) -> None:
    assert whole(text, None) is None
    assert whole("0012", None) == 12


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
