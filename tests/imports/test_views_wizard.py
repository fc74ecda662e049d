"""The wizard of imports: files chosen, columns mapped, a dry run looked at, and the result."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.contrib.messages import get_messages

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.models import Person
from apps.core import actors
from apps.imports.models import ImportJob
from apps.imports.services import passes

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
DATA = Path(__file__).resolve().parent.parent / "data"


def text_of(response) -> str:
    return response.content.decode()


def work_all() -> None:
    for job in ImportJob.objects.all():
        passes.work(job.pk)


def test_synthea_tables_come_in_by_the_wizard(signed_in, noon) -> None:
    client = signed_in("max")
    files = [io.BytesIO(path.read_bytes()) for path in sorted((DATA / "synthea").glob("*.csv"))]
    for file, path in zip(files, sorted((DATA / "synthea").glob("*.csv")), strict=True):
        file.name = path.name
    page = client.post(
        "/contacts/imports/new/", {"kind": "synthea", "files": files, "invent_addresses": "on"}, follow=True
    )
    assert "Checking" in text_of(page)
    work_all()
    job = ImportJob.objects.get()
    page = text_of(client.get(f"/contacts/imports/{job.pk}/"))
    assert "This is what would happen" in page
    assert "allergies" in page
    assert "Invented under .test" in page
    assert Person.objects.count() == 0
    client.post(f"/contacts/imports/{job.pk}/start/")
    progress = client.get(f"/contacts/imports/{job.pk}/progress/")
    assert "Importing" in text_of(progress)
    work_all()
    assert client.get(f"/contacts/imports/{job.pk}/progress/")["HX-Redirect"]
    page = text_of(client.get(f"/contacts/imports/{job.pk}/"))
    assert "Imported" in page
    assert Person.objects.count() == 14
    assert AuditEntry.objects.filter(action="contact.import", actor_kind="staff").exists()


def test_a_list_is_mapped_checked_and_its_rejected_rows_come_back(signed_in, noon) -> None:
    client = signed_in("max")
    file = io.BytesIO((DATA / "contacts.csv").read_bytes())
    file.name = "contacts.csv"
    page = client.post("/contacts/imports/new/", {"kind": "list", "files": [file]}, follow=True)
    job = ImportJob.objects.get()
    text = text_of(page)
    assert "What do the columns mean?" in text
    assert "Marisol" in text  # sample values
    assert ">x1" not in text  # but not of a password
    assert AuditEntry.objects.filter(action="import.preview").exists()

    wrong = client.post(f"/contacts/imports/{job.pk}/columns/", {"match_on": "mrn", "column-1": "first_name"})
    assert wrong.status_code == 422
    assert "no column is mapped" in text_of(wrong)

    mapping = io.BytesIO((DATA / "contacts.mapping.json").read_bytes())
    mapping.name = "m.json"
    client.post(f"/contacts/imports/{job.pk}/columns/", {"mapping": mapping})
    exported = json.loads(client.get(f"/contacts/imports/{job.pk}/mapping/").content)
    assert exported["columns"]["Newsletter consent"] == "consent.marketing"

    client.post(f"/contacts/imports/{job.pk}/check/")
    checked = text_of(client.get(f"/contacts/imports/{job.pk}/"))
    assert "<dt>These people are</dt><dd>" in checked, "what they become is said before they are in"
    assert "<dt>Known already</dt><dd>Update them from filled cells</dd>" in checked
    work_all()
    page = text_of(client.get(f"/contacts/imports/{job.pk}/"))
    assert "Cells that could not be read" in page
    assert "Born is not a date" in page
    assert "ruth at goodmail" not in page, "the page says where and why, not what"
    unread = b"".join(client.post(f"/contacts/imports/{job.pk}/unread/").streaming_content).decode("utf-8-sig")
    assert "RB-5,E-mail,is not an e-mail address,ruth at goodmail" in unread
    assert "RB-1" not in unread
    assert AuditEntry.objects.filter(action="import.export").count() == 1
    assert "contacts.csv" in text_of(client.get("/contacts/imports/"))


def checked_list(client, rows: bytes) -> ImportJob:
    """Record numbers and first names: uploaded, mapped and checked."""
    file = io.BytesIO(rows)
    file.name = "list.csv"
    client.post("/contacts/imports/new/", {"kind": "list", "files": [file]})
    job = ImportJob.objects.get()
    columns = {"column-0": "mrn", "column-1": "first_name", "match_on": "mrn"}
    client.post(f"/contacts/imports/{job.pk}/columns/", columns)
    work_all()
    return job


def test_a_list_with_nothing_new_says_so_and_offers_the_next_file(signed_in, noon) -> None:
    """Every row is known or rejected: the page must not end with Cancel alone."""
    services.contact_create(actor=CLI, profile={"first_name": "Ana", "mrn": "A", "relation": "patient"})
    client = signed_in("max")
    job = checked_list(client, b"MRN,First name\nA,Ana\n,Bea\n")
    page = text_of(client.get(f"/contacts/imports/{job.pk}/"))
    assert "Nothing to import." in page
    assert "1 row is on record already" in page
    assert "Import another file" in page


def test_going_back_to_the_columns_of_a_finished_import_shows_its_result(signed_in, noon) -> None:
    """The files are deleted by then; the browser's Back must not end in an error."""
    client = signed_in("max")
    job = checked_list(client, b"MRN,First name\nA,Ana\n")
    client.post(f"/contacts/imports/{job.pk}/start/")
    work_all()
    job.refresh_from_db()
    assert job.state == "done"
    back = client.get(f"/contacts/imports/{job.pk}/columns/")
    assert (back.status_code, back.headers["Location"]) == (302, f"/contacts/imports/{job.pk}/")


