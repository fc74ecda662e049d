"""A campaign from the first page of the wizard to the report, by two people; both themes, a phone, the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.campaigns import services
from apps.campaigns.models import Campaign
from apps.campaigns.services import sending
from apps.core import actors, clock
from apps.delivery.models import MailDomain, OutboxMessage
from tests.campaigns import conftest as scenes

pytestmark = pytest.mark.django_db(transaction=True)
CLI = actors.COMMAND_LINE
template = scenes.template
clinic = scenes.clinic


@pytest.fixture(autouse=True)
def fresh_measures(clinic: SimpleNamespace) -> None:
    """The server's thread has the real clock: the mail servers were measured a moment ago by it."""
    MailDomain.objects.update(measured_at=datetime.now(UTC))


def test_two_people_send_a_campaign(
    clinic: SimpleNamespace, enter: Callable[..., Any], axe: Callable[..., None]
) -> None:
    page = enter("max")
    page.open("/campaigns/")
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name", exact=True).fill("Flu shots")
    page.get_by_label("A segment").check()
    page.pick("Segment", "every")
    axe(page)
    page.get_by_role("button", name="Go on to the message").click()
    page.pick("Template", "flu")
    page.get_by_role("button", name="Save and preview").click()
    expect(page.frame_locator("iframe").first.locator("body")).to_contain_text("flu shot")
    axe(page)
    page.get_by_role("button", name="Go on to the purpose").click()
    page.get_by_label("Treatment").check()
    page.get_by_label("Nobody pays us for this message").check()
    axe(page)
    page.get_by_role("button", name="Go on to the plan").click()
    expect(page.get_by_text("How will it be protected?").first).to_be_visible()
    axe(page)
    page.get_by_role("link", name="A minor without a guardian on record").click()
    expect(page.get_by_role("heading", name="A minor without a guardian on record")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Back to the plan").click()
    page.get_by_role("link", name="Go on to approval").click()
    page.get_by_role("button", name="Ask for approval of 5 messages").click()
    expect(page.get_by_text("You prepared this campaign")).to_be_visible()
    axe(page)

    reviewer = enter("rita")
    reviewer.open(f"/campaigns/{Campaign.objects.get().pk}/")
    reviewer.get_by_label("Comment").fill("Good.")
    axe(reviewer)
    reviewer.get_by_role("button", name="Approve 5 messages").click()
    expect(reviewer.get_by_text("A marketer or an administrator sends it.")).to_be_visible()

    page.page.reload()
    page.get_by_role("button", name="Send to 5 people now").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Send to 5 people").click()
    expect(page.get_by_text("How far did it get?").first).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_the_pages_hold_in_both_themes_and_on_a_phone(
    clinic: SimpleNamespace,
    cast: SimpleNamespace,
    enter: Callable[..., Any],
    fits: Callable[..., None],
) -> None:
    max_, rita = actors.staff(cast.max.pk, "marketer"), actors.staff(cast.rita.pk, "reviewer")
    draft = services.campaign_save(actor=max_, name="Winter newsletter", spec={**scenes.SPEC, "segment": "Everyone"})
    sent = services.campaign_save(actor=max_, name="Flu shots", spec=scenes.SPEC)
    services.campaign_submit(actor=max_, campaign_id=sent.pk)
    services.campaign_approve(actor=rita, campaign_id=sent.pk, comment="Good.")
    sending.campaign_send(actor=max_, campaign_id=sent.pk)
    sending.campaign_feed_all(actor=max_, campaign_id=sent.pk)
    for person, route in ((clinic.tls, "tls"), (clinic.weak, "portal"), (clinic.pgp, "pgp")):
        OutboxMessage.objects.filter(person_id=person).update(
            state="sent", route=route, finished_at=clock.now() + timedelta(minutes=1)
        )
    page = enter("max", width=375)
    pages = ["", f"{draft.pk}/audience/", f"{draft.pk}/message/", f"{draft.pk}/purpose/", f"{draft.pk}/plan/"]
    for path in [*pages, f"{draft.pk}/approval/", f"{sent.pk}/", f"{sent.pk}/people/sent/"]:
        page.open(f"/campaigns/{path}")
        fits(page, [(1280, "dark"), (375, "light"), (375, "dark")])
