"""Home, settings, users, organization, status and error pages: readable by everybody, in both themes, on a phone."""

from __future__ import annotations

from playwright.sync_api import expect

WINDOWS = [(1280, "light"), (1280, "dark"), (375, "light"), (320, "dark")]
PAGES = [
    "/",
    "/settings/",
    "/settings/users/",
    "/settings/users/invite/",
    "/settings/organization/",
    "/settings/status/",
    "/account/",
    "/account/password/",
    "/no-such-page",
]


def test_pages_are_accessible_and_fit(enter, fits) -> None:
    page = enter("ada", width=375)
    for path in PAGES:
        page.open(path)
        fits(page, WINDOWS)


def test_the_page_that_is_not_allowed_says_who_may(enter, axe) -> None:
    page = enter("max")
    page.open("/settings/users/")
    expect(page.get_by_role("heading", name="You may not open this")).to_be_visible()
    expect(page.get_by_text("Your role is marketer. This page needs the role administrator.")).to_be_visible()
    axe(page)


def test_an_invitation_from_form_to_link(enter, axe) -> None:
    page = enter("ada")
    page.open("/settings/users/")
    page.get_by_role("link", name="Invite a person").click()
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    axe(page)
    page.get_by_label("Name", exact=True).fill("Ivy Chen")
    page.get_by_label("Work e-mail").fill("ivy@clinic.test")
    page.get_by_text("Reads what marketers prepare").click()
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_text("A mail with the link is on its way to Ivy Chen")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Show a link instead").click()
    expect(page.locator("#one-time-link")).to_contain_text("/account/invitation/")
    axe(page)
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="Ivy Chen")).to_be_visible()
    axe(page)


def test_disabling_asks_first_and_names_the_person(enter, cast, axe) -> None:
    page = enter("ada")
    page.open(f"/settings/users/{cast.nora.pk}/")
    page.get_by_role("button", name="Disable access").click()
    question = page.get_by_role("alertdialog", name="Disable the access of Nora?")
    expect(question).to_be_visible()
    axe(page)
    question.get_by_role("button", name="Cancel").click()
    expect(question).to_be_hidden()
    page.get_by_role("button", name="Disable access").click()
    question.get_by_role("button", name="Disable access").click()
    expect(page.get_by_text("Access is disabled")).to_be_visible()
    expect(page.get_by_role("button", name="Give access back")).to_be_visible()


def test_the_theme_of_the_account_wins_over_the_system(enter) -> None:
    page = enter("ada", scheme="light")
    page.open("/account/")
    page.get_by_text("Dark", exact=True).click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert color == "rgb(15, 22, 32)"


def test_an_error_of_the_server_is_said_in_words_and_the_page_stays(enter) -> None:
    page = enter("ada")
    page.open("/components")
    page.get_by_role("button", name="Reveal e-mail").click()
    expect(page.get_by_text("That is not there any more.")).to_be_visible()
    expect(page.get_by_role("button", name="Reveal e-mail")).to_be_visible()
