"""A marketer builds a segment: with the mouse, with the keyboard alone, in both themes, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.contacts import services as contacts
from apps.contacts.models import Vocabulary
from apps.core import actors
from apps.segments import selectors, services

pytestmark = pytest.mark.django_db(transaction=True)
CLI = actors.COMMAND_LINE


@pytest.fixture
def town() -> None:
    profiles = [
        {"first_name": "Dana", "last_name": "Quist", "sex": "F", "birth_date": "1960-05-01"},
        {"first_name": "Ines", "last_name": "Marsh", "sex": "F", "birth_date": "1990-05-01"},
        {"first_name": "Omar", "last_name": "Reed", "sex": "M", "birth_date": "1955-05-01"},
    ]
    contacts.contacts_create(actor=CLI, profiles=profiles)
    Vocabulary.objects.create(system="CVX", code="140", term="Influenza, seasonal")


def people(page: Any) -> Any:
    return page.locator("#preview .figure-value")


def test_a_segment_is_built_counted_and_saved(town: None, enter: Callable[..., Any], axe: Callable[..., None]) -> None:
    page = enter("max")
    page.open("/segments/")
    page.get_by_role("link", name="New segment").first.click()
    expect(page.locator("#preview")).to_contain_text("Not complete yet")
    page.get_by_label("What condition 1 looks at").select_option("field:sex")
    expect(people(page)).to_have_text("2")
    page.get_by_label("Name of the segment").fill("Women over 50")
    page.get_by_role("button", name="Add condition").click()
    page.get_by_label("What condition 2 looks at").select_option("field:age")
    page.get_by_label("Comparison").nth(1).select_option("at_least")
    page.get_by_label("Youngest age").fill("50")
    expect(people(page)).to_have_text("1")
    expect(page.locator("#preview")).to_contain_text("Sex is female and is 50 or older.")
    expect(page.locator("#preview")).to_contain_text("D••• Q•••")
    axe(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Youngest age")).to_be_visible()
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name="Women over 50")).to_be_visible()
    assert selectors.by_name("Women over 50").sentence.startswith("Sex is female")
    axe(page)


def test_a_new_segment_asks_nothing_until_somebody_chooses(
    town: None, enter: Callable[..., Any], axe: Callable[..., None]
) -> None:
    page = enter("max")
    page.open("/segments/new/")
    what = page.get_by_label("What condition 1 looks at")
    expect(what).to_have_value("")
    expect(page.locator(".rule-row")).to_contain_text("Choose what to look at.")
    page.get_by_role("button", name="Save segment").click()
    name = page.get_by_label("Name of the segment")
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description("Give the segment a name.")
    expect(what).to_have_accessible_description("Choose what to look at, or remove the condition.")
    axe(page)
    page.get_by_role("link", name="Condition 1: choose what to look at").click()
    expect(what).to_be_focused()
    what.select_option("field:city")
    page.get_by_label("Value").fill("Ashland")
    name.fill("In Ashland")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name="In Ashland")).to_be_visible()


def test_the_builder_works_with_the_keyboard_alone(town: None, enter: Callable[..., Any]) -> None:
    page = enter("max")
    page.open("/segments/new/")
    page.get_by_label("What condition 1 looks at").focus()
    page.keyboard.type("Sex")
    expect(people(page)).to_have_text("2")
    page.get_by_label("Name of the segment").focus()
    page.keyboard.type("By keyboard")
    page.get_by_role("button", name="Add group").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("How the conditions of group 2 count together")).to_be_focused()
    page.get_by_role("button", name="Move condition 1 down").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What condition 1.1 looks at")).to_be_focused()
    expect(page.locator("[data-rule-said]")).to_have_text("Moved down")
    page.get_by_role("button", name="Remove condition 1.1").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_label("What condition 1.1 looks at")).to_be_focused()
    page.keyboard.type("Age")
    expect(page.get_by_label("Youngest age")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.get_by_role("button", name="Save segment").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="By keyboard")).to_be_visible()


def test_who_types_while_rows_are_on_their_way_goes_on_typing(town: None, enter: Callable[..., Any]) -> None:
    page = enter("max")
    page.open("/segments/new/")
    page.get_by_label("What condition 1 looks at").select_option("event:immunization")
    page.get_by_label("Which").select_option("code")
    code = page.get_by_label("Term or code")
    expect(code).to_be_visible()
    asked: list[Any] = []
    page.route("**/segments/rows/", lambda route: asked.append(route))
    page.get_by_label("When").select_option("since")
    code.click()
    page.keyboard.type("14")
    asked[0].continue_()
    expect(page.get_by_label("On or after")).to_be_visible()
    expect(code).to_be_focused()
    page.keyboard.type("0")
    expect(code).to_have_value("140")


def test_a_condition_is_dragged_into_a_group(town: None, enter: Callable[..., Any]) -> None:
    page = enter("max")
    page.open("/segments/new/")
    page.get_by_role("button", name="Add group").click()
    expect(page.get_by_label("What condition 2.1 looks at")).to_be_visible()
    grip = page.locator("[data-rule-item=n0] [data-grip]").first
    target = page.locator("[data-rule-item=n1-0]")
    grip.hover()
    page.mouse.down()
    box = target.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 4, steps=12)
    page.mouse.move(box["x"] + 40, box["y"] + box["height"] / 2, steps=12)
    page.mouse.up()
    expect(page.get_by_label("What condition 1.2 looks at")).to_be_visible()


def test_a_vaccine_is_found_by_its_term(town: None, enter: Callable[..., Any]) -> None:
    page = enter("max")
    page.open("/segments/new/")
    page.get_by_label("What condition 1 looks at").select_option("event:immunization")
    page.get_by_label("Which").select_option("code")
    page.get_by_label("Term or code").press_sequentially("influ")
    expect(page.get_by_role("listbox", name="Terms").get_by_role("option")).to_have_count(1)
    page.get_by_role("option", name="Influenza, seasonal").click()
    expect(page.get_by_label("Term or code")).to_have_value("Influenza, seasonal (CVX 140)")
    expect(people(page)).to_have_text("0")
    expect(page.locator("#preview")).to_contain_text("Influenza, seasonal (CVX 140)")
    # The count that came meanwhile has not opened the list again over the button below it.
    expect(page.get_by_role("listbox", name="Terms")).to_be_hidden()
    page.get_by_role("button", name="Add condition").click()
    expect(page.get_by_label("What condition 2 looks at")).to_be_visible()


def test_undo_brings_back_a_number_that_was_typed(town: None, enter: Callable[..., Any]) -> None:
    page = enter("max")
    page.open("/segments/new/")
    page.get_by_label("What condition 1 looks at").select_option("field:age")
    page.get_by_label("Comparison").select_option("at_least")
    age = page.get_by_label("Youngest age")
    age.fill("50")
    expect(people(page)).to_have_text("2")
    age.press("Tab")
    age.fill("68")
    expect(people(page)).to_have_text("1")
    age.press("Tab")
    undo = page.get_by_role("button", name="Undo")
    page.wait_for_function("() => document.getElementById('rows').dataset.undoState.includes('68')")
    undo.click()
    expect(page.get_by_label("Youngest age")).to_have_value("50")
    expect(people(page)).to_have_text("2")


def test_the_pages_hold_in_both_themes_and_on_a_phone(
    town: None, enter: Callable[..., Any], fits: Callable[..., None]
) -> None:
    rule = {
        "match": "all",
        "rules": [
            {"field": "birth_date", "op": "between", "from": "1952-01-01", "to": "1976-12-31"},
            {
                "match": "none",
                "rules": [{"event": "immunization", "code": "140", "op": "at_least", "times": 1, "last_days": 365}],
            },
        ],
    }
    saved = services.segment_save(actor=CLI, name="Due for a flu shot", rule=rule)
    services.segment_count(actor=CLI, segment_id=saved.pk)
    page = enter("max", width=375)
    for path in ("/segments/", f"/segments/{saved.pk}/", f"/segments/{saved.pk}/edit/"):
        page.open(path)
        fits(page, [(1280, "dark"), (375, "light"), (375, "dark")])


def test_a_condition_on_a_phone_is_a_compact_card(town: None, enter: Callable[..., Any]) -> None:
    """Number and buttons in one line, what it looks at under them, then what belongs together side by side."""
    page = enter("max", width=375)
    page.open("/segments/new/")
    page.get_by_label("What condition 1 looks at").select_option("event:immunization")
    page.get_by_label("When").select_option("between")
    expect(page.get_by_label("From", exact=True)).to_be_visible()

    def middle(label: str) -> float:
        box = page.get_by_label(label, exact=True).bounding_box()
        return float(box["y"] + box["height"] / 2)

    def beside(one: str, other: str) -> bool:
        return abs(middle(one) - middle(other)) < 4

    assert beside("Move condition 1 up", "Remove condition 1")
    assert middle("Remove condition 1") < middle("What condition 1 looks at") < middle("Comparison")
    assert beside("Comparison", "Number of times")
    assert beside("Which", "When")
    assert beside("From", "To")
    expect(page.get_by_text("Condition 1", exact=True)).to_be_visible()


def test_days_that_are_not_given_do_not_mean_any_time(town: None, enter: Callable[..., Any]) -> None:
    page = enter("max")
    page.open("/segments/new/")
    page.get_by_label("What condition 1 looks at").select_option("event:immunization")
    page.get_by_label("When").select_option("since")
    expect(page.locator("#preview")).to_contain_text("Condition 1: give the first day, or choose “at any time”.")
    page.get_by_label("On or after").fill("2026-01-01")
    expect(people(page)).to_have_text("0")


def test_a_random_sample_is_chosen_with_the_keyboard_and_stays_the_same(
    town: None, enter: Callable[..., Any], fits: Callable[..., None]
) -> None:
    page = enter("max")
    page.open("/segments/new/")
    page.get_by_label("What condition 1 looks at").focus()
    page.keyboard.press("End")
    percent = page.get_by_label("Percent of everybody")
    expect(percent).to_have_value("10")
    expect(page.locator("#preview")).to_contain_text("Is in a random sample of 10%.")
    key = page.locator("input[name='n0.key']").input_value()
    page.keyboard.press("Tab")
    expect(percent).to_be_focused()
    percent.fill("200")
    expect(page.locator("#preview")).to_contain_text("give a percentage from 0.1 to 99.9")
    percent.fill("62.5")
    expect(page.locator("#preview")).to_contain_text("Is in a random sample of 62.5%.")
    page.get_by_label("Name of the segment").fill("By chance")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name="By chance")).to_be_visible()
    saved = selectors.by_name("By chance")
    assert saved.rule.to_document()["rules"] == [{"sample": 62.5, "key": key}]
    page.open(f"/segments/{saved.id}/edit/")
    expect(page.get_by_label("Percent of everybody")).to_have_value("62.5")
    fits(page, [(1280, "dark"), (1280, "light"), (375, "light"), (375, "dark")])
