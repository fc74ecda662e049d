"""Looked at: the report of list hygiene, and an answer by mail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from apps.contacts import services as contacts
from apps.contacts.person import search_values
from apps.contacts.services import suppress_many
from apps.core import actors
from apps.delivery import services
from apps.delivery.letters.services import letters_judge
from apps.delivery.models import HygieneFinding, HygieneRun, InboundMail
from apps.delivery.returns import services as inbound
from apps.organizations.services import organization_change
from tests.mail.files.samples import archive, photo
from tests.mail.files.samples import letter as with_files
from tests.mail.proof.zone import Zone
from tests.mail.test_letters import EVENT, letter, several

SHOTS = os.environ.get("SCREENSHOTS", "")
CLI = actors.COMMAND_LINE

HEAD = {"From": "=?utf-8?q?Dana_Qu=C3=ADst?= <dana@goodmail.test>", "Subject": "My visit on Tuesday"}
LETTER = several(
    "multipart/mixed",
    several(
        "multipart/alternative",
        letter("See the HTML part."),
        letter(
            "<p>Can I come at 4 instead? My sugar was &lt;70 twice:</p><table>"
            "<tr><td>Mon</td><td>66</td></tr><tr><td>Tue</td><td>68</td></tr></table>"
            "<ul><li>I stopped the blood thinner</li><li>I take 5\ufffd10 mg</li></ul>"
            '<div class="gmail_quote">On Mon, Nov 30, 2026 at 9:00 AM Harbor Clinic &lt;care@clinic.test&gt; wrote:'
            "<blockquote>Your visit is on Tuesday at 9.</blockquote></div>",
            "text/html; charset=utf-8",
        ),
        letter(EVENT.format(method="REPLY", answer="DECLINED", start="DTSTART:20261209T140000Z"), "text/calendar"),
    ),
    b"Content-Type: message/rfc822\r\n\r\n" + letter("Take 2 tablets.", From="Dr. Kim <kim@x.test>", Subject="Dose"),
    letter("Mon 120/80\nTue 130/85", 'text/plain; name="blood pressure.txt"'),
    **HEAD,
)
ABSENT = letter("I am away until Monday.", **{**HEAD, "Subject": "Automatic reply: Your visit"})


@pytest.fixture
def clinic(transactional_db):
    organization_change(actor=CLI, name="Harbor Street Clinic")
    services.settings_change(actor=CLI, version=0, sending_domain="clinic.test", bounce_domain="bounce.clinic.test")
    made = [
        contacts.contact_create(
            actor=CLI, profile={"first_name": first, "last_name": last, "email": email, "relation": "patient"}
        )
        for first, last, email in (
            ("Dana", "Quist", "dana@goodmail.test"),
            ("Kim", "Lee", "kim@gmial.com"),
            ("Reception", "Desk", "info@goodmail.test"),
            ("Lou", "Stone", "lou@mailinator.com"),
        )
    ]
    for raw, sender in ((LETTER, "dana@goodmail.test"), (ABSENT, "")):
        inbound.mail_receive(actor=CLI, recipient="care@clinic.test", raw=raw, sender=sender)
    run = services.clean_list(actor=CLI)
    HygieneFinding.objects.create(run=run, person_id=made[0].id, flag="unengaged", rested=True)
    HygieneRun.objects.filter(pk=run.pk).update(counts={**run.counts, "unengaged": 1, "rested": 1})
    suppress_many(
        actor=CLI, mailboxes=[search_values.mailbox("dana@goodmail.test")], scope="commercial", reason="hygiene"
    )
    return made


def shot(page, name: str) -> None:
    if SHOTS:
        page.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_the_report_and_the_answers(enter, axe, clinic):
    mail = InboundMail.objects.get(kind="reply")
    absent = InboundMail.objects.get(kind="automatic")
    for width, scheme in ((1280, "light"), (375, "dark")):
        ada = enter("ada", width=width, scheme=scheme)
        for name, path in (
            ("hygiene-silent", "/delivery/list/?flag=unengaged"),
            ("hygiene-typo", "/delivery/list/?flag=typo"),
            ("mail-list", "/delivery/mail/"),
            ("mail", f"/delivery/mail/{mail.pk}/"),
            ("mail-sorted", "/delivery/mail/sorted/"),
            ("mail-sorted-out", f"/delivery/mail/{absent.pk}/"),
        ):
            ada.open(path)
            axe(ada)
            ada.no_overflow()
            shot(ada, f"{name}-{width}-{scheme}")
    ada.page.get_by_role("button", name="This is a letter").click()
    ada.page.get_by_text("Moved to the letters.").wait_for()
    ada.page.get_by_role("button", name="Mark as answered").click()
    ada.open(f"/delivery/mail/{mail.pk}/")
    ada.page.get_by_text("Quoted text").click()
    ada.page.get_by_text("Your visit is on Tuesday at 9.").wait_for()
    shot(ada, "mail-unfolded")
    ada.page.get_by_role("button", name="Mark as answered").click()
    ada.page.get_by_text("Nothing waits").wait_for()
    shot(ada, "mail-done")


def test_a_nurse_opens_what_came_along_and_says_who_wrote(enter, fits, clinic):
    """A letter that nothing proves, with a photograph, a PDF, and something that can do harm."""
    raw = with_files(
        ("rash.jpg", "image/jpeg", photo(size=(900, 600), turned=True)),
        ("result.pdf", "application/pdf", b"%PDF-1.4"),
        ("photos.zip", "application/zip", archive(arm__jpg=photo(), run__exe=b"MZ")),
        text="My rash is back. Please look at the photographs.",
    )
    inbound.mail_receive(actor=CLI, recipient="care@clinic.test", raw=raw)
    letters_judge(actor=CLI, names=Zone())
    mail = InboundMail.objects.latest("pk")
    windows = [(1280, "light"), (1280, "dark"), (375, "light"), (375, "dark")]

    def look(name: str) -> None:
        fits(nora, windows, also=lambda page: shot(page, f"{name}-{page.page.viewport_size['width']}"))

    nora = enter("nora")
    nora.open("/delivery/mail/unproven/")
    look("unproven")
    nora.page.get_by_role("link", name=f"Letter {mail.pk}").click()
    picture = nora.page.get_by_role("img", name="Picture 1 of this letter")
    picture.scroll_into_view_if_needed()
    # Turned as it was taken.
    expect(picture).to_have_js_property("naturalWidth", 600)
    look("letter")
    with nora.page.expect_download() as pdf:
        nora.page.get_by_role("link", name="Download result.pdf").click()
    assert pdf.value.suggested_filename == "attachment-2.pdf"
    nora.page.get_by_role("link", name="Download run.exe").click()
    nora.page.get_by_text("Opening this file can do harm.").wait_for()
    look("warning")
    nora.open(f"/delivery/mail/{mail.pk}/who/")
    nora.page.get_by_role("button", name="Search for this address").click()
    nora.page.get_by_role("button", name="It is from this person").wait_for()
    look("who")
    nora.page.get_by_role("button", name="It is from this person").click()
    nora.page.get_by_text("Noted whom this letter is from.").wait_for()
    look("chosen")
