"""Delivery in the browser: where did the data go, how does the installation send, what did the demo receive."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from apps.core import actors, clock
from apps.core.levels import Level
from apps.delivery import services
from apps.delivery.models import OutboxMessage
from apps.demo.keyholders import Keyholders
from apps.demo.mail import Store
from tests.delivery.conftest import Letters, background, campaign_item, letters, people, providers  # noqa: F401
from tests.delivery.test_routes import PGP

SYSTEM = actors.system("dispatcher")
PAGES = ("", "servers/", "settings/", "keys/", "test/")
WINDOWS = [(1280, "light"), (375, "dark")]
SHOTS = os.environ.get("SHOTS")


def shoot(page, name):
    """A picture of the page, when somebody wants to look."""
    if SHOTS:
        page.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.fixture
def sent(providers, letters, people, settings, transactional_db):  # noqa: F811
    """Messages of every fate."""
    settings.CARELANE_HOME = providers.home
    settings.DELIVERY_ROUTES = {k: v for k, v in settings.DELIVERY_ROUTES.items() if k != "portal"}
    pats = people(
        "a@goodmail.test",
        "b@plainmail.test",
        "gone-1@goodmail.test",
        "grey-1@goodmail.test",
        "d@oldmail.test",
        "e@goodmail.test",
        PGP,
    )
    services.settings_change(actor=SYSTEM, version=0, sending_domain="lakeside.test", helo="mail.lakeside.test")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p) for p in pats])
    services.send_test(actor=SYSTEM, address="test@plainmail.test", level=Level.PUBLIC)
    services.dispatch(actor=SYSTEM, seconds=10, lanes=4)
    OutboxMessage.objects.filter(person_id=pats[5].id).update(state="doubtful", reason="network")
    services.key_add(
        actor=SYSTEM, person_id=pats[6].id, material=Keyholders(providers.home).public_key(PGP, clock.now())
    )
    for kind in ("rsa", "ed25519"):
        key = services.signing_key_create(actor=SYSTEM, domain="lakeside.test", kind=kind)
    services.signing_key_activate(actor=SYSTEM, key_id=key.pk)
    return pats


def test_every_page_of_delivery_can_be_read_by_everybody(sent, enter, fits):
    page = enter("ada")
    states = {s: i for i, s in OutboxMessage.objects.values_list("id", "state")}
    paths = [f"/delivery/{p}" for p in PAGES]
    paths += [f"/contacts/{sent[0].id}/tab/{key}/" for key in ("messages", "keys")]
    paths.append(f"/contacts/{sent[6].id}/tab/keys/")
    paths += [f"/delivery/messages/{states[s]}/" for s in ("sent", "held", "bounced", "queued", "doubtful")]
    for number, path in enumerate(paths):
        page.open(path)
        fits(page, WINDOWS)
        shoot(page, f"delivery-{number}")


def test_a_doubtful_message_is_decided_by_a_person(sent, enter):
    page = enter("ada")
    page.open("/delivery/?state=doubtful")
    page.locator("tbody a").first.click()
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_text("The message is queued again").first).to_be_visible()
    assert OutboxMessage.objects.filter(state="doubtful").count() == 0


def test_settings_ask_for_the_reason_of_a_decision(sent, enter):
    page = enter("ada")
    page.open("/delivery/settings/")
    page.get_by_text("Pinned certificates only").click()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Say why this was decided").first).to_be_visible()
    page.get_by_label("Why").fill("Our risk analysis of May asks for it.")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Decided by").first).to_be_visible()


def test_the_demo_mailboxes_show_what_arrived(sent, enter, fits):
    page = enter("ada")
    page.open("/demo/mailboxes/")
    fits(page, WINDOWS)
    shoot(page, "mailboxes")
    page.get_by_role("link", name="Hello Pat0").click()
    expect(page.get_by_role("heading", name="Hello Pat0")).to_be_visible()
    fits(page, WINDOWS)
    shoot(page, "letter")


def test_a_link_in_a_demo_mailbox_opens_the_page_it_names(enter, settings, tmp_path):
    """The frame of the mail is sandboxed; the page behind the link is not: it needs its forms and scripts."""
    settings.CARELANE_HOME = tmp_path
    page = enter("ada")
    html = f'<p><a href="{page.origin}/portal/lost/" target="_blank">Read my message</a></p>'
    mail = f"Subject: You have a message\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n"
    letter = Store(tmp_path / "demo-mail").put("pat@plainmail.test", mail.encode(), clock.now())
    page.open(f"/demo/mailboxes/{letter}/")
    with page.expect_popup() as opened:
        page.frame_locator(".demo-frame").get_by_role("link", name="Read my message").click()
    portal = opened.value
    portal.get_by_role("textbox").fill("pat@plainmail.test")
    portal.get_by_role("button", name="Send me a new link").click()
    expect(portal).to_have_url(f"{page.origin}/portal/lost/done/")
    portal.close()
