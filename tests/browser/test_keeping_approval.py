"""In the browser: what a change of something approved costs is said and asked; a translation that fell behind."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.campaigns import services
from apps.campaigns.models import Campaign
from apps.content import services as content
from apps.content.selectors import template_named
from apps.core import actors
from apps.journeys import presets
from apps.journeys import services as journeys
from tests.campaigns import conftest as scenes

pytestmark = pytest.mark.django_db(transaction=True)
template = scenes.template
clinic = scenes.clinic
WINDOWS = [(1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")]


def test_a_marketer_changes_an_approved_campaign_knowingly(
    clinic: SimpleNamespace, cast: SimpleNamespace, enter: Callable[..., Any], fits: Callable[..., None]
) -> None:
    max_ = actors.staff(cast.max.pk, "marketer")
    made = services.campaign_save(actor=max_, name="Flu shots", spec=scenes.SPEC)
    services.campaign_submit(actor=max_, campaign_id=made.pk, planned=13)
    services.campaign_approve(actor=actors.staff(cast.rita.pk, "reviewer"), campaign_id=made.pk)
    page = enter("max")
    page.open(f"/campaigns/{made.pk}/audience/")
    expect(page.get_by_text("This campaign is approved")).to_be_visible()
    fits(page, WINDOWS)
    page.get_by_label("Name", exact=True).fill("Flu shots in town")
    page.get_by_label("Name", exact=True).press("Enter")
    question = page.get_by_role("alert")
    expect(question).to_contain_text("Save this change and give up the approval?")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Flu shots in town")
    fits(page, WINDOWS)
    page.get_by_label("Name", exact=True).press("Enter")
    expect(question).to_be_visible()
    assert Campaign.objects.get().state == "approved", "Enter asks again"
    question.get_by_role("button", name="Save the change").click()
    expect(page.get_by_text("The approval does not hold any more")).to_be_visible()
    assert Campaign.objects.get().state == "draft"


def test_the_builder_asks_before_an_edit_and_focuses_the_question(
    clinic: SimpleNamespace, cast: SimpleNamespace, enter: Callable[..., Any], fits: Callable[..., None]
) -> None:
    max_ = actors.staff(cast.max.pk, "marketer")
    journey = journeys.journey_from_preset(actor=max_, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    journeys.journey_submit(actor=max_, journey=journey)
    page = enter("max")
    page.open(f"/journeys/{journey.pk}/edit/")
    expect(page.get_by_text("This draft waits for approval")).to_be_visible()
    fits(page, WINDOWS)
    page.look(width=1280, scheme="light")
    page.get_by_role("button", name="Move step 2 up").click()
    expect(page.get_by_role("alert")).to_contain_text("Change it and give up the approval?")
    button = page.get_by_role("button", name="Make the change")
    expect(button).to_be_focused()
    fits(page, WINDOWS)
    button.click()
    expect(page.get_by_text("This draft waits for approval")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_translation_that_fell_behind_is_marked_and_cleared(
    template: None, enter: Callable[..., Any], fits: Callable[..., None]
) -> None:
    found = template_named("Flu shot")
    assert found is not None
    content.template_save(
        actor=actors.COMMAND_LINE,
        template_id=found.pk,
        version=None,
        edit=lambda before: {**before, "subject": "Another note from your care team"},
    )
    page = enter("max")
    page.open(f"/templates/{found.pk}/?variant=es")
    expect(page.get_by_text("1 older")).to_be_visible()
    fits(page, WINDOWS)
    page.look(width=1280, scheme="light")
    page.get_by_role("button", name="It is up to date").click()
    expect(page.get_by_text("1 older")).to_have_count(0)
    expect(page.get_by_text("Older than the main text")).to_have_count(0)
