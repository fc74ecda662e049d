"""Somebody swaps what a second person is looking at, in the moment before they press the button."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from apps.approvals.models import ApprovalEntry
from apps.campaigns import services as campaigns
from apps.campaigns.models import Campaign, State
from apps.contacts import services as contacts
from apps.contacts.models import PendingChange
from apps.contacts.person import selectors
from apps.core import actors
from apps.imports.services import jobs, passes
from apps.journeys import presets
from apps.journeys import services as journeys
from apps.journeys.parse import parse
from tests.campaigns.conftest import SPEC, clinic, template  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
DANA = {"first_name": "Dana", "last_name": "Quist", "email": "dana@goodmail.test", "mrn": "MRN-77"}
MAPPING = {"match_on": "mrn", "columns": {"mrn": "mrn", "email": "email"}, "date_format": "%Y-%m-%d"}


@pytest.fixture
def flu(clinic: Any, cast: Any) -> Campaign:  # noqa: F811
    return campaigns.campaign_save(actor=staff(cast.max), name="Flu shots", spec=SPEC)


def staff(user: Any) -> actors.Actor:
    return actors.staff(user.pk, user.role)


def bring_in(actor: actors.Actor, address: str) -> None:
    text = f"mrn,email\nMRN-77,{address}\n".encode()
    upload = jobs.Upload("people.csv", io.BytesIO(text))
    job = jobs.import_create(actor=actor, kind="list", uploads=[upload], document=MAPPING)
    jobs.import_check(actor=actor, job_id=job.pk)
    assert passes.work(job.pk)
    jobs.import_start(actor=actor, job_id=job.pk)
    assert passes.work(job.pk)


def test_a_nurse_confirms_only_the_address_that_she_saw(noon: Any, cast: Any, signed_in: Any) -> None:
    person = contacts.contact_create(actor=CLI, profile=DANA)
    bring_in(staff(cast.max), "dana.quist@goodmail.test")
    nora = signed_in("nora")
    page = nora.get("/contacts/changes/").content.decode()
    chosen = re.search(r'name="chosen" value="([\d.]+)"', page)[1]  # type: ignore[index]
    bring_in(staff(cast.max), "max@elsewhere.test")
    answer = nora.post("/contacts/changes/decide/", {"chosen": chosen, "act": "confirm"}, follow=True)
    assert "changed again" in answer.content.decode()
    now = selectors.open_people(actor=CLI, purpose="test", ids=[person.id])[person.id]
    assert now.profile["email"] == DANA["email"]
    assert PendingChange.objects.get().state == PendingChange.State.OPEN
    again = re.search(r'name="chosen" value="([\d.]+)"', answer.content.decode())[1]  # type: ignore[index]
    nora.post("/contacts/changes/decide/", {"chosen": again, "act": "decline"})
    assert PendingChange.objects.get().state == PendingChange.State.DECLINED


@pytest.mark.parametrize("chosen", ["²", "9" * 40, "1.²", "-1", "1", "", "9" * 5000])
def test_strange_choices_confirm_nothing_and_are_no_error(cast: Any, noon: Any, signed_in: Any, chosen: str) -> None:
    contacts.contact_create(actor=CLI, profile=DANA)
    bring_in(staff(cast.max), "max@elsewhere.test")
    answer = signed_in("nora").post("/contacts/changes/decide/", {"chosen": chosen, "act": "confirm"})
    assert answer.status_code == 302
    assert PendingChange.objects.get().state == PendingChange.State.OPEN


def looked_at(page: bytes) -> str:
    return re.search(r'name="looked_at" value="(\d+)"', page.decode())[1]  # type: ignore[index]


def test_a_journey_that_was_swapped_meanwhile_is_not_approved(
    clinic: Any,  # noqa: F811
    cast: Any,
    signed_in: Any,
) -> None:
    author = staff(cast.max)
    journey = journeys.journey_from_preset(actor=author, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    journeys.journey_submit(actor=author, journey=journey)
    rita = signed_in("rita")
    seen = looked_at(rita.get(f"/journeys/{journey.pk}/activate/").content)
    journey.refresh_from_db()
    draft = journey.opened()["draft"]
    draft["steps"] = draft["steps"][:-1]
    journeys.draft_save(actor=author, journey=journey, definition=parse(draft), revision=journey.revision)
    journeys.journey_submit(actor=author, journey=journey)
    for act in ("approve", "reject"):
        answer = rita.post(
            f"/journeys/{journey.pk}/approval/{act}/", {"looked_at": seen, "comment": "Good."}, follow=True
        )
        assert "submitted again while you looked" in answer.content.decode()
    assert ApprovalEntry.objects.latest("pk").decision == "submitted"
    fresh = looked_at(rita.get(f"/journeys/{journey.pk}/activate/").content)
    rita.post(f"/journeys/{journey.pk}/approval/approve/", {"looked_at": fresh})
    assert ApprovalEntry.objects.latest("pk").decision == "approved"


def test_a_campaign_that_was_swapped_meanwhile_is_not_approved(flu: Any, cast: Any, signed_in: Any) -> None:
    author = staff(cast.max)
    campaigns.campaign_submit(actor=author, campaign_id=flu.pk)
    rita = signed_in("rita")
    seen = looked_at(rita.get(f"/campaigns/{flu.pk}/approval/").content)
    campaigns.campaign_save(
        actor=author, name="Flu shots for all", spec={**SPEC, "segment": "", "everybody": True}, campaign_id=flu.pk
    )
    campaigns.campaign_submit(actor=author, campaign_id=flu.pk)
    answer = rita.post(f"/campaigns/{flu.pk}/approve/", {"looked_at": seen}, follow=True)
    assert "submitted again while you looked" in answer.content.decode()
    assert Campaign.objects.get(pk=flu.pk).state == State.IN_REVIEW
    rita.post(f"/campaigns/{flu.pk}/approve/", {"looked_at": looked_at(answer.content)})
    assert Campaign.objects.get(pk=flu.pk).state == State.APPROVED


@pytest.mark.parametrize("said", [{}, {"looked_at": ""}, {"looked_at": "x"}, {"looked_at": "0"}, {"looked_at": "-1"}])
def test_whoever_does_not_say_what_they_read_decides_nothing(flu: Any, cast: Any, signed_in: Any, said: Any) -> None:
    """A script, or a page kept from yesterday, that leaves the number of the submission out."""
    author = staff(cast.max)
    campaigns.campaign_submit(actor=author, campaign_id=flu.pk)
    journey = journeys.journey_from_preset(actor=author, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    journeys.journey_submit(actor=author, journey=journey)
    rita = signed_in("rita")
    for act in ("approve", "reject"):
        answer = rita.post(f"/campaigns/{flu.pk}/{act}/", {"comment": "Good.", **said}, follow=True)
        assert "Read what is there now" in answer.content.decode()
        rita.post(f"/journeys/{journey.pk}/approval/{act}/", {"comment": "Good.", **said})
    assert Campaign.objects.get(pk=flu.pk).state == State.IN_REVIEW
    assert ApprovalEntry.objects.latest("pk").decision == "submitted"
