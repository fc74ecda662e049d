"""Rosa reads and answers in the portal; Nora answers from the inbox. In Chromium, both themes, down to 320 px."""

from __future__ import annotations

import os
import re
import uuid
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from apps.contacts.person import search_values
from apps.content import presets
from apps.content.brands import SAMPLE
from apps.content.compiling import compile_message
from apps.content.facts import invented_facts
from apps.content.merging import merge, render
from apps.core import actors, clock
from apps.mail.compiled import Envelope
from apps.organizations.services import organization_change
from apps.portal import services
from apps.portal.models import Conversation, PortalSession, Reply, SecureMessage
from tests import sizes
from tests.portal.conftest import BORN, letters, make_person, words_of, write_to

__all__ = ["letters"]
SHOTS = os.environ.get("SCREENSHOTS", "")
# A walk is made in one width and looked at in each of its themes.
WIDTHS = [(1280, ("light", "dark")), (375, ("light", "dark")), (320, ("light",))]


def shot(page, name: str) -> None:
    if SHOTS:
        page.page.screenshot(path=str(Path(SHOTS) / f"portal-{name}.png"), full_page=True)


@pytest.fixture
def look(fits):
    """``look(page, name, width, schemes)``: nothing sticks out, keeps anybody out or is too small for a thumb; and a
    picture for people.
    """

    def large_enough(page) -> None:
        small = page.evaluate(
            """[...document.querySelectorAll("main :is(a.btn, button, input, select), .portal-bar :is(a, button)")]
            .filter((e) => e.offsetParent && !["hidden", "checkbox"].includes(e.type) && e.offsetHeight < 44)
            .map((e) => e.outerHTML.slice(0, 80))"""
        )
        assert small == [], "targets are at least 44 px high"

    def check(page, name: str, width: int, schemes=("light",)) -> None:
        fits(page, [(width, scheme) for scheme in schemes], also=None if "inbox" in name else large_enough)
        shot(page, f"{name}-{width}")

    return check


@pytest.fixture
def world(transactional_db, letters) -> SimpleNamespace:
    organization_change(
        actor=actors.COMMAND_LINE,
        name="Bluegrass Family Clinic",
        phone="(859) 555-0142",
        postal_address="12 Limestone Street, Lexington, KY 40507",
    )
    rosa = make_person("Rosa", BORN["rosa"], mrn="MRN-0417", phone="859-555-0199")
    compiled = compile_message(presets.all_presets()["appointment_reminder"].design, SAMPLE)
    at = clock.now()
    envelope = Envelope(
        to_address=rosa.profile["email"], date=at, message_id="a@b.test", list_unsubscribe_url="https://c.test/u"
    )
    mail = render(merge(compiled, invented_facts(), envelope).message)
    first = write_to(rosa, subject=mail.subject, text=mail.text, html=mail.html)
    write_to(
        rosa,
        subject="Your results of Tuesday",
        text="Your results are in and all is well.\n\nPlease take the same dose as before.\nCall us with any question.",
    )
    return SimpleNamespace(rosa=rosa, stored=first, token=first.token, public=first.message.public, letters=letters)


def code_of(world) -> str:
    return re.search(r"\b\d{4} \d{4}\b", words_of(world.letters()[-1])).group(0)


def enter(page, world, token: str = "") -> None:
    page.open(f"/portal/m/{token or world.token}/")
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code from the e-mail").fill(code_of(world))
    page.get_by_label("Month").select_option(label="April")
    page.get_by_label("Day").fill("3")
    page.get_by_label("Year").fill("1961")
    page.get_by_role("button", name="Open my messages").click()
    page.get_by_role("button", name="Send reply").wait_for()


