"""Whoever opens a page of an approved campaign reads what a change would cost, and is asked before it does."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from apps.campaigns import home, selectors, services
from apps.campaigns.models import Campaign, State
from apps.content import selectors as content
from apps.content import services as content_services
from apps.core import actors, clock
from tests.refusals import refused

from .conftest import CLI, SPEC

pytestmark = pytest.mark.django_db

AS_IT_IS = {
    "audience": {"name": "Flu shots", "who": "segment", "segment": "Everyone"},
    "message": {"template": "Flu shot", "brand": ""},
    "purpose": {"purpose": "treatment", "remuneration": "none"},
}
ANOTHER = {
    "audience": {"name": "Flu shots", "who": "everybody"},
    "message": {"template": "Newsletter", "brand": ""},
    "purpose": {"purpose": "operations", "remuneration": "none"},
}


@pytest.fixture
def waiting(clinic: SimpleNamespace, cast: SimpleNamespace) -> Campaign:
    max_ = actors.staff(cast.max.pk, "marketer")
    made = services.campaign_save(actor=max_, name="Flu shots", spec=SPEC)
    return services.campaign_submit(actor=max_, campaign_id=made.pk, planned=13)


@pytest.fixture
def approved(waiting: Campaign, cast: SimpleNamespace) -> Campaign:
    return services.campaign_approve(actor=actors.staff(cast.rita.pk, "reviewer"), campaign_id=waiting.pk)


def now(campaign: Campaign) -> Campaign:
    return Campaign.objects.get(pk=campaign.pk)


def post(client: Any, campaign: Campaign, step: str, form: dict[str, Any]) -> Any:
    """As the page of that step sends it: with the version it was made from."""
    url = f"/campaigns/{campaign.pk}/{step}/"
    return client.post(url, {**form, "version": client.get(url).context["version"]})


@pytest.mark.parametrize("step", AS_IT_IS)
def test_every_page_says_who_approved_and_when(approved: Campaign, signed_in: Any, step: str) -> None:
    page = signed_in("max").get(f"/campaigns/{approved.pk}/{step}/").content.decode()
    assert "This campaign is approved" in page
    assert "Approved by Rita" in page
    assert "Nov 20, 2026" in page


def test_the_home_page_says_when_it_was_approved_not_when_it_was_written(
    waiting: Campaign, cast: SimpleNamespace
) -> None:
    later = clock.now() + timedelta(hours=2)
    with clock.frozen(later):
        services.campaign_approve(actor=actors.staff(cast.rita.pk, "reviewer"), campaign_id=waiting.pk)
    (item,) = home.waiting(cast.max, later)
    assert "is approved" in item.title
    assert item.at == later


@pytest.mark.parametrize("step", AS_IT_IS)
def test_while_it_waits_the_pages_say_who_asked(waiting: Campaign, signed_in: Any, step: str) -> None:
    page = signed_in("max").get(f"/campaigns/{waiting.pk}/{step}/").content.decode()
    assert "This campaign waits for approval" in page
    assert "Submitted by Max" in page


@pytest.mark.parametrize("step", AS_IT_IS)
def test_going_through_the_pages_without_a_change_voids_nothing(approved: Campaign, signed_in: Any, step: str) -> None:
    before = now(approved)
    answer = post(signed_in("max"), approved, step, AS_IT_IS[step])
    assert answer.status_code == 302
    after = now(approved)
    assert (after.state, after.version, after.approval) == (State.APPROVED, before.version, before.approval)


@pytest.mark.parametrize("step", ANOTHER)
def test_a_change_is_asked_about_and_saved_only_when_wanted(approved: Campaign, signed_in: Any, step: str) -> None:
    client = signed_in("max")
    asked = post(client, approved, step, ANOTHER[step])
    assert asked.status_code == 422
    words = asked.content.decode()
    assert "Save this change and give up the approval?" in words
    assert "Approved by Rita" in words
    assert now(approved).state == State.APPROVED
    post(client, approved, step, {**ANOTHER[step], "void": "yes"})
    assert now(approved).state == State.DRAFT
    assert selectors.reviews(now(approved))[0].decision == "Approval voided by a change"


def test_an_approved_campaign_keeps_its_text_when_its_page_is_saved_as_it_is(
    approved: Campaign, signed_in: Any
) -> None:
    template = content.template_named("Flu shot")
    assert template is not None
    content_services.template_save(
        actor=CLI, template_id=template.pk, version=None, edit=lambda before: {**before, "subject": "Another"}
    )
    client = signed_in("max")
    post(client, approved, "message", AS_IT_IS["message"])
    assert (now(approved).state, now(approved).template_version) == (State.APPROVED, approved.template_version)
    for step in ("message", "plan", "approval"):
        page = client.get(f"/campaigns/{approved.pk}/{step}/").content.decode()
        assert "The template has a newer text" in page
    client.post(f"/campaigns/{approved.pk}/withdraw/")
    post(client, approved, "message", AS_IT_IS["message"])
    assert now(approved).template_version != approved.template_version
    assert "The template has a newer text" not in client.get(f"/campaigns/{approved.pk}/plan/").content.decode()


def test_the_author_takes_it_back_to_a_draft(approved: Campaign, signed_in: Any) -> None:
    client = signed_in("max")
    assert b"Take back to a draft" in client.get(f"/campaigns/{approved.pk}/approval/").content
    assert signed_in("rita").post(f"/campaigns/{approved.pk}/withdraw/").status_code == 403
    client.post(f"/campaigns/{approved.pk}/withdraw/")
    row = now(approved)
    assert (row.state, row.approved_by, row.skeleton_id) == (State.DRAFT, "", None)
    with refused("approval.none"):
        services.campaign_withdraw(actor=CLI, campaign_id=approved.pk)


def test_who_took_an_approval_back_decides_again(
    clinic: SimpleNamespace, cast: SimpleNamespace, signed_in: Any
) -> None:
    """In a clinic of two, Ada approves what Max writes: taking it back makes her no author."""
    max_, ada = actors.staff(cast.max.pk, "marketer"), actors.staff(cast.ada.pk, "administrator")
    made = services.campaign_save(actor=max_, name="Flu shots", spec=SPEC)
    services.campaign_submit(actor=max_, campaign_id=made.pk, planned=13)
    services.campaign_approve(actor=ada, campaign_id=made.pk)
    services.campaign_withdraw(actor=ada, campaign_id=made.pk)
    services.campaign_submit(actor=max_, campaign_id=made.pk, planned=13)
    services.campaign_approve(actor=ada, campaign_id=made.pk)
    assert now(made).state == State.APPROVED
    assert f"Took campaign {made.pk} back to a draft" in signed_in("otto").get("/audit/").content.decode()
