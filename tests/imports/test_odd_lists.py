"""Lists as clinics have them, from the upload to the people: workbooks, titles, code pages, changed keys, odd cells."""

from __future__ import annotations

import csv
import io
import json
from datetime import date

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from apps.contacts import services
from apps.contacts.models import Person, PersonIdentity
from apps.contacts.person import search_values, selectors
from apps.core import actors
from apps.core.errors import Refused
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from apps.imports.services.jobs import Upload

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
COLUMNS = {"MRN": "mrn", "Last": "last_name"}
LIST = {"match_on": "mrn", "columns": COLUMNS}


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    """Uploads go to a folder of the test."""
    location = tmp_path / "files"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(location)},
        },
    }
    return location


def worked(job: ImportJob) -> ImportJob:
    passes.work(job.pk)
    job.refresh_from_db()
    return job


def imported(data: bytes, document: dict, name: str = "list.csv") -> ImportJob:
    job = jobs.import_create(actor=CLI, kind="list", uploads=[Upload(name, io.BytesIO(data))], document=document)
    jobs.import_check(actor=CLI, job_id=job.pk)
    foretold = jobs.counts(worked(job)), job.opened().get("unread", 0)
    jobs.import_start(actor=CLI, job_id=job.pk)
    job = worked(job)
    assert (jobs.counts(job), job.opened().get("unread", 0)) == foretold, "the check and the import agree"
    return job


def person(mrn: str) -> dict:
    found = PersonIdentity.objects.get(kind=search_values.MRN, token=search_values.identity("mrn", mrn))
    return selectors.open_person(actor=CLI, purpose="scene", person_id=found.person_id).profile


