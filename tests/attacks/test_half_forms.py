"""Forms that arrive in part, from before an upgrade or by hand, and days at the edge of the calendar."""

from __future__ import annotations

from typing import Any

import pytest

from apps.contacts import services as contacts
from apps.contacts.attributes.services import Wanted, attribute_create
from apps.contacts.models import ConsentState
from apps.contacts.person.selectors import open_person
from apps.core import actors
from apps.core.levels import Level
from apps.segments import selectors as segments
from apps.segments import services as segment_services
from apps.segments.models import Segment

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
OVER_60 = {"match": "all", "rules": [{"field": "age", "op": "at_least", "from": 60}]}


@pytest.fixture
def dana(noon: Any) -> int:
    attribute_create(actor=CLI, wanted=Wanted("Nickname", "text", Level.IDENTIFIER))
    profile = {"first_name": "Dana", "last_name": "Quist", "relation": "patient", "attributes": {"nickname": "Dee"}}
    return contacts.contact_create(actor=CLI, profile=profile).id


def nickname(person: int) -> object:
    record = open_person(actor=CLI, purpose="test", person_id=person)
    assert record is not None
    return record.profile.get("attributes")


def test_a_form_opened_before_there_was_such_a_field_takes_nothing_away(signed_in: Any, dana: int) -> None:
    nora, form = signed_in("nora"), {"first_name": "Dana", "last_name": "Quist", "relation": "patient"}
    assert nora.post(f"/contacts/{dana}/edit/", {**form, "city": "Lexington", "version": 1}).status_code == 302
    assert nickname(dana) == {"nickname": "Dee"}
    assert nora.post(f"/contacts/{dana}/edit/", {**form, "own-nickname": "", "version": 2}).status_code == 302
    assert nickname(dana) is None, "emptied by hand it is gone"


@pytest.mark.parametrize("part", [{}, {"shape": "[0"}, {"shape": "{}"}, {"shape": "0"}, {"n0.what": "field:sex"}])
def test_a_rule_that_did_not_arrive_whole_is_not_everybody(signed_in: Any, part: dict[str, str]) -> None:
    made = segment_services.segment_save(actor=CLI, name="Over 60", rule=OVER_60)
    answer = signed_in("max").post(f"/segments/{made.pk}/edit/", {"name": "Over 60", **part})
    assert answer.status_code == 422
    assert segments.opened(Segment.objects.get(pk=made.pk)).rule.to_document() == OVER_60


@pytest.mark.parametrize("what", ["", "field:", "nonsense", ":"])
def test_a_condition_that_asks_nothing_is_not_guessed(signed_in: Any, what: str) -> None:
    answer = signed_in("max").post("/segments/new/", {"name": "Women?", "shape": "[0]", "n0.what": what})
    assert answer.status_code == 422
    assert not Segment.objects.exists()


def test_a_consent_until_the_last_of_all_days_has_no_end(signed_in: Any, dana: int) -> None:
    form = {"purpose": "marketing", "state": "granted", "on": "2026-11-01", "method": "telephone"}
    nora = signed_in("nora")
    assert nora.post(f"/contacts/{dana}/consents/", {**form, "ends": "9999-12-31"}).status_code == 302
    assert ConsentState.objects.get(person_id=dana).expires is None
    assert nora.get(f"/contacts/{dana}/consents/").status_code == 200