def test_a_few_changed_birth_dates_are_shown_before_they_happen(signed_in, noon) -> None:
    services.contact_create(
        actor=CLI, profile={"first_name": "Ana", "mrn": "A", "birth_date": "1980-01-01", "relation": "patient"}
    )
    client = signed_in("max")
    file = io.BytesIO(b"MRN,First name,DOB\nA,Ana,1981-01-01\n")
    file.name = "x.csv"
    client.post("/contacts/imports/new/", {"kind": "list", "files": [file]})
    job = ImportJob.objects.get()
    columns = {"column-0": "mrn", "column-1": "first_name", "column-2": "birth_date"}
    client.post(f"/contacts/imports/{job.pk}/columns/", {**columns, "match_on": "mrn", "source": "Epic"})
    work_all()
    page = text_of(client.get(f"/contacts/imports/{job.pk}/"))
    assert "1 person we know would get another birth date" in page
    job.refresh_from_db()
    assert job.opened()["mapping"]["source"] == "epic"


def test_a_workbook_is_refused_where_it_was_chosen(signed_in, noon) -> None:
    file = io.BytesIO(b"PK\x03\x04....")
    file.name = "people.xlsx"
    response = signed_in("max").post("/contacts/imports/new/", {"kind": "list", "files": [file]})
    assert response.status_code == 422
    assert "Excel workbook" in text_of(response)
    assert not ImportJob.objects.exists()


def test_a_nurse_does_not_import(signed_in, noon) -> None:
    assert signed_in("nora").get("/contacts/imports/").status_code == 403


def test_a_refusal_is_told_as_a_message(signed_in, noon) -> None:
    client = signed_in("max")
    file = io.BytesIO((DATA / "contacts.csv").read_bytes())
    file.name = "c.csv"
    client.post("/contacts/imports/new/", {"kind": "list", "files": [file]})
    response = client.post(f"/contacts/imports/{ImportJob.objects.get().pk}/start/")
    assert "Check the import first" in str(next(iter(get_messages(response.wsgi_request))))
