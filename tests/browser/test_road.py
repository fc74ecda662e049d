"""The whole road in one scene: from a patient file to an encrypted message that is read, answered and reported.

Real parts: Synthea's Kentucky as it comes (or our own small sample), the demo's mail servers with their
certificates and keys, the dispatcher that speaks SMTP with them, the portal, Chromium. What a worker does when it
is woken, the scene does by calling the same service.
"""

from __future__ import annotations

import calendar
import csv
import gzip
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connections
from playwright.sync_api import expect

from apps.campaigns import plans, selectors
from apps.campaigns.models import Campaign
from apps.campaigns.report import report_of
from apps.campaigns.services import sending
from apps.contacts.models import Person, Suppression
from apps.contacts.person.selectors import open_people
from apps.contacts.services import appointment_book
from apps.core import actors, clock
from apps.delivery import services as delivery
from apps.delivery.models import OutboxMessage
from apps.demo import keys
from apps.demo.keyholders import Keyholders, Letter
from apps.demo.mail import Arrived, delivery_report
from apps.demo.mail import providers as demo_providers
from apps.imports.models import ImportJob
from apps.imports.services import passes
from apps.journeys import services as journeys
from apps.portal.models import Conversation, SecureMessage
from apps.users.models import TotpDevice
from tests.browser.test_sign_in import code_of
from tests.conftest import PASSWORD, SHARED_DATA
from tests.delivery.conftest import providers  # noqa: F401
from tests.text import without_tokens

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = actors.system("scene")
OWN = Path(__file__).resolve().parent.parent / "data" / "synthea"
KENTUCKY = SHARED_DATA / "patients" / "synthea-csv-kentucky"
SHOTS = os.environ.get("SCREENSHOTS", "")
MONTHS = calendar.month_name[1:]


@pytest.fixture
def parts(providers, settings, live_server, tmp_path) -> SimpleNamespace:  # noqa: F811
    """The clinic's installation: its public address, its mail servers, its storage."""
    settings.CARELANE_HOME = providers.home
    settings.PUBLIC_URL = live_server.url
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }
    return SimpleNamespace(mail=providers, holders=Keyholders(Path(providers.home)))


def work() -> None:
    """What the worker does when it is woken for an import."""
    for job in ImportJob.objects.all():
        passes.work(job.pk)


def send() -> None:
    """What the worker does when mail waits."""
    delivery.dispatch(actor=SYSTEM, seconds=20, lanes=8)


def measure(campaign_id: int) -> None:
    """What the worker does when a plan asks for mail servers; in a thread, as this one runs Playwright's loop."""

    def worker() -> None:
        try:
            plans.measure_in_background(actor=SYSTEM, campaign=selectors.by_id(campaign_id))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(worker).result()


class Road:
    """The windows of the people on the road, a picture of each stop for whoever wants to look."""

    def __init__(self, axe: Callable[..., None], parts: SimpleNamespace) -> None:
        self.axe, self.parts, self.stop = axe, parts, 0

    def look(self, page: Any, name: str) -> None:
        """Nothing keeps anybody out, nothing sticks out."""
        self.stop += 1
        page.no_overflow()
        self.axe(page)
        if SHOTS:
            page.page.screenshot(path=str(Path(SHOTS) / f"road-{self.stop:02}-{name}.png"), full_page=True)

    def letters(self, word: str) -> list[tuple[Arrived, Letter]]:
        """What arrived with this word in its subject, newest first, as the patients' mail programs show it."""
        found = [
            (arrived, self.parts.holders.read(arrived.raw, arrived.mailbox)) for arrived in self.parts.mail.store.all()
        ]
        return [(arrived, letter) for arrived, letter in found if word in letter.subject]


@pytest.fixture
def road(axe: Callable[..., None], parts: SimpleNamespace) -> Road:
    return Road(axe, parts)