def known(*mrns: str) -> None:
    for mrn in mrns:
        profile = {"first_name": "Ann", "last_name": "Lee", "mrn": mrn, "relation": "patient"}
        services.contact_create(actor=CLI, profile=profile)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Patients"
    sheet.append(["Patient List Report"])
    sheet.append([])
    sheet.append(["MRN", "Last", "DOB", "ZIP"])
    sheet.append([777, "Lee", date(1945, 4, 12), 2139])
    sheet["A4"].number_format = "000000"
    sheet.append(["000778", "Núñez", date(1980, 1, 2), 40502])
    more = book.create_sheet("Archive")
    more.append(["MRN", "Last"])
    more.append(["900", "Old"])
    hidden = book.create_sheet("Codes")
    hidden.sheet_state = "hidden"
    hidden.append(["x"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_comes_in_as_it_is_shown(noon, storage, django_capture_on_commit_callbacks) -> None:
    columns = {**COLUMNS, "DOB": "birth_date", "ZIP": "zip"}
    job = imported(workbook(), {"match_on": "mrn", "columns": columns, "date_format": "%Y-%m-%d"}, "list.xlsx")
    assert (job.new, job.rejected) == (2, 0)
    assert person("000777") == {
        "mrn": "000777",
        "last_name": "Lee",
        "birth_date": "1945-04-12",
        "address": {"zip": "02139"},
        "relation": "patient",
    }
    assert [each["hidden"] for each in job.opened()["files"][0]["sheets"]] == [False, False, True]
    assert len([path for path in storage.rglob("*") if path.is_file()]) == 2
    with django_capture_on_commit_callbacks(execute=True):
        jobs.uploads_clear(actor=CLI)
    assert not [path for path in storage.rglob("*") if path.is_file()], "neither the sheet nor the workbook stays"


def test_another_sheet_is_named_by_the_mapping(noon) -> None:
    job = imported(workbook(), {**LIST, "sheet": "Archive"}, "list.xlsx")
    assert (job.new, person("900")["last_name"]) == (1, "Old")
    with pytest.raises(Refused, match="no sheet of that name"):
        imported(workbook(), {**LIST, "sheet": "Nowhere"}, "list.xlsx")


@pytest.mark.parametrize(
    ("mrn", "cell", "reason"),
    [
        ("12345", "12345.0", "put .0 behind the key"),
        ("000777", "777", "zeros in front"),
        ("777", "000777", "without the zeros"),
        ("000777", "777.0", "zeros in front"),
    ],
)
def test_a_key_that_a_spreadsheet_changed_makes_nobody_new(noon, mrn: str, cell: str, reason: str) -> None:
    known(mrn)
    job = imported(f"MRN,Last\n{cell},Lee\nNEW-1,Ray\n".encode(), LIST)
    assert (job.new, job.rejected, Person.objects.count()) == (1, 1, 2)
    assert any(reason in each for each in job.opened()["reasons"])


def test_a_long_list_is_looked_through_once_its_sample_shows_lost_zeros(noon) -> None:
    known("000007", "000151", "000299")
    rows = "".join(f"{number},L{number}\n" for number in range(1, 301))
    job = imported(f"MRN,Last\n{rows}".encode(), LIST)
    assert (job.new, job.rejected) == (297, 3)


def test_a_new_number_with_a_point_zero_is_kept_without_it(noon) -> None:
    imported(b"MRN,Last\n12345.0,Lee\n", LIST)
    assert person("12345")["mrn"] == "12345"


def test_an_export_comes_back_unchanged(noon, tmp_path, capsys) -> None:
    columns = {
        "MRN": "mrn", "First": "first_name", "Last": "last_name", "Phone": "phone", "Street": "address_line",
        "Sex": "sex", "Lang": "language", "Rel": "relation", "ZIP": "zip",
    }  # fmt: skip
    text = (
        ",".join(columns) + "\nA-1,Ann,Lee,+18595550142,-5 Hill; -6 Dale,X,Somali,patient,2139\n"
        "A-2,Bo,Ray,859-555-0145,@Home,F,Ho-Chunk,subscriber,40502\n"
    )
    imported(text.encode(), {"match_on": "mrn", "columns": columns})
    before = person("A-1"), person("A-2")
    out = tmp_path / "out.csv"
    names = "mrn,first_name,last_name,phone,address_line,sex,language,relation,zip"
    call_command("contact_export", "--reason", "Calls", "--columns", names, "--to", str(out))
    exported = out.read_text("utf-8-sig")
    assert "'+18595550142" in exported
    assert "Ho-Chunk" in exported
    header = next(csv.reader([exported.splitlines()[0]]))
    mapping = {"match_on": "mrn", "columns": dict(zip(header, names.split(","), strict=True))}
    again = imported(exported.encode(), mapping)
    assert jobs.counts(again) == {"read": 2, "new": 0, "changed": 0, "unchanged": 2, "rejected": 0}
    assert (person("A-1"), person("A-2")) == before


def test_rejected_rows_that_were_corrected_come_in_as_they_were_meant(noon) -> None:
    columns = {"MRN": "mrn", "Street": "address_line", "OK": "consent.marketing", "On": "consent.marketing.date"}
    job = imported(b"MRN,Street,OK,On\nA-1,@Home,yes,\n", {"match_on": "mrn", "columns": columns})
    assert job.rejected == 1
    corrected = "".join(jobs.rejected_csv(actor=CLI, job_id=job.pk)).replace("yes,", "yes,2026-01-02")
    assert "'@Home" in corrected
    imported(corrected.encode(), {"match_on": "mrn", "columns": columns})
    assert person("A-1")["address"] == {"line": "@Home"}


TITLED = "Patient List Report\nPrinted 11/30/2026\n\nMRN,Last,DOB\n1,José,4/12/45\n2,Núñez,4/12/20\nTotal: 2,,\n"


def test_titles_and_a_code_page_are_shown_and_can_be_chosen_on_the_page(signed_in, noon) -> None:
    client = signed_in("max")
    file = io.BytesIO(TITLED.encode("mac_roman"))
    file.name = "list.csv"
    page = client.post("/contacts/imports/new/", {"kind": "list", "files": [file]}, follow=True).content.decode()
    job = ImportJob.objects.get()
    assert "Patient List Report" in page
    assert "Mac, Western Europe (Roman)" in page
    assert "José · Núñez" in page
    assert "Birth years of two digits" in page
    assert "4/12/20" in page
    columns = f"/contacts/imports/{job.pk}/columns/"
    client.post(columns, {"reread": "1", "encoding": "cp1252", "header_line": "4"})
    assert "JosŽ" in client.get(columns).content.decode()
    wrong = client.post(columns, {"reread": "1", "encoding": "klingon"})
    assert wrong.status_code == 422
    assert "must be one of" in wrong.content.decode()
    client.post(columns, {"reread": "1", "encoding": "mac_roman", "header_line": "4"})
    chosen = {"match_on": "mrn", "column-0": "mrn", "column-1": "last_name", "column-2": "birth_date"}
    client.post(columns, {**chosen, "date_format": "%m/%d/%y", "century": "20"})
    page = client.get(f"/contacts/imports/{worked(job).pk}/").content.decode()
    assert (job.new, job.rejected) == (0, 0) or job.state == "checked"
    assert jobs.counts(job)["new"] == 2
    assert "foot of the list" in page
    client.post(f"/contacts/imports/{job.pk}/start/")
    worked(job)
    assert (person("1")["birth_date"], person("2")["birth_date"]) == ("1945-04-12", "2020-04-12")
    assert person("1")["last_name"] == "José"
    exported = json.loads(client.get(f"/contacts/imports/{job.pk}/mapping/").content)
    assert (exported["encoding"], exported["header_line"], exported["century"]) == ("mac_roman", 4, "20")


@pytest.mark.parametrize("kind", ["events", "appointments"])
def test_lists_of_events_and_visits_are_read_as_chosen_too(signed_in, noon, kind) -> None:
    lists = {
        "events": "mrn,date,term\n1,2026-11-02,Espa\u00f1ol\n",
        "appointments": "external_id,mrn,start,location\nv1,1,2027-11-02T09:00,Mu\u00f1oz\n",
    }
    client = signed_in("max")
    file = SimpleUploadedFile("l.csv", lists[kind].encode("mac_roman"))
    page = client.post("/contacts/imports/new/", {"kind": kind, "files": [file]}, follow=True).content.decode()
    job = ImportJob.objects.get()
    at = f"/contacts/imports/{job.pk}/" + ("event-columns/" if kind == "events" else "reading/")
    if kind == "appointments":
        page = client.get(f"/contacts/imports/{worked(job).pk}/").content.decode()
    assert "Are the letters right?" in page
    assert "Mac, Western Europe (Roman)" in page
    asked = {"reread": "1", "encoding": "cp1252"}
    page = client.post(at, asked, follow=True).content.decode()
    job.refresh_from_db()
    assert job.opened()["files"][0]["encoding"] == "cp1252"
    if kind == "appointments":
        worked(job)
    client.post(at, {"reread": "1", "encoding": "mac_roman"}, follow=True)
    job.refresh_from_db()
    assert job.opened()["files"][0]["encoding"] == "mac_roman"
    if kind == "events":
        columns = {"match_on": "mrn", "column-0": "mrn", "column-1": "date", "column-2": "term", "kind": "condition"}
        client.post(at, {**columns, "date_format": "%Y-%m-%d", "keep": "1"})
        job.refresh_from_db()
        exported = json.loads(client.get(f"/contacts/imports/{job.pk}/mapping/").content)
        assert exported["encoding"] == "mac_roman"
    else:
        assert worked(job).state == "checked"
    assert client.post(at, {"reread": "1", "encoding": "klingon"}).status_code in (302, 422)
    job.refresh_from_db()
    assert job.opened()["files"][0]["encoding"] == "mac_roman"


def test_a_colleague_sees_no_line_of_the_file(signed_in, noon) -> None:
    job = jobs.import_create(actor=CLI, kind="list", uploads=[Upload("l.csv", io.BytesIO(TITLED.encode("mac_roman")))])
    page = signed_in("max").get(f"/contacts/imports/{job.pk}/columns/").content.decode()
    assert "How the letters are read" in page
    assert "José" not in page
    assert "Patient List Report" not in page


def test_a_person_who_speaks_somali_is_found_by_it(noon) -> None:
    job = imported(b"MRN,Last,Lang\n1,Abdi,Somali\n2,Lee,blah\n", {**LIST, "columns": {**COLUMNS, "Lang": "language"}})
    assert job.new == 2
    assert job.opened()["unread_reasons"] == {"Lang is not a language; use its name, or a code such as en or es": 1}
    assert person("1")["language"] == "so"


def test_a_row_finds_somebody_by_another_address_of_theirs(noon) -> None:
    def somebody(mrn: str, verified: str, **more: str) -> None:
        profile = {"mrn": mrn, "last_name": "Lee", "email": f"main-{mrn}@x.test", "birth_date": "1950-01-02", **more}
        others = {f"other-{mrn}@x.test": verified}
        services.contact_create(actor=CLI, profile={**profile, "relation": "patient", "other_emails": others})

    somebody("1", "")
    somebody("2", "2026-01-02")
    somebody("3", "")
    somebody("4", "", birth_date="")
    document = {"match_on": "email", "columns": {"Mail": "email", "City": "city", "Born": "birth_date"}}
    job = imported(
        b"Mail,City,Born\nother-1@x.test,Lima,1950-01-02\nOTHER-2@x.test,Rome,1950-01-03\nother-3@x.test,Bern,1990-09-09\n"
        b"other-4@x.test,Oslo,1980-05-05\n",
        document,
    )
    assert (job.new, job.changed) == (1, 3), "an address that nobody verified is not a key against another birth date"
    assert person("1")["address"] == {"city": "Lima"}
    assert person("1")["email"] == "main-1@x.test", "the primary address stays"
    assert person("2")["address"] == {"city": "Rome"}
    assert "address" not in person("3")
    assert person("4")["address"] == {"city": "Oslo"}


def test_a_suffix_behind_a_family_name_is_one(noon) -> None:
    columns = {**COLUMNS, "Suffix": "suffix"}
    imported(b'MRN,Last,Suffix\n1,Smith Jr.,\n2,"Doe, MD",\n3,Lee Jr,III\n4,Yo Ma,\n', {**LIST, "columns": columns})
    assert [(person(mrn)["last_name"], person(mrn).get("suffix")) for mrn in "1234"] == [
        ("Smith", "Jr."), ("Doe", "MD"), ("Lee", "III"), ("Yo Ma", None),
    ]  # fmt: skip
