"""People in the browser: found, revealed, booked, and imported from a file, on a screen and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.merging.services import finding as duplicates
from apps.contacts.models import Appointment, Person
from apps.core import actors, clock
from apps.imports.models import ImportJob
from apps.imports.services import passes

pytestmark = pytest.mark.django_db(transaction=True)
CLI = actors.COMMAND_LINE
DATA = Path(__file__).resolve().parent.parent / "data"


@pytest.fixture
def dana() -> int:
    return services.contact_create(
        actor=CLI,
        profile={
            "first_name": "Dana",
            "last_name": "Quist",
            "birth_date": "1960-02-29",
            "email": "dana.quist@goodmail.test",
            "mrn": "MRN-77",
            "relation": "patient",
        },
    ).id


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, settings: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }


def work() -> None:
    """What the worker does when it is woken."""
    for job in ImportJob.objects.all():
        passes.work(job.pk)


def test_a_nurse_finds_somebody_and_reveals_an_address(
    dana: int, enter: Callable[..., Any], axe: Callable[..., None]
) -> None:
    page = enter("nora")
    page.open("/contacts/")
    axe(page)
    page.get_by_placeholder("Name, e-mail, phone or MRN").fill("quist")
    page.get_by_role("button", name="Search").click()
    assert "quist" not in page.url
    page.get_by_role("link", name="Dana Quist").click()
    axe(page)
    page.get_by_role("button", name="Reveal e-mail").click()
    page.get_by_label("Why do you need the e-mail?").select_option("Looking into a delivery")
    page.get_by_role("button", name="Show e-mail").click()
    expect(page.get_by_text("dana.quist@goodmail.test")).to_be_visible()
    axe(page)
    assert AuditEntry.objects.filter(action="contact.reveal", fields=["email"]).count() == 1


def test_a_nurse_books_and_cancels_a_visit(dana: int, enter: Callable[..., Any], axe: Callable[..., None]) -> None:
    page = enter("nora")
    page.open(f"/contacts/{dana}/appointments/")
    page.get_by_role("button", name="Book appointment").first.click()
    axe(page)
    page.get_by_label("Date").first.fill((clock.now() + timedelta(days=9)).date().isoformat())
    page.get_by_label("Time").first.fill("09:20")
    page.get_by_label("What for").fill("Check-up")
    page.locator("#book").get_by_role("button", name="Book appointment").click()
    expect(page.get_by_role("cell", name="Check-up")).to_be_visible()
    page.get_by_role("button", name="Move or cancel").click()
    page.get_by_role("button", name="Cancel appointment").click()
    expect(page.locator("dialog[open]").get_by_role("button", name="Keep it")).to_be_visible()
    page.locator("dialog[open]").get_by_role("button", name="Cancel appointment").click()
    expect(page.locator("table").get_by_text("Canceled")).to_be_visible()
    assert Appointment.objects.get().version == 2


def test_a_marketer_imports_synthea_tables(enter: Callable[..., Any], axe: Callable[..., None]) -> None:
    page = enter("max")
    page.open("/contacts/")
    page.get_by_role("link", name="Import contacts").click()
    page.get_by_text("Synthea tables").click()
    page.locator("input[type=file]").set_input_files(sorted((DATA / "synthea").glob("*.csv")))
    page.get_by_label("Invent an e-mail address").check()
    axe(page)
    page.get_by_role("button", name="Upload and continue").click()
    expect(page.get_by_text("You may leave this page.")).to_be_visible()
    axe(page)
    work()
    expect(page.get_by_role("heading", name="This is what would happen")).to_be_visible()
    expect(page.get_by_text("allergies")).to_be_visible()
    axe(page)
    assert Person.objects.count() == 0
    page.get_by_role("button", name="Import 148 new or changed rows").click()
    work()
    expect(page.get_by_role("heading", name="Imported")).to_be_visible()
    assert Person.objects.count() == 14
    page.get_by_role("link", name="Open contacts").click()
    expect(page.get_by_text("1–14 of 14")).to_be_visible()


ODD = (
    "Patient List Report\nPrinted 11/30/2026\n\nRecord,Given name,Surname,Born,E-mail,Lang\n"
    "RB-1,Marisol,Núñez,4/12/45,marisol@goodmail.test,Somali\nRB-2,Otis,Hale,4/12/20,otis at goodmail,English\n"
    "RB-3,José,Peña,2/30/70,jose@goodmail.test,\nTotal: 3,,,,,\n"
)


def test_an_odd_list_is_mended_on_a_phone(enter: Callable[..., Any], axe: Callable[..., None], tmp_path: Path) -> None:
    """Titles above the header, a code page of the Mac, two-digit years, a total at the foot, cells nobody can read."""
    listed = tmp_path / "list.csv"
    listed.write_bytes(ODD.encode("mac_roman"))
    page = enter("max", width=375, scheme="dark")
    page.open("/contacts/imports/new/")
    page.locator("input[type=file]").set_input_files(listed)
    page.get_by_role("button", name="Upload and continue").click()
    expect(page.get_by_role("heading", name="What do the columns mean?")).to_be_visible()
    expect(page.get_by_text("Line 4 was taken for the names of the columns.")).to_be_visible()
    expect(page.get_by_label("Núñez · José · Peña")).to_be_checked()
    page.no_overflow()
    axe(page)
    page.get_by_label("Birth years of two digits").select_option("20")
    page.get_by_role("button", name="Check 4 rows").click()
    work()
    expect(page.get_by_text("Cells that could not be read", exact=True).first).to_be_visible()
    page.no_overflow()
    axe(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 2 cells").click()
    assert "otis at goodmail" in Path(download.value.path()).read_text("utf-8-sig")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 1 rejected row").click()
    assert "Total: 3" in Path(download.value.path()).read_text("utf-8-sig")


def test_a_nurse_makes_one_record_of_two_and_takes_it_back(
    dana: int, enter: Callable[..., Any], axe: Callable[..., None]
) -> None:
    again = services.contact_create(
        actor=CLI, profile={"first_name": "D", "last_name": "Quist", "birth_date": "1960-02-29", "mrn": "Q-9"}
    ).id
    job = duplicates.search_start(actor=CLI)
    duplicates.work(job.pk)
    page = enter("nora")
    page.open("/contacts/duplicates/")
    axe(page)
    page.get_by_role("link", name="Compare").click()
    expect(page.get_by_role("radio", name="MRN-77")).to_be_visible()
    axe(page)
    page.get_by_role("radio", name="Q-9").check()
    page.get_by_role("button", name="Merge records").click()
    page.locator("dialog[open]").get_by_role("button", name="Merge records").click()
    expect(page.get_by_text(f"Record No. {again} was merged into No. {dana}")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Undo this merge").click()
    page.locator("dialog[open]").get_by_role("button", name="Undo merge").click()
    expect(page.get_by_role("heading", name="This merge was undone")).to_be_visible()
    assert Person.objects.filter(merged_into__isnull=False).count() == 0