@pytest.mark.proof
@sizes.some(("width", "schemes"), WIDTHS, sample=[1])
def test_rosa_gets_in_reads_and_replies(visits, look, world, width, schemes):
    page = visits(width=width, scheme=schemes[0])
    page.open(f"/portal/m/{world.token}/")
    look(page, "link", width, schemes)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_role("heading", name="Enter your code").wait_for()
    look(page, "prove", width, schemes)
    page.get_by_label("Code from the e-mail").fill("0000 0000")
    page.get_by_label("Month").select_option(label="April")
    page.get_by_label("Day").fill("3")
    page.get_by_label("Year").fill("1961")
    page.get_by_role("button", name="Open my messages").click()
    page.get_by_text("Tries left: 4").wait_for()
    look(page, "prove-wrong", width, schemes)
    page.get_by_label("Code from the e-mail").fill(code_of(world))
    page.get_by_role("button", name="Open my messages").click()
    page.get_by_role("button", name="Send reply").wait_for()
    frame = page.frame_locator("iframe.portal-frame")
    expect(frame.locator("body")).to_contain_text("appointment")
    expect(page.locator("iframe.portal-frame")).to_have_attribute("style", re.compile("height"))
    page.settle()
    look(page, "message", width, schemes)
    page.get_by_label("Your reply").fill("May I bring my daughter?")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_text("Your reply was sent")).to_be_visible()
    look(page, "replied", width, schemes)
    page.get_by_role("link", name="Plain text").click()
    look(page, "text", width, schemes)
    page.get_by_role("navigation", name="Your portal").get_by_role("link", name="All messages").click()
    page.get_by_role("heading", name="Your messages").wait_for()
    look(page, "messages", width, schemes)
    page.get_by_role("link", name="Set a password").click()
    page.get_by_label("Show password").check()
    look(page, "password", width, schemes)
    page.get_by_role("link", name="Español").click()
    page.get_by_role("heading", name="Su contraseña").wait_for()
    look(page, "spanish", width, schemes)
    page.get_by_role("link", name="¿No es usted?").click()
    look(page, "not-you", width, schemes)
    page.get_by_role("navigation", name="Su portal").get_by_role("button", name="Cerrar sesión").click()
    page.get_by_role("heading", name="Cerró la sesión").wait_for()
    look(page, "out", width, schemes)
    assert Reply.objects.count() == 1


def test_the_pages_of_strangers(visits, look, world):
    page = visits()
    windows = [(1280, ("light", "dark")), (375, ("dark",)), (320, ("light",))]
    pages = {
        "start": "/portal/",
        "sign-in": "/portal/sign-in/",
        "lost": "/portal/lost/",
        "lost-done": "/portal/lost/done/",
        "gone": "/portal/m/nothing/",
        "not-me": f"/portal/m/{world.token}/not-me/",
        "thanks": "/portal/thanks/",
        "ended": f"/portal/ended/?kept={world.public}",
    }
    for name, path in pages.items():
        page.open(path)
        for width, schemes in windows:
            look(page, name, width, schemes)
    page.open(f"/portal/m/{world.token}/")
    page.get_by_role("button", name="Send me a code").click()
    for _ in range(5):
        page.get_by_label("Code from the e-mail").fill("00000000")
        page.get_by_label("Month").select_option(label="April")
        page.get_by_label("Day").fill("3")
        page.get_by_label("Year").fill("1961")
        page.get_by_role("button", name="Open my messages").click()
        page.wait_for_load_state("networkidle")
    page.get_by_role("heading", name="Sign-in is paused").wait_for()
    for width, schemes in windows:
        look(page, "locked", width, schemes)


def test_with_the_keyboard_alone(page, world):
    page.open(f"/portal/m/{world.token}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Send me a code")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Code from the e-mail").focus()
    page.keyboard.type(code_of(world))
    page.keyboard.press("Tab")
    page.keyboard.type("Apr")
    page.keyboard.press("Tab")
    page.keyboard.type("3")
    page.keyboard.press("Tab")
    page.keyboard.type("1961")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Send reply").wait_for()


@pytest.mark.proof
@sizes.some(("width", "scheme"), [(1280, "light"), (375, "dark")], sample=[1])
def test_a_warning_comes_before_the_end_and_what_was_typed_is_kept(visits, axe, world, width, scheme):
    page = visits(width=width, scheme=scheme)
    page.clock.install()
    enter(page, world)
    page.get_by_label("Your reply").type("I was just")
    PortalSession.objects.update(seen_at=clock.now() - timedelta(minutes=13, seconds=30))
    page.clock.fast_forward("13:31")
    # The warning keeps the text first; that counts as activity, and the session goes on.
    expect(page.locator("#portal-warning")).not_to_be_visible()
    # Slow typing may have been saved before the jump; then the word "Saved" has come and gone with it.
    page.until(lambda: SecureMessage.objects.get(pk=world.stored.message.pk).draft is not None)
    # A save that is still on its way would count as activity after the next line.
    page.settle()
    PortalSession.objects.update(seen_at=clock.now() - timedelta(minutes=13, seconds=30))
    page.clock.fast_forward("14:00")
    expect(page.get_by_role("alertdialog", name="Are you still there?")).to_be_visible()
    axe(page)
    shot(page, f"warning-{width}-{scheme}")
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator("#portal-warning")).not_to_be_visible()
    PortalSession.objects.update(seen_at=clock.now() - timedelta(minutes=16))
    page.clock.fast_forward("16:00")
    page.get_by_role("heading", name="You were signed out").wait_for()
    expect(page.get_by_text("What you wrote is kept")).to_be_visible()
    page.get_by_role("button", name="Sign in again").click()
    page.get_by_role("button", name="Send me a code").wait_for()
    token = re.search(r"/portal/m/([\w-]+)/", page.page.url).group(1)
    enter(page, world, token)
    expect(page.get_by_label("Your reply")).to_have_value("I was just")
    # The test's clock wants to run in the mail's frame too, where nothing runs.
    page.problems[:] = [problem for problem in page.problems if "Blocked script execution" not in problem]


