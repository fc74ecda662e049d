"""People in the browser: found, revealed, booked, and imported from a file, on a screen and on a phone."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.merging.services import finding as duplicates
from apps.contacts.models import Appointment, Person, PersonIdentity, TimelineEvent
from apps.contacts.person import search_values, selectors
from apps.core import actors, clock
from apps.imports.models import ImportJob, ImportUndo
from apps.imports.services import passes
from apps.imports.undo import services as undoing

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


HELL = (
    "sep=;\nLista de pacientes\nImpreso 30/11/2026\n\n"
    "Expediente;Nombre;Apellidos;Fecha de nacimiento;Correo;Teléfono;Idioma;Ciudad\n"
    "RB-1;Marisol;Núñez Jr.;12/4/45;marisol@goodmail.test;(859) 555-0142;Somali;Lexington\n"
    "RB-2;Otis;Hale;4/12/20;otis at goodmail;859\u00a0555\u00a00143;Martian;Lexington\n"
    ";José;Peña;13/5/70;jose@goodmail.test;ninguno;Español;Lexington\n"
    "RB-1;Marisol;Núñez;12/4/45;;;;\n"
    "RB-7;Ana;Ibáñez;1/2/68;N/A;;Hmong;Ohio City\n"
    "Total: 5;;;;;;;\n"
)


def profile(mrn: str) -> dict[str, Any]:
    """What is on record under a record number; nothing of nobody."""
    found = PersonIdentity.objects.filter(kind=search_values.MRN, token=search_values.identity("mrn", mrn)).first()
    if found is None:
        return {}
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=found.person_id)
    return record.profile if record is not None else {}


def upload(page: Any, listed: Path) -> None:
    page.open("/contacts/imports/new/")
    page.locator("input[type=file]").set_input_files(listed)
    page.get_by_role("button", name="Upload and continue").click()
    expect(page.get_by_role("heading", name="What do the columns mean?")).to_be_visible()


def undo(page: Any, job: ImportJob) -> None:
    page.open(f"/contacts/imports/{job.pk}/")
    page.get_by_role("link", name="Undo this import").click()
    page.get_by_role("button", name="Undo this import").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    undoing.work(ImportUndo.objects.get(job=job).pk)
    expect(page.get_by_role("heading", name="Undone")).to_be_visible()


def test_a_list_from_hell_is_imported_mended_and_undone(
    enter: Callable[..., Any], axe: Callable[..., None], tmp_path: Path
) -> None:
    """A code page of the Mac, ``sep=``, titles, a foot, Spanish headers, two-digit years, an unknown language, cells
    nobody can read, a row without its key, one that stands twice; what is corrected comes back with invisible signs.
    """
    ana = {"first_name": "Ana", "last_name": "Ibáñez", "mrn": "RB-7", "birth_date": "1968-02-01", "language": "es"}
    services.contact_create(actor=CLI, profile={**ana, "relation": "patient", "address": {"city": "Lugo"}})
    before, rows = profile("RB-7"), (TimelineEvent.objects.count(), PersonIdentity.objects.count())
    listed = tmp_path / "list.csv"
    listed.write_bytes(HELL.encode("mac_roman"))
    page = enter("max", width=375, scheme="dark")
    upload(page, listed)
    expect(page.get_by_text("Line 5 was taken for the names of the columns.")).to_be_visible()
    expect(page.get_by_role("radio", name="Mac, Western Europe (Roman)")).to_be_checked()
    page.no_overflow()
    axe(page)
    page.get_by_label("Birth years of two digits").select_option("20")
    page.get_by_role("button", name="Check 6 rows").click()
    work()
    expect(page.get_by_text("Cells that could not be read", exact=True).first).to_be_visible()
    page.no_overflow()
    axe(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 2 cells").click()
    cells = Path(download.value.path()).read_text("utf-8-sig")
    assert "otis at goodmail" in cells
    assert "Martian" in cells
    page.get_by_role("button", name="Import 3 new or changed rows").click()
    work()
    expect(page.get_by_role("heading", name="Imported")).to_be_visible()
    page.look(width=1280, scheme="light")
    page.no_overflow()
    axe(page)
    marisol, otis = profile("RB-1"), profile("RB-2")
    assert [marisol[name] for name in ("first_name", "last_name", "suffix", "birth_date", "language", "phone")] == [
        "Marisol", "Núñez", "Jr.", "1945-04-12", "so", "(859) 555-0142",
    ]  # fmt: skip
    assert (otis["birth_date"], otis["phone"]) == ("2020-12-04", "859 555 0143")
    assert not {"email", "language"} & otis.keys(), "an odd cell costs the cell"
    assert (profile("RB-7")["address"], profile("RB-7")["language"]) == ({"city": "Ohio City"}, "hmn")

    with page.expect_download() as download:
        page.get_by_role("button", name="Download 3 rejected rows").click()
    rejected = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert [row["Apellidos"] for row in rejected] == ["Peña", "Núñez", ""]
    mended = rejected[0] | {"Expediente": "\u202dRB-3\u202c", "Correo": "jose@goodmail.test\u200b"}
    corrected = tmp_path / "corrected.csv"
    with corrected.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, mended)
        writer.writeheader()
        writer.writerow(mended)
    upload(page, corrected)
    page.no_overflow()
    axe(page)
    page.get_by_role("button", name="Check 1 row").click()
    work()
    page.get_by_role("button", name="Import 1 new or changed row").click()
    work()
    expect(page.get_by_role("heading", name="Imported")).to_be_visible()
    jose = profile("RB-3")
    assert [jose[name] for name in ("last_name", "birth_date", "email", "language")] == [
        "Peña", "1970-05-13", "jose@goodmail.test", "es",
    ]  # fmt: skip

    first, second = ImportJob.objects.order_by("pk")
    undo(page, second)
    assert profile("RB-3") == {}
    undo(page, first)
    page.look(width=375, scheme="dark")
    page.no_overflow()
    axe(page)
    assert Person.objects.filter(erased_at__isnull=True).count() == 1
    assert profile("RB-7") == before
    assert (TimelineEvent.objects.count(), PersonIdentity.objects.count()) == rows, "it leaves nothing"


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
