"""Journeys in the browser: the builder by mouse, by keyboard alone and by drag; every page in both themes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from apps.contacts.attributes.services import Wanted, attribute_create
from apps.contacts.models import Vocabulary
from apps.journeys import presets, selectors, services
from apps.journeys.definition import walk
from apps.journeys.models import Journey, JourneyRun
from tests.journeys.conftest import CLI, at, book, clinic, person, reminder, tick  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def walked(clinic, at) -> Journey:  # noqa: F811
    """Dana is reminded, Bo waits, Cy booked too late."""
    with at("2026-11-22T12:00"):
        journey = reminder()
        for name, start in (("Dana", "2026-12-10T14:30"), ("Bo", "2027-01-20T10:00"), ("Cy", "2026-11-23T10:00")):
            book(person(name), start)
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    return journey


@pytest.fixture
def draft(clinic) -> Journey:  # noqa: F811
    """The ready-made reminder as a draft."""
    return services.journey_from_preset(actor=CLI, preset=presets.APPOINTMENT_REMINDER_JOURNEY)


def steps(journey: Journey) -> list[str]:
    """The draft's steps in reading order, as "s3.otherwise/s4"."""
    opened = selectors.by_id(journey.pk)
    return [f"{place.path}/{place.step.id}" if place.path else place.step.id for place in walk(opened.draft)]


def test_every_page_is_accessible_and_fits(enter, fits, walked):
    page = enter("ada", width=375)
    windows = [(1280, "light"), (375, "dark")]
    run = JourneyRun.objects.get(step="s3")
    for path in ("", "people/", f"people/{run.pk}/", "versions/", "edit/", "edit/?step=s1", "edit/?panel=entry"):
        page.open(f"/journeys/{walked.pk}/{path}")
        fits(page, windows)
    page.open("/journeys/")
    fits(page, windows)


def test_from_an_empty_list_to_an_active_reminder(enter, axe, clinic, at):  # noqa: F811
    book(person(), "2027-01-20T10:00")
    page = enter("max")
    page.open("/journeys/")
    page.get_by_role("button", name="New journey").click()
    axe(page)
    page.get_by_role("button", name=re.compile("Appointment reminder")).click()
    expect(page.get_by_role("heading", name="Appointment reminder", exact=True)).to_be_visible()
    page.get_by_role("link", name="Review and activate").click()
    expect(page.get_by_text("1 appointment is")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Ask for approval").click()
    page.settle()
    rita = enter("rita")
    rita.open("/")
    rita.get_by_role("link", name=re.compile("Approve “Appointment reminder”")).click()
    axe(rita)
    rita.get_by_role("button", name="Approve journey").click()
    rita.settle()
    page.reload()
    axe(page)
    page.get_by_role("button", name="Activate journey").click()
    expect(page.get_by_text("Version 1 is active.")).to_be_visible()
    expect(page.get_by_role("link", name="1 waiting")).to_be_visible()
    page.get_by_role("link", name="1 waiting").click()
    expect(page.get_by_text("D••• Q•••")).to_be_visible()


def test_the_clock_time_of_a_wait_is_edited_in_place(enter, draft):
    page = enter("max")
    page.open(f"/journeys/{draft.pk}/edit/")
    page.get_by_role("link", name=re.compile("Wait until 3 days before")).click()
    page.get_by_label("Days").fill("2")
    page.get_by_label("Clock time").fill("10:30")
    page.get_by_role("button", name="Save step").click()
    expect(
        page.get_by_role("link", name="Wait until 2 days before the appointment, 10:30 AM clinic time")
    ).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name=re.compile("Wait until 3 days before"))).to_be_visible()


def test_a_wrong_number_is_told_and_nothing_is_lost(enter, axe, draft):
    page = enter("max")
    page.open(f"/journeys/{draft.pk}/edit/?step=s1")
    page.get_by_label("Days").fill("900")
    page.get_by_label("Clock time").fill("07:15")
    page.get_by_role("button", name="Save step").click()
    expect(page.locator("#journey-settings").get_by_text(re.compile("less than or equal to 730")).first).to_be_visible()
    expect(page.get_by_label("Clock time")).to_have_value("07:15")
    axe(page)
    assert steps(draft) == ["s1", "s2", "s3", "s3.otherwise/s4"]


