"""A new colleague signs in for the first time, in a real browser; and what happens when nobody types for long."""

from __future__ import annotations

import json
import re

import pytest
from django_otp.oath import TOTP
from playwright.sync_api import expect

from apps.core import clock
from apps.users.models import TotpDevice
from tests import sizes
from tests.conftest import PASSWORD


def code_of(device: TotpDevice) -> str:
    totp = TOTP(device.secret)
    totp.time = clock.now().timestamp()
    return f"{totp.token():06d}"


@pytest.mark.proof
@sizes.some(("width", "scheme"), [(1280, "light"), (375, "dark")], sample=[1])
def test_the_first_sign_in_from_password_to_home(visits, cast, axe, width, scheme) -> None:
    page = visits(width=width, scheme=scheme)
    page.open("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    axe(page)
    page.get_by_label("Work e-mail").fill("max@clinic.test")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    axe(page)
    page.get_by_label("Work e-mail").fill("max@clinic.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("img", name="QR code for your authenticator app")).to_be_visible()
    # All of it: a drawing that is cut off looks like a code and no phone reads it.
    drawing, code = (page.locator(f".qr {part}").bounding_box() for part in ("svg", ".qrline"))
    assert drawing["x"] <= code["x"] < code["x"] + code["width"] <= drawing["x"] + drawing["width"]
    assert drawing["y"] <= code["y"] < code["y"] + code["height"] <= drawing["y"] + drawing["height"]
    axe(page)
    page.no_overflow()
    page.get_by_label("Six digits").fill(code_of(TotpDevice.objects.get(user=cast.max)))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    codes = page.locator("#recovery-codes code").all_inner_texts()
    assert len(codes) == 10
    axe(page)
    page.get_by_role("link", name="I kept them, continue").click()
    expect(page.get_by_role("heading", name=re.compile("Good .*, Max"))).to_be_visible()

    # Next morning the phone is at home: a recovery code opens the account, once.
    page.context.clear_cookies()
    page.open("/")
    page.get_by_label("Work e-mail").fill("max@clinic.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("My phone is not at hand").click()
    axe(page)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name=re.compile("Good .*, Max"))).to_be_visible()


def test_idle_minutes_are_announced_and_work_is_kept(enter, axe, cast) -> None:
    """Two minutes before the end a dialog asks; after the end the page is covered, then goes on with a new token.

    It stays covered for a colleague who signs in at the same desk.
    """
    page = enter("ada")
    answers = {"seconds_left": 100, "csrf": "fresh-token", "user": cast.ada.pk}
    status = [200]

    def session(route) -> None:
        route.fulfill(status=status[0], content_type="application/json", body=json.dumps(answers))

    page.route("**/account/session/", session)
    page.clock.install()
    page.open("/account/")
    page.get_by_label("Name").fill("Ada, half typed")
    page.clock.fast_forward("13:30")
    warning = page.get_by_role("alertdialog", name="Are you still there?")
    page.clock.run_for(3000)
    expect(warning).to_be_visible()
    axe(page)
    answers["seconds_left"] = 900
    page.get_by_role("button", name="Stay signed in").click()
    expect(warning).to_be_hidden()

    status[0] = 401
    page.clock.fast_forward("15:10")
    page.clock.run_for(3000)
    over = page.get_by_role("alertdialog", name="You were signed out")
    expect(over).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("You are not signed in yet")).to_be_visible()
    status[0], answers["user"] = 200, cast.max.pk
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Somebody else is signed in now")).to_be_visible()
    expect(over).to_be_visible()
    answers["user"] = cast.ada.pk
    page.get_by_role("button", name="Continue").click()
    expect(over).to_be_hidden()
    expect(page.get_by_label("Name")).to_have_value("Ada, half typed")
    assert page.locator("input[name=csrfmiddlewaretoken]").first.input_value() == "fresh-token"
    # The form is unsaved on purpose; the browser would ask before it leaves.
    page.on("dialog", lambda dialog: dialog.accept())


def test_typing_counts_as_activity_from_the_last_key(enter, cast) -> None:
    """Keys are reported once a minute at most; nothing is reported for somebody who went away."""
    page = enter("ada")
    reports = []

    def session(route) -> None:
        if "x-passive" not in route.request.headers:
            reports.append(1)
        route.fulfill(
            content_type="application/json", body=json.dumps({"seconds_left": 900, "csrf": "t", "user": cast.ada.pk})
        )

    page.route("**/account/session/", session)
    page.clock.install()
    page.open("/account/")
    page.get_by_label("Name").press("x")
    assert not reports
    page.clock.fast_forward("02:00")
    with page.expect_response("**/account/session/"):
        page.get_by_label("Name").press("y")
    page.get_by_label("Name").press("z")
    page.clock.fast_forward("05:00")
    assert len(reports) == 1
    page.on("dialog", lambda dialog: dialog.accept())