def test_from_a_patient_file_to_a_message_read_in_the_portal(cast: Any, visits: Any, enter: Any, road: Road) -> None:
    folder, women = (KENTUCKY, 33) if KENTUCKY.is_dir() else (OWN, None)
    page = visits()
    sign_in(page, road, cast.max)
    import_people(page, road, folder)
    keys.give(now=clock.now())  # some people at keymail.test hand in the key of their mail program
    build_segment(page, road, women)
    ada = enter("ada")
    describe_the_clinic(ada, road)
    design_template(page, road)
    campaign = prepare_campaign(page, road)
    approve(enter("rita"), road, campaign)
    send_campaign(page, road, campaign)
    message = read_in_the_portal(visits(width=375), page, road)
    answer(enter("nora"), road)
    unsubscribe(visits(width=375), road)
    come_back(road)
    read_report(page, ada, road, campaign)
    journey(page, enter("rita"), road, message.person_id)
    look_at_the_trail(enter("otto"), road)


def sign_in(page: Any, road: Road, max_: Any) -> None:
    """1. Password, then a code of the authenticator that is set up on the way."""
    page.open("/")
    page.get_by_label("Work e-mail").fill("max@clinic.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("img", name="QR code for your authenticator app")).to_be_visible()
    page.get_by_label("Six digits").fill(code_of(TotpDevice.objects.get(user=max_)))
    page.get_by_role("button", name="Turn on").click()
    page.get_by_role("link", name="I kept them, continue").click()
    expect(page.get_by_role("heading", name=re.compile("Good .*, Max"))).to_be_visible()
    road.look(page, "home-at-first")


def import_people(page: Any, road: Road, folder: Path) -> None:
    """2. Synthea's tables as they come, with invented addresses; 3. and somebody is found by name."""
    page.open("/contacts/")
    page.get_by_role("link", name="Import contacts").click()
    page.get_by_text("Synthea tables").click()
    page.locator("input[type=file]").set_input_files(sorted(folder.glob("*.csv*")))
    page.get_by_label("Invent an e-mail address").check()
    page.get_by_role("button", name="Upload and continue").click()
    expect(page.get_by_text("You may leave this page.")).to_be_visible(timeout=60_000)
    work()
    expect(page.get_by_role("heading", name="This is what would happen")).to_be_visible()
    road.look(page, "import-dry-run")
    page.get_by_role("button", name=re.compile("Import .* new or changed rows")).click()
    expect(page.get_by_text("You may leave this page.")).to_be_visible()
    work()
    expect(page.get_by_role("heading", name="Imported")).to_be_visible()
    road.look(page, "imported")
    assert Person.objects.count() == rows_in(folder)
    page.get_by_role("link", name="Open contacts").click()
    expect(page.get_by_placeholder("Name, e-mail, phone or MRN")).to_be_visible()
    road.look(page, "contacts")


def rows_in(folder: Path) -> int:
    """How many patients Synthea wrote."""
    path = next(folder.glob("patients.csv*"))
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return sum(1 for _ in csv.DictReader(text.decode("utf-8-sig").splitlines()))


def build_segment(page: Any, road: Road, women: int | None) -> None:
    """4. Women of these years with a wellness visit and no influenza vaccination; the count is live.

    The own sample is too small for that question: there it is everybody of these years.
    """
    page.open("/segments/")
    page.get_by_role("link", name="New segment").first.click()
    page.settle()  # a choice made before the page's scripts have run asks for nothing
    page.get_by_label("Name of the segment").fill("Due for a flu shot")
    condition(page, 1, "field:birth_date", Comparison="between")
    page.get_by_label("From").fill("1952-01-01" if women else "1920-01-01")
    page.get_by_label("To", exact=True).fill("1976-12-31" if women else "2006-12-31")
    if women:
        condition(page, 2, "field:sex", Comparison="is", Value="F")
        row = condition(page, 3, "event:encounter", Which="class", When="since")
        row.get_by_label("Class of visit").fill("wellness")
        row.get_by_label("On or after").fill("2018-01-01")
        row = condition(page, 4, "event:immunization", Comparison="never", Which="code", When="since")
        row.get_by_label("Term or code").fill("140")
        row.get_by_label("On or after").fill("2020-09-01")
    count = page.locator("#preview .figure-value")
    expect(count).to_have_text(str(women) if women else re.compile(r"^[1-9]\d*$"))
    road.look(page, "segment-builder")
    page.get_by_role("button", name="Save segment").click()
    expect(page.get_by_role("heading", name="Due for a flu shot")).to_be_visible()
    road.look(page, "segment")


def condition(page: Any, number: int, what: str, **choices: str) -> Any:
    """Add a condition (the first is there already) and choose in its lists, by their labels."""
    if number > 1:
        page.get_by_role("button", name="Add condition").last.click()
    row = page.get_by_role("group", name=f"Condition {number}", exact=True)
    row.get_by_label(f"What condition {number} looks at").select_option(what)
    for label, value in choices.items():
        row.get_by_label(label, exact=True).select_option(value)
        page.settle()  # the answer draws the row anew
    return row


def describe_the_clinic(page: Any, road: Road) -> None:
    """13. Who we are, which domain we send from, and what stands in every footer."""
    page.open("/settings/organization/")
    page.get_by_label("Name", exact=True).fill("Bluegrass Family Clinic")
    page.get_by_label("Telephone").fill("(859) 555-0142")
    page.get_by_label("Postal address").fill("12 Limestone Street, Lexington, KY 40507")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Bluegrass Family Clinic").first).to_be_visible()
    page.open("/delivery/settings/")
    page.get_by_label("Sending domain").fill("clinic.test")
    page.get_by_label("Domain for returned mail").fill("bounce.clinic.test")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_label("Sending domain")).to_have_value("clinic.test")
    road.look(page, "delivery-settings")
    page.open("/templates/brands/new/")
    page.get_by_label("Name", exact=True).fill("Bluegrass Family Clinic")
    page.get_by_label("From address").fill("care@clinic.test")
    page.get_by_role("button", name="Save brand").click()
    expect(
        page.get_by_role("region", name="Brands").get_by_role("link", name="Bluegrass Family Clinic")
    ).to_be_visible()
    road.look(page, "brands")