def test_keyboard_alone_adds_moves_and_deletes(enter, axe, draft):
    page = enter("max")
    page.open(f"/journeys/{draft.pk}/edit/")
    page.get_by_role("button", name="Add a step after step 1").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#journey-add [data-kind=send]")).to_be_focused()
    axe(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Wait 1 day")).to_be_focused()
    expect(page.locator("#journey-said")).to_have_text("Added Wait at position 2 of 4 on the main path.")
    assert steps(draft) == ["s1", "s5", "s2", "s3", "s3.otherwise/s4"]
    page.get_by_role("button", name="Move step 2 down").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#journey-said")).to_have_text("Moved Wait to position 3 of 4 on the main path.")
    expect(page.get_by_role("link", name="Wait 1 day")).to_be_focused()
    page.get_by_role("button", name="Delete step 3").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#journey-said")).to_have_text("Deleted Wait.")
    assert steps(draft) == ["s1", "s2", "s3", "s3.otherwise/s4"]


def test_escape_closes_the_menu_and_gives_the_focus_back(enter, draft):
    page = enter("max")
    page.open(f"/journeys/{draft.pk}/edit/")
    plus = page.get_by_role("button", name="Add a step after step 2")
    plus.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#journey-add")).to_be_hidden()
    expect(plus).to_be_focused()


def test_a_step_moves_to_another_path_without_dragging(enter, draft):
    page = enter("max")
    page.open(f"/journeys/{draft.pk}/edit/?step=s2")
    page.get_by_text("Move to another path").click()
    page.get_by_label("Path", exact=True).select_option("s3.then")
    page.get_by_role("button", name="Move step", exact=True).click()
    expect(page.locator("#journey-said")).to_have_text("Moved Send to position 1 of 1 on the yes path.")
    assert "s3.then/s2" in steps(draft)


def test_dragging_does_what_the_buttons_do(enter, draft):
    page = enter("max", height=1400)
    page.open(f"/journeys/{draft.pk}/edit/")
    card = page.locator("[data-step=s2] > .jt-card .jt-kind").bounding_box()
    target = page.locator("[data-step=s1] > .jt-card .jt-kind").bounding_box()
    page.mouse.move(card["x"] + 5, card["y"] + 5)
    page.mouse.down()
    page.mouse.move(card["x"] + 5, card["y"] - 40, steps=5)
    page.mouse.move(target["x"] + 5, target["y"] - 4, steps=10)
    page.mouse.up()
    expect(page.locator("#journey-said")).to_have_text("Moved Send to position 1 of 3 on the main path.")
    assert steps(draft)[:2] == ["s2", "s1"]


def test_what_is_missing_is_told_where_it_is_missing(enter, axe, draft):
    page = enter("max")
    page.open(f"/journeys/{draft.pk}/edit/")
    page.get_by_role("button", name="Condition").click()
    expect(page.get_by_text("has no condition. Say what to ask").first).to_be_visible()
    page.get_by_role("link", name="1 to mend").click()
    expect(page.get_by_text("Mend 1 thing before it can be active.")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Review and activate").click()
    expect(page.get_by_text("This draft cannot be active yet")).to_be_visible()


def test_two_editors_are_told_and_nothing_is_overwritten(enter, draft):
    first, second = enter("max"), enter("ada")
    first.open(f"/journeys/{draft.pk}/edit/")
    second.open(f"/journeys/{draft.pk}/edit/")
    first.get_by_role("button", name="Delete step 4").click()
    expect(first.locator("#journey-said")).to_have_text("Deleted Send.")
    second.get_by_role("button", name="Move step 1 down").click()
    expect(second.get_by_text("Somebody saved this journey meanwhile.").first).to_be_visible()
    assert steps(draft) == ["s1", "s2", "s3"]


def test_pausing_says_what_will_happen(enter, axe, walked):
    page = enter("max")
    page.open(f"/journeys/{walked.pk}/")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Nobody comes in and nobody moves until you resume.")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Pause journey").click()
    expect(page.get_by_text("Paused. Everybody keeps their place.")).to_be_visible()


def test_without_script_the_builder_still_works(browser, live_server, signed_in, draft):
    from django.conf import settings

    client = signed_in("max")
    context = browser.new_context(java_script_enabled=False)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/journeys/{draft.pk}/edit/")
    page.get_by_role("button", name="Move step 2 up").click()
    assert steps(draft)[:2] == ["s2", "s1"]
    context.close()


def test_a_condition_is_built_like_a_segment_or_asks_about_this_journey(enter, axe, draft):
    page = enter("max")
    page.open(f"/journeys/{draft.pk}/edit/")
    page.get_by_role("button", name="Condition").click()
    page.get_by_label("What condition 1 looks at").select_option("consent:marketing")
    page.get_by_role("button", name="Add condition").click()
    page.get_by_label("What condition 2 looks at").select_option("field:age")
    expect(page.get_by_label("Youngest age")).to_be_visible()
    page.get_by_role("button", name="Remove condition 1").click()
    expect(page.get_by_label("What condition 2 looks at")).to_have_count(0)
    axe(page)
    page.get_by_role("button", name="Save step").click()
    expect(page.locator("[data-tree]").get_by_text("Is 18 to 64 years old?")).to_be_visible()
    page.get_by_label("Ask about").select_option("message")
    expect(page.get_by_role("button", name="Add condition")).to_be_hidden()
    page.get_by_label("Was it answered?").select_option("clicked")
    page.get_by_role("button", name="Save step").click()
    expect(page.locator("[data-tree]").get_by_text("Did the person click in the message before?")).to_be_visible()
    page.get_by_label("Ask about").select_option("visit")
    page.get_by_role("button", name="Save step").click()
    expect(page.locator("[data-tree]").get_by_text("Is the appointment still booked?")).to_be_visible()


def test_a_condition_offers_the_vaccines_by_their_terms(enter, axe, draft):
    Vocabulary.objects.create(system="CVX", code="140", term="Influenza, seasonal")
    page = enter("max")
    page.open(f"/journeys/{draft.pk}/edit/")
    page.get_by_role("button", name="Condition").click()
    page.get_by_label("What condition 1 looks at").select_option("event:immunization")
    page.get_by_label("Which", exact=True).select_option("code")
    page.get_by_label("Term or code").press_sequentially("influ")
    expect(page.get_by_role("option", name="Influenza, seasonal")).to_be_visible()
    axe(page)
    page.get_by_label("Term or code").press("ArrowDown")
    page.get_by_label("Term or code").press("Enter")
    expect(page.get_by_label("Term or code")).to_have_value("Influenza, seasonal (CVX 140)")
    page.get_by_role("button", name="Save step").click()
    expect(page.locator("[data-tree]").get_by_text("Influenza, seasonal (CVX 140)")).to_be_visible()


@pytest.mark.parametrize("width", [375, 1280])
def test_trying_a_journey_with_one_invented_person(enter, axe, draft, width):
    page = enter("max")
    page.set_viewport_size({"width": width, "height": 800})
    page.open(f"/journeys/{draft.pk}/try/")
    expect(page.get_by_text("2 messages")).to_be_visible()
    page.get_by_label("Answers each message").select_option("clicked")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("Clicks in “Appointment reminder”")).to_be_visible()
    axe(page)