def test_without_scripts_everything_still_works(browser, live_server, world):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 375, "height": 800})
    page = context.new_page()
    page.goto(f"{live_server.url}/portal/m/{world.token}/")
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code from the e-mail").fill(code_of(world))
    page.get_by_label("Month").select_option(label="April")
    page.get_by_label("Day").fill("3")
    page.get_by_label("Year").fill("1961")
    page.get_by_role("button", name="Open my messages").click()
    page.get_by_label("Your reply").fill("No script needed")
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_text("Your reply was sent")).to_be_visible()
    context.close()


def test_at_two_hundred_percent_nothing_is_lost(visits, world):
    page = visits(width=1280)
    enter(page, world)
    page.evaluate("document.documentElement.style.zoom = 2")
    page.no_overflow()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_on_paper_there_is_the_message_and_nothing_to_press(visits, world):
    page = visits(width=800)
    enter(page, world)
    page.emulate_media(media="print")
    expect(page.get_by_role("button", name="Send reply")).not_to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).not_to_be_visible()
    expect(page.locator("iframe.portal-frame")).to_be_visible()
    if SHOTS:
        page.page.pdf(path=str(Path(SHOTS) / "portal-print.pdf"))


def test_script_in_a_mail_does_not_run(visits, world):
    evil = (
        "<html><head></head><body><p>Hello</p><script>parent.document.title='owned'</script>"
        "<img src=/nowhere onerror=\"parent.document.title='owned'\">"
        "<svg onload=\"parent.document.title='owned'\"></svg>"
        "<a href=\"javascript:parent.document.title='owned'\">press</a><form action=/portal/sign-out/ method=post>"
        "<button>go</button></form></body></html>"
    )
    stored = write_to(world.rosa, subject="Evil", html=evil)
    page = visits()
    enter(page, world, stored.token)
    frame = page.frame_locator("iframe.portal-frame")
    expect(frame.get_by_text("Hello")).to_be_visible()
    frame.get_by_text("press").click()
    frame.get_by_text("go", exact=True).click()
    page.settle()
    assert "owned" not in page.title()
    assert PortalSession.objects.filter(ended_at__isnull=True).count() == 1
    expected = ("CSP", "sandbox", "nowhere", "Content Security")
    page.problems[:] = [problem for problem in page.problems if not any(word in problem for word in expected)]


@pytest.mark.proof
@sizes.some(("width", "schemes"), WIDTHS[:2], sample=[0])
def test_nora_answers_from_the_inbox(enter, look, world, width, schemes):
    for number, name in enumerate(("Rosa", "Ana", "Ben")):
        person = world.rosa if number == 0 else make_person(name, "1980-01-01", f"{name.lower()}@goodmail.test")
        message = write_to(person, subject="Your visit on Monday", text="See you on Monday at nine.").message
        services.reply_send(
            actor=actors.patient(person.id),
            person_id=person.id,
            public=str(message.public),
            text="May I bring my daughter?\nAnd is there parking near the door?",
            once=uuid.uuid4(),
        )
    link = services.message_store(
        actor=actors.COMMAND_LINE,
        person_id=person.id,
        record_key=person.record_key,
        mailbox=search_values.mailbox(person.profile["email"]),
        content={"subject": "x", "sender": "", "text": "x", "html": "", "level": 2},
    ).token
    from apps.portal import selectors

    services.not_me(actor=actors.STRANGER, link=selectors.live_link(link))
    page = enter("nora", width=width, scheme=schemes[0])
    page.open("/portal/inbox/")
    expect(page.get_by_role("link", name="R••• M•••")).to_be_visible()
    look(page, "inbox", width, schemes)
    page.get_by_role("link", name="R••• M•••").click()
    page.get_by_label("Your answer").fill("Of course, she is welcome.")
    look(page, "inbox-conversation", width, schemes)
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("Answer sent")).to_be_visible()
    expect(page.get_by_text("Of course, she is welcome.")).to_be_visible()
    look(page, "inbox-answered", width, schemes)
    assert Conversation.objects.get(person_id=world.rosa.id).unread == 0
    page.open("/portal/inbox/tasks/")
    look(page, "inbox-tasks", width, schemes)
    page.get_by_role("link", name="Somebody said").click()
    look(page, "inbox-task", width, schemes)
    page.open(f"/contacts/{world.rosa.id}/")
    look(page, "inbox-person", width, schemes)