def design_template(page: Any, road: Road) -> None:
    """5. A starter with words of our own and a button; it saves itself and shows itself."""
    page.open("/templates/new/")
    page.get_by_label("Name").fill("Flu shot")
    page.get_by_label("Flu shot invitation").check()
    page.get_by_role("button", name="Create template").click()
    mail = page.frame_locator("#preview")
    expect(mail.get_by_text("It is time for your flu shot, Maria")).to_be_visible()
    mail.get_by_text("It is time for your flu shot").click()
    page.get_by_label("Text", exact=True).fill("Your flu shot is ready, {{ first_name|name|there }}")
    expect(mail.get_by_text("Your flu shot is ready, Maria")).to_be_visible()
    page.get_by_role("button", name="Button", exact=True).click()
    page.get_by_label("Label").fill("See our hours")
    page.get_by_label("Link", exact=True).fill(f"{page.origin}/demo/clinic/")
    expect(mail.get_by_role("link", name="See our hours")).to_be_visible()
    expect(page.locator("#save-state")).to_contain_text("Saved")
    road.look(page, "template-editor")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("#status-badge")).to_contain_text("Published")


def prepare_campaign(page: Any, road: Road) -> Campaign:
    """6. Segment, template, purpose, and the plan with a list behind each number."""
    page.open("/campaigns/")
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name", exact=True).fill("Flu shots")
    page.get_by_label("A segment").check()
    page.pick("Segment", "due")
    page.get_by_role("button", name="Go on to the message").click()
    page.pick("Template", "flu")
    page.get_by_role("button", name="Save and preview").click()
    expect(page.frame_locator("iframe").locator("body")).to_contain_text("Your flu shot is ready")
    page.get_by_role("button", name="Go on to the purpose").click()
    page.get_by_label("Treatment").check()
    page.get_by_label("Nobody pays us for this message").check()
    cache.delete(f"campaign-measuring:{Campaign.objects.get().pk}")  # of an earlier run
    page.get_by_role("button", name="Go on to the plan").click()
    expect(page.get_by_text("How will it be protected?")).to_be_visible()
    expect(page.get_by_text("Measuring mail servers")).to_be_visible()
    measure(Campaign.objects.get().pk)
    expect(page.get_by_text("Measuring mail servers")).to_be_hidden(timeout=30_000)
    road.look(page, "plan")
    page.get_by_role("link", name="Go on to approval").click()
    page.get_by_role("button", name=re.compile("Ask for approval of")).click()
    expect(page.get_by_text("You prepared this campaign")).to_be_visible()
    return Campaign.objects.get()


