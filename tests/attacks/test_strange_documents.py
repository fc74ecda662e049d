"""Somebody writes a mapping by hand, or a query with a byte that no text has: never an error page."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.core import actors
from apps.imports import column_mapping
from apps.imports.services import jobs
from apps.journeys import services as journeys

pytestmark = pytest.mark.django_db
GOOD = {"match_on": "mrn", "columns": {"Record": "mrn"}}


@pytest.mark.parametrize(
    "part", ["match_on", "mode", "relation", "source", "date_format", "ignore", "consent", "columns"]
)
@pytest.mark.parametrize("value", [[], {}, [[]], {"a": {}}, 7, None, True])
def test_no_shape_of_a_part_of_a_mapping_is_an_error_of_ours(part: str, value: Any) -> None:
    document = json.dumps({**GOOD, part: value})
    if (part, value) in (("ignore", []), ("consent", {})):
        assert column_mapping.parse_json(document).match_on == "mrn"
        return
    with pytest.raises(column_mapping.BadMapping):
        column_mapping.parse_json(document)


def test_the_page_says_what_is_wrong_with_it(cast: Any, signed_in: Any) -> None:
    max_ = signed_in("max")
    upload = jobs.Upload("list.csv", io.BytesIO(b"Record\nMRN-1\n"))
    job = jobs.import_create(actor=actors.staff(cast.max.pk, "marketer"), kind="list", uploads=[upload])
    file = SimpleUploadedFile("mapping.json", json.dumps({**GOOD, "mode": []}).encode())
    answer = max_.post(f"/contacts/imports/{job.pk}/columns/", {"mapping": file})
    assert answer.status_code == 422
    assert "must be one of" in answer.content.decode()


def test_a_byte_that_no_text_has_leads_nowhere(cast: Any, signed_in: Any) -> None:
    actor = actors.staff(cast.max.pk, "marketer")
    draft = {"format": 1, "trigger": {"kind": "manual"}, "steps": []}
    journey = journeys.journey_create(actor=actor, name="Welcome", definition=draft)
    max_ = signed_in("max")
    for name in ("state", "step", "outcome", "reason", "language"):
        assert max_.get(f"/journeys/{journey.pk}/people/", {name: "x"}).status_code == 200
        assert max_.get(f"/journeys/{journey.pk}/people/", {name: "\x00"}).status_code == 404