@pytest.mark.parametrize("width", [1280, 375])
def test_a_step_that_updates_an_attribute_is_built_and_tried(enter, axe, draft, width):
    attribute_create(actor=CLI, wanted=Wanted("Risk group", "choice", choices=("High", "Low")))
    page = enter("max", width=width)
    page.open(f"/journeys/{draft.pk}/edit/")
    page.get_by_role("button", name="Add a step after step 2").click()
    page.locator("#journey-add [data-kind=update_attribute]").click()
    page.get_by_role("link", name="Update an attribute (choose one)").click()
    settings = page.locator("#journey-settings")
    expect(settings.get_by_label("Value")).to_have_count(0)
    settings.get_by_label("Attribute").select_option(label="Risk group")
    page.settle()  # the answer draws the form anew; what is chosen before it has come would be lost
    expect(settings.get_by_label("Value")).to_be_visible()
    expect(page.get_by_role("link", name="1 to mend")).to_be_visible()
    settings.get_by_label("Value").select_option("High")
    settings.get_by_role("button", name="Save step").click()
    expect(settings.get_by_text("Set “Risk group” to “High”")).to_be_visible()
    axe(page)
    page.no_overflow()
    page.open(f"/journeys/{draft.pk}/try/")
    expect(page.get_by_text("Step 3: Set “Risk group” to “High”")).to_be_visible()
    page.no_overflow()