def approve(page: Any, road: Road, campaign: Campaign) -> None:
    """7. Another person looks at exactly this content and audience."""
    page.open("/")
    road.look(page, "home-of-the-reviewer")
    page.open(f"/campaigns/{campaign.pk}/")
    page.get_by_label("Comment").fill("Looks right.")
    road.look(page, "approval")
    page.get_by_role("button", name=re.compile("Approve .* messages?")).click()
    expect(page.get_by_text("A marketer or an administrator sends it.")).to_be_visible()


def send_campaign(page: Any, road: Road, campaign: Campaign) -> None:
    """7. Sent now, over SMTP, to the providers; the page follows."""
    page.open(f"/campaigns/{campaign.pk}/approval/")
    page.get_by_role("button", name=re.compile(r"Send to .* now")).click()
    page.locator("dialog[open]").get_by_role("button", name=re.compile("Send to")).click()
    expect(page.get_by_text("How far did it get?").first).to_be_visible()
    sending.campaign_feed_all(actor=SYSTEM, campaign_id=campaign.pk)
    send()
    routes = set(OutboxMessage.objects.filter(state="sent").values_list("route", flat=True))
    assert {"tls", "portal"} <= routes
    assert road.letters("care team"), "somebody got it by verified TLS"
    assert road.letters("You have a message"), "somebody got a notice"
    for arrived, letter in road.letters("You have a message"):
        assert "flu" not in without_tokens(letter.subject + letter.text + letter.html).casefold(), arrived.id


def read_in_the_portal(page: Any, staff: Any, road: Road) -> SecureMessage:
    """9. Out of the mailbox into the portal, with a code and the date of birth; read, and answered."""
    staff.open("/demo/mailboxes/")
    road.look(staff, "demo-mailboxes")
    notice, letter = road.letters("You have a message")[0]
    staff.open(f"/demo/mailboxes/{notice.id}/")
    road.look(staff, "notice-in-the-mailbox")
    link = re.search(r'href="([^"]+/portal/m/[^"]+)"', letter.html)
    assert link is not None
    page.open(link.group(1).removeprefix(page.origin))
    road.look(page, "portal-door")
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_role("heading", name="Enter your code").wait_for()
    send()
    _, mail = road.letters("code")[0]
    code = re.search(r"\b\d{4} \d{4}\b", mail.text)
    assert code is not None
    message = next(row for row in SecureMessage.objects.all() if address_of(row.person_id) == notice.mailbox)
    born = open_people(actor=SYSTEM, purpose="scene", ids=[message.person_id])[message.person_id].birth_date
    assert isinstance(born, date)
    page.get_by_label("Code from the e-mail").fill(code.group(0))
    page.get_by_label("Month").select_option(label=MONTHS[born.month - 1])
    page.get_by_label("Day").fill(str(born.day))
    page.get_by_label("Year").fill(str(born.year))
    road.look(page, "portal-code")
    page.get_by_role("button", name="Open my messages").click()
    page.get_by_role("button", name="Send reply").wait_for()
    expect(page.frame_locator("iframe.portal-frame").locator("body")).to_contain_text("Your flu shot is ready")
    road.look(page, "portal-message")
    page.get_by_label("Your reply").fill("May I come on Saturday?")
    page.get_by_role("button", name="Send reply").click()
    expect(page.get_by_text("Your reply was sent")).to_be_visible()
    return SecureMessage.objects.get(read_at__isnull=False)


def address_of(person_id: int) -> str:
    """The mailbox of somebody, lower case as a provider files it."""
    return (open_people(actor=SYSTEM, purpose="scene", ids=[person_id])[person_id].email or "").casefold()


