"""The page /components: every part of the look, in both themes, wide and on a phone, and what its scripts do."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests import sizes


def test_every_component_is_accessible_and_keeps_the_policy(enter, fits):
    page = enter("ada", width=320)
    page.open("/components")
    fits(page, [(320, "light"), (320, "dark"), (1280, "dark"), (1280, "light")])


@pytest.mark.proof
@sizes.some("scheme", ["light", "dark"], sample=[1])
def test_open_parts_are_accessible_too(enter, axe, scheme):
    page = enter("ada", scheme=scheme)
    page.open("/components")
    page.get_by_role("button", name="More").first.click()
    expect(page.get_by_role("button", name="Duplicate")).to_be_focused()
    axe(page)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Archive")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Open dialog").click()
    dialog = page.get_by_role("dialog", name="Duplicate campaign")
    expect(dialog).to_be_visible()
    place = dialog.bounding_box()
    assert abs(place["y"] * 2 + place["height"] - 900) < 4, "a dialog stands in the middle"
    axe(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Open drawer").click()
    expect(page.get_by_role("dialog", name="Message to Rosa Delgado")).to_be_visible()
    axe(page)


def test_the_menu_is_a_drawer_on_a_phone(enter, axe):
    page = enter("ada", width=375)
    page.open("/components")
    page.get_by_role("button", name="Open menu").click()
    drawer = page.get_by_role("dialog", name="Menu")
    expect(drawer).to_be_visible()
    axe(page)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("button", name="Open menu")).to_be_focused()


def test_choosing_rows_shows_how_many(enter):
    page = enter("ada")
    page.open("/components")
    page.get_by_label("Choose Welcome to the portal").check()
    expect(page.locator("[data-chosen-count]")).to_have_text("1 chosen")
    page.get_by_label("Choose all on this page").check()
    expect(page.locator("[data-chosen-count]")).to_have_text("4 chosen")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("[data-chosen-bar]")).to_be_hidden()


def test_these_scenes_see_what_the_policy_blocks(enter):
    page = enter("ada")
    page.open("/components")
    assert page.problems == []
    for markup in (
        '<p style="color: red">',
        '<img src="x" onerror="alert()">',
        '<img src="http://elsewhere.test/a.png">',
    ):
        page.evaluate("(markup) => document.querySelector('main').insertAdjacentHTML('beforeend', markup)", markup)
    page.settle()
    told = "\n".join(page.problems)
    for words in ("inline style", "inline event handler", "Loading the image 'http://elsewhere.test/a.png' violates"):
        assert words in told
    page.problems.clear()


def test_compact_rows_are_remembered(enter):
    page = enter("ada")
    page.open("/components")
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_role("button", name="Compact").click()
    page.open("/components")
    expect(page.get_by_role("button", name="Compact")).to_have_attribute("aria-pressed", "true")
    assert page.locator("html").get_attribute("class") == "table-compact"


def test_a_combobox_is_typed_into_and_sets_the_select(enter):
    page = enter("ada")
    page.open("/components")
    box = page.get_by_role("combobox", name="Owner").last
    box.click()
    box.fill("oka")
    expect(page.locator(".combobox-list [role=option]")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(box).to_have_value("Sam Okafor")
    assert page.locator("select#id_owner").input_value() == "2"


def test_unsaved_changes_are_said_and_the_first_error_is_linked(enter):
    page = enter("ada")
    page.open("/components")
    summary = page.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    expect(page.locator("[data-save-state]")).to_have_text("")
    summary.get_by_role("link", name=re.compile("^Name")).click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Autumn")
    expect(page.locator("[data-save-state]")).to_have_text("Unsaved changes")


def test_the_page_says_who_may_open_what_one_may_not(enter, axe):
    page = enter("nora")
    page.open("/no-such-page")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    axe(page)


def test_what_cannot_be_undone_asks_for_its_name(enter, axe):
    page = enter("ada")
    asked = []
    page.route("**/components/none", lambda route: (asked.append(1), route.fulfill(status=204)))
    page.open("/components")
    page.get_by_role("button", name="Delete by typing").click()
    question = page.get_by_role("alertdialog", name="Delete “Overdue checkups”?")
    expect(question).to_be_visible()
    axe(page)
    question.get_by_role("button", name="Delete segment now").click()
    expect(question.get_by_label("Type Overdue checkups to go on")).to_have_attribute("aria-invalid", "true")
    question.get_by_role("button", name="Cancel").click()
    assert not asked
    page.get_by_role("button", name="Delete by typing").click()
    question.get_by_label("Type Overdue checkups to go on").fill("Overdue checkups")
    with page.expect_response("**/components/none"):
        question.get_by_role("button", name="Delete segment now").click()
    assert asked


def test_a_session_that_ended_covers_the_page_instead_of_leaving_it(enter):
    page = enter("ada")
    page.route("**/reveal", lambda route: route.fulfill(status=401, headers={"HX-Redirect": "/account/sign-in/"}))
    page.open("/components")
    page.get_by_role("button", name="Reveal e-mail").click()
    expect(page.get_by_role("alertdialog", name="You were signed out")).to_be_visible()
    assert page.url.endswith("/components")


def test_a_toast_comes_with_an_answer_to_htmx_even_when_it_replaces_the_button(enter):
    page = enter("ada")
    toast = {"HX-Trigger": '{"toast": {"text": "Shown once.", "kind": "info"}}', "Content-Type": "text/html"}
    page.route("**/reveal", lambda route: route.fulfill(headers=toast, body='<span class="masked">rosa</span>'))
    page.open("/components")
    page.get_by_role("button", name="Reveal e-mail").click()
    expect(page.get_by_text("Shown once.")).to_be_visible()
    expect(page.get_by_role("button", name="Reveal e-mail")).to_have_count(0)
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("Shown once.")).to_be_hidden()
