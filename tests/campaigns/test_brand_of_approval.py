"""An administrator edits the brand while a campaign waits: nobody approves, reads or sends another sender unawares."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.campaigns import selectors, services
from apps.campaigns.models import Campaign, State
from apps.campaigns.services import sending
from apps.content import selectors as content
from apps.content import services as content_services
from apps.content.models import Brand
from apps.core import actors
from apps.organizations.services import organization_change
from tests.refusals import refused

from .conftest import CLI, SPEC

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(clinic: SimpleNamespace, cast: SimpleNamespace) -> Campaign:
    """Its sender is the template's own brand, which is not the default one."""
    heart = content_services.brand_save(
        actor=CLI,
        data={
            "name": "Heart center",
            "from_address": "heart@clinic.test",
            "from_name": "Heart center",
            "postal_address": "7 Elm Street, Lexington, KY 40507",
        },
    )
    template = content.template_named("Flu shot")
    assert template is not None
    content_services.template_brand(actor=CLI, template_id=template.pk, brand=heart)
    max_ = actors.staff(cast.max.pk, "marketer")
    made = services.campaign_save(actor=max_, name="Flu shots", spec=SPEC)
    return services.campaign_submit(actor=max_, campaign_id=made.pk, planned=13)


def edit(**changed: str) -> None:
    brand = next(each for each in Brand.objects.all() if each.name == "Heart center")
    content_services.brand_save(actor=CLI, brand=brand, data={**brand.opened, **changed}, is_default=brand.is_default)


EDITS = [
    {"from_name": "Somebody else"},
    {"from_address": "other@elsewhere.test"},
    {"reply_to": "other@clinic.test"},
    {"postal_address": "9 Oak Street, Lexington, KY 40507"},
]


@pytest.mark.parametrize("changed", EDITS, ids=lambda changed: next(iter(changed)))
def test_a_changed_brand_of_the_template_is_not_approved_unseen(
    waiting: Campaign, cast: SimpleNamespace, signed_in: Any, changed: dict[str, str]
) -> None:
    edit(**changed)
    page = signed_in("rita").get(f"/campaigns/{waiting.pk}/approval/").content
    assert b"Something changed since this was submitted" in page
    with pytest.raises(services.Changed):
        services.campaign_approve(actor=actors.staff(cast.rita.pk, "reviewer"), campaign_id=waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.approval) == (State.DRAFT, None)
    assert selectors.reviews(waiting)[0].decision == "Approval voided by a change"
    found = AuditEntry.objects.get(action="campaign.withdraw", subject=str(waiting.pk))
    assert (found.actor_id, found.codes) == (str(cast.rita.pk), {"void": 1})


def test_a_brand_changed_after_the_approval_is_not_sent(waiting: Campaign, cast: SimpleNamespace) -> None:
    services.campaign_approve(actor=actors.staff(cast.rita.pk, "reviewer"), campaign_id=waiting.pk)
    edit(reply_to="other@clinic.test")
    with refused("approval.outdated"):
        sending.campaign_send(actor=actors.staff(cast.max.pk, "marketer"), campaign_id=waiting.pk)
    assert Campaign.objects.get(pk=waiting.pk).state == State.DRAFT


def test_the_preview_shows_what_was_submitted_to_the_byte(waiting: Campaign, signed_in: Any) -> None:
    client = signed_in("rita")
    url = f"/campaigns/{waiting.pk}/preview/"
    before = client.get(url).content.decode()
    assert "7 Elm Street" in before
    edit(postal_address="9 Oak Street, Lexington, KY 40507")
    organization_change(actor=CLI, name="Another name", postal_address="9 Oak Street, Lexington, KY", phone="1")
    assert client.get(url).content.decode() == before


def test_an_unchanged_brand_is_approved_and_sent(waiting: Campaign, cast: SimpleNamespace, signed_in: Any) -> None:
    page = signed_in("rita").get(f"/campaigns/{waiting.pk}/approval/").content
    assert b"Something changed since" not in page
    services.campaign_approve(actor=actors.staff(cast.rita.pk, "reviewer"), campaign_id=waiting.pk)
    sent = sending.campaign_send(actor=actors.staff(cast.max.pk, "marketer"), campaign_id=waiting.pk)
    assert sent.state == State.SENDING


def test_the_trail_says_by_whose_button_the_approval_went(
    waiting: Campaign, cast: SimpleNamespace, signed_in: Any
) -> None:
    services.campaign_approve(actor=actors.staff(cast.rita.pk, "reviewer"), campaign_id=waiting.pk)
    edit(reply_to="other@clinic.test")
    signed_in("max").post(f"/campaigns/{waiting.pk}/send/")
    found = AuditEntry.objects.get(action="campaign.withdraw", subject=str(waiting.pk))
    assert (found.actor_id, found.codes) == (str(cast.max.pk), {"void": 1})


def test_what_was_approved_anew_meanwhile_stays_approved(
    waiting: Campaign, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Max's button met the old brand; until its answer is written, Rita has approved the campaign as it is now."""
    services.campaign_approve(actor=actors.staff(cast.rita.pk, "reviewer"), campaign_id=waiting.pk)

    def met_the_old_one(campaign: Campaign) -> None:
        raise services.Changed

    monkeypatch.setattr(sending, "_check", met_the_old_one)
    with pytest.raises(services.Changed):
        sending.campaign_send(actor=actors.staff(cast.max.pk, "marketer"), campaign_id=waiting.pk)
    assert Campaign.objects.get(pk=waiting.pk).state == State.APPROVED