def answer(page: Any, road: Road) -> None:
    """9. Care staff answer from the inbox."""
    page.open("/portal/inbox/")
    road.look(page, "inbox")
    page.get_by_role("link", name=re.compile("•••")).first.click()
    expect(page.get_by_text("May I come on Saturday?")).to_be_visible()
    page.get_by_label("Your answer").fill("Yes, from nine to noon.")
    page.get_by_role("button", name="Send answer").click()
    expect(page.get_by_text("Answer sent")).to_be_visible()
    road.look(page, "answered")
    send()
    assert Conversation.objects.get().unread == 0


def unsubscribe(page: Any, road: Road) -> None:
    """9. One mailbox stops optional mail, without signing in."""
    _, letter = road.letters("care team")[0]
    link = re.search(r'href="([^"]+/r/u/[^"]+)"', letter.html)
    assert link is not None
    page.open(link.group(1).removeprefix(page.origin))
    road.look(page, "unsubscribe")
    page.get_by_role("button", name="Stop these e-mails").click()
    page.get_by_role("heading", name="You are unsubscribed").wait_for()
    assert Suppression.objects.filter(reason="unsubscribed").exists()


def come_back(road: Road) -> None:
    """10. A provider reports days later that a mailbox is no more: found by its return path, suppressed."""
    arrived, _ = road.letters("care team")[-1]
    path = re.search(rb"^Return-Path: <([^>]+)>", arrived.raw, re.MULTILINE)
    assert path is not None
    provider = next(each for each in demo_providers() if arrived.mailbox.endswith(each.domain))
    sender = path.group(1).decode("ascii")
    raw = delivery_report(provider, sender, arrived.mailbox, arrived.raw, clock.now())
    delivery.mail_receive(actor=SYSTEM, recipient=sender, raw=raw)
    assert Suppression.objects.filter(reason="hard_bounce").exists()


def read_report(page: Any, ada: Any, road: Road, campaign: Campaign) -> None:
    """7. What became of it; the figures are anybody's to take, a line for each person is an administrator's."""
    page.open(f"/campaigns/{campaign.pk}/")
    found = report_of(Campaign.objects.get(pk=campaign.pk))
    assert found.as_json()["sent"] > 0
    road.look(page, "report")
    page.get_by_role("button", name="More", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export the figures").click()
    assert f"reach,sent,{found.sent}" in Path(download.value.path()).read_text("utf-8")
    ada.open(f"/campaigns/{campaign.pk}/")
    ada.get_by_role("button", name="More", exact=True).click()
    with ada.expect_download() as download:
        ada.get_by_role("button", name="Export people without names").click()
    assert "tls" in Path(download.value.path()).read_text("utf-8-sig").casefold()


def journey(page: Any, reviewer: Any, road: Road, person_id: int) -> None:
    """8. The ready-made reminder is switched on; a visit the day after tomorrow is reminded of at once."""
    page.open("/journeys/")
    page.get_by_role("button", name="New journey").click()
    page.get_by_role("button", name=re.compile("Appointment reminder")).click()
    page.get_by_role("link", name="Review and activate").click()
    page.get_by_role("button", name="Ask for approval").click()
    page.settle()
    reviewer.open("/")
    reviewer.get_by_role("link", name=re.compile("Approve “Appointment reminder”")).click()
    reviewer.get_by_role("button", name="Approve journey").click()
    reviewer.settle()
    page.page.reload()
    page.get_by_role("button", name="Activate journey").click()
    expect(page.get_by_text("Version 1 is active.")).to_be_visible()
    appointment_book(actor=SYSTEM, person_id=person_id, start=clock.now() + timedelta(days=2), kind="Flu shot")
    journeys.tick(actor=SYSTEM, now=clock.now())
    send()
    page.page.reload()
    page.settle()
    road.look(page, "journey")
    assert SecureMessage.objects.filter(person_id=person_id, read_at__isnull=True).count() >= 1


def look_at_the_trail(page: Any, road: Road) -> None:
    """11. Everything that was done stands in the trail; 12. and the register asks for agreements."""
    page.open("/audit/")
    road.look(page, "trail")
    page.open("/compliance/")
    road.look(page, "register")
