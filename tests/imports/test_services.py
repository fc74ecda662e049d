"""Files become people: dry run, import, a second import, a crash, a cancelled job, rejected rows."""

from __future__ import annotations

import gzip
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts.consent.services import consent_history
from apps.contacts.models import (
    Appointment,
    ConsentState,
    Person,
    PersonIdentity,
    TimelineEvent,
    TimelineSummary,
    Vocabulary,
)
from apps.contacts.person import search_values, selectors
from apps.core import actors, cells, clock
from apps.core.errors import Refused
from apps.imports.models import ImportJob, ImportRejection
from apps.imports.readers import synthea
from apps.imports.services import jobs, passes
from apps.imports.services.jobs import Upload
from apps.jobs.models import LEASE
from apps.vault import tokens
from tests import sizes
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
DATA = Path(__file__).resolve().parent.parent / "data"
SYNTHEA = sorted((DATA / "synthea").glob("*.csv"))
MAPPING = json.loads((DATA / "contacts.mapping.json").read_text())


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    """Uploads go to a folder of the test."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }
    return tmp_path / "files"


def uploads(paths) -> list[Upload]:
    return [Upload(path.name, io.BytesIO(path.read_bytes())) for path in paths]


def checked(kind: str, given: list[Upload], **options) -> ImportJob:
    job = jobs.import_create(actor=CLI, kind=kind, uploads=given, **options)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    return job


def imported(kind: str, given: list[Upload], **options) -> ImportJob:
    job = checked(kind, given, **options)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    return job


def list_of(text: str) -> list[Upload]:
    return [Upload("list.csv", io.BytesIO(text.encode()))]


HEADER = "Record,Given name,Surname,Born,Gender,E-mail,Cell,Newsletter consent,Consented on,Form\n"


def test_a_dry_run_says_what_the_import_then_does_and_a_second_import_changes_nothing(noon) -> None:
    job = checked("synthea", uploads(SYNTHEA), invent_addresses=True)
    assert job.state == "checked"
    foretold = jobs.counts(job)
    assert Person.objects.count() == TimelineEvent.objects.count() == 0
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert job.state == "done"
    assert jobs.counts(job) == foretold
    assert foretold["new"] == foretold["read"] == Person.objects.count() + TimelineEvent.objects.count()
    assert [item["table"] for item in job.opened()["files"] if not item["used"]] == ["allergies"]

    entries = AuditEntry.objects.count()
    again = imported("synthea", uploads(SYNTHEA), invent_addresses=True)
    assert (again.new, again.changed, again.rejected) == (0, 0, 0)
    assert again.unchanged == foretold["read"]
    assert Person.objects.count() + TimelineEvent.objects.count() == foretold["read"]
    assert AuditEntry.objects.count() > entries  # we looked at people, and the trail says so


def test_events_are_found_by_kind_code_class_and_set(noon) -> None:
    imported("synthea", uploads(SYNTHEA))
    group = tokens.token63("group", "kind:encounter")
    assert TimelineSummary.objects.filter(group=group).exists()
    [flu] = Vocabulary.objects.filter(system="CVX", code="140")
    assert "Influenza" in flu.term
    shots = TimelineSummary.objects.filter(group=tokens.token63("group", "code:CVX:140"))
    also = TimelineSummary.objects.filter(group=tokens.token63("group", "set:influenza_vaccine"))
    assert sorted(shots.values_list("person_id", "count")) == sorted(also.values_list("person_id", "count"))
    person = shots.first().person_id
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=person)
    selectors.load_events({person: record})
    mine = [event for event in record.events if event.get("code") == "140"]
    assert len(mine) == shots.first().count
    assert mine[0]["kind"] == "immunization"
    assert mine[0]["system"] == "CVX"


def test_nothing_of_the_files_lies_about_in_plain(noon, storage) -> None:
    job = jobs.import_create(actor=CLI, kind="synthea", uploads=uploads(SYNTHEA))
    names = {
        row.split(",")[index]
        for row in (DATA / "synthea/patients.csv").read_text().splitlines()[1:]
        for index in (0, 3, 7, 8)
    }
    kept = [path for path in storage.rglob("*") if path.is_file()]
    assert len(kept) == len(SYNTHEA)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    dump = b"".join(path.read_bytes() for path in kept)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            dump += "\n".join(row[0] for row in cursor.fetchall()).encode()
    assert not [name for name in names if name.encode() in dump]


def test_uploads_are_deleted_when_the_import_is_done(noon, storage) -> None:
    job = imported("synthea", uploads(SYNTHEA[:1] + [DATA / "synthea/patients.csv"]))
    with_files = [path for path in storage.rglob("*") if path.is_file()]
    assert with_files
    assert jobs.uploads_clear(actor=CLI) == 1
    job.refresh_from_db()
    assert job.files_gone
    assert jobs.uploads_clear(actor=CLI) == 0


def test_a_list_comes_in_by_mapping_with_consents_and_reasons(noon) -> None:
    job = imported("list", uploads([DATA / "contacts.csv"]), document=MAPPING)
    assert jobs.counts(job) == {"read": 5, "new": 5, "changed": 0, "unchanged": 0, "rejected": 0}
    assert job.opened()["unread"] == 2, "a birth date that is none and an address that is none cost their cells"
    reasons = job.opened()["unread_reasons"]
    assert any("Born is not a date" in reason for reason in reasons)
    assert any("E-mail is not an e-mail address" in reason for reason in reasons)
    owner = PersonIdentity.objects.get(kind=search_values.MRN, token=search_values.identity("mrn", "rb-1"))
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=owner.person_id)
    assert record.name == "Marisol Quintero"
    assert record.consents == {"marketing": "granted"}
    [consent] = consent_history(person_id=record.id, record_key=record.record_key)
    assert (consent["date"], consent["method"], consent["wording"]) == ("2026-01-15", "paper form", "2025-2")
    assert consent["given_by"] == "Front desk"
    assert "Password" not in json.dumps(record.profile)
    assert search_values.consent("marketing", "granted") in record_search(record.id)


def record_search(person_id: int) -> list[int]:
    return Person.objects.get(pk=person_id).search.tokens


def test_rejected_rows_are_sealed_and_come_back_harmless(noon) -> None:
    evil = "R-1,=cmd|' /C calc'!A0,Vega,,F,,,yes,,\nR-2,Rosa,Vega,,F,,,perhaps,1/1/2026,\n"
    job = imported("list", list_of(HEADER + evil), document={**MAPPING, "ignore": []})
    assert job.rejected == 2
    for row in ImportRejection.objects.all():
        assert b"Vega" not in bytes(row.sealed)
    text = "".join(jobs.rejected_csv(actor=CLI, job_id=job.pk))
    assert "'=cmd|' /C calc'!A0" in text
    assert "says neither yes nor no" in text
    assert AuditEntry.objects.filter(action="import.export").count() == 1


def test_rejected_rows_go_after_a_month(noon) -> None:
    job = imported(
        "list",
        list_of(HEADER + "R-1,Ana,Vega,2/30/1985,F,,,yes,,\n,Bea,Vega,,,,,,,\n"),
        document=MAPPING | {"ignore": []},
    )
    jobs.rejections_file(actor=CLI, job_id=job.pk)
    assert jobs.rejections_clear(actor=CLI) == 0
    with clock.frozen(noon + timedelta(days=31)):
        assert jobs.rejections_clear(actor=CLI) == 1
    assert not ImportRejection.objects.exists()


@pytest.mark.shared_data
def test_no_known_formula_starts_a_cell_of_the_download(shared_data) -> None:
    attacks = [
        line
        for path in sorted((shared_data / "sanitiser/payloads/csv").iterdir())
        for line in path.read_text("utf-8", "replace").splitlines()
        if line
    ]
    assert attacks
    for attack in attacks:
        assert not cells.guarded(attack).lstrip().startswith(("=", "+", "-", "@", "|", "%"))


def test_old_evidence_never_undoes_a_withdrawal(noon) -> None:
    document = {**MAPPING, "ignore": []}
    yes = "R-1,Rosa,Vega,,F,,,{},{},v1\n"
    imported("list", list_of(HEADER + yes.format("yes", "1/1/2026")), document=document)
    imported("list", list_of(HEADER + yes.format("no", "3/1/2026")), document=document)
    assert ConsentState.objects.get().state == "denied"
    stale = imported("list", list_of(HEADER + yes.format("yes", "2/1/2026")), document=document)
    assert (stale.changed, stale.unchanged) == (0, 1)
    assert ConsentState.objects.get().state == "denied"
    renewed = imported("list", list_of(HEADER + yes.format("yes", "4/1/2026")), document=document)
    assert renewed.changed == 1
    state = ConsentState.objects.get()
    assert state.state == "granted"
    assert search_values.consent("marketing", "granted") in record_search(state.person_id)


def test_a_shifted_list_is_refused_as_a_whole(noon) -> None:
    people = [(f"R-{n}", f"Name{n}", f"Last{n}", f"1/{n + 1}/19{50 + n}") for n in range(20)]
    good = HEADER + "".join(f"{m},{f},{s},{b},F,,,,,\n" for m, f, s, b in people)
    document = {**MAPPING, "ignore": []}
    imported("list", list_of(good), document=document)
    shifted = HEADER + "".join(
        f"{m},{f},{s},{b},F,,,,,\n" for (m, *_), (_, f, s, b) in zip(people, people[1:] + people[:1], strict=True)
    )
    job = checked("list", list_of(shifted), document=document)
    assert job.state == "refused"
    assert "20 of 20 people" in job.opened()["problem"]
    with refused("import.not_checked"):
        jobs.import_start(actor=CLI, job_id=job.pk)


def test_a_crash_in_the_middle_loses_nothing_and_repeats_nothing(noon, monkeypatch, caplog) -> None:
    monkeypatch.setattr(passes, "CHUNK", 5)
    job = checked("synthea", uploads(SYNTHEA))
    foretold = jobs.counts(job)
    jobs.import_start(actor=CLI, job_id=job.pk)
    write, calls, cells = passes._write, [], "a row about Guadalupe"

    def crashing(run, rows):
        calls.append(len(rows))
        outcome = write(run, rows)
        if len(calls) in (3, 9):
            raise ConnectionError(cells)
        return outcome

    monkeypatch.setattr(passes, "_write", crashing)
    for _ in range(2):
        passes.work(job.pk)
        job.refresh_from_db()
        assert job.state == "running"
        assert job.done < job.total
    passes.work(job.pk)
    assert "ConnectionError" in caplog.text
    assert "Guadalupe" not in caplog.text
    job.refresh_from_db()
    assert job.state == "done"
    assert jobs.counts(job) == foretold
    assert Person.objects.count() + TimelineEvent.objects.count() == foretold["read"]


def test_an_import_that_always_breaks_fails_with_a_sentence(noon, monkeypatch) -> None:
    def broken(run, rows):
        raise ZeroDivisionError

    job = checked("synthea", uploads(SYNTHEA))
    jobs.import_start(actor=CLI, job_id=job.pk)
    monkeypatch.setattr(passes, "_write", broken)
    for _ in range(4):
        passes.work(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"
    assert "failed three times" in job.opened()["problem"]
    monkeypatch.undo()
    jobs.import_resume(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert job.state == "done"


def test_a_job_is_held_by_one_worker_at_a_time(noon) -> None:
    job = jobs.import_create(actor=CLI, kind="synthea", uploads=uploads(SYNTHEA))
    jobs.import_check(actor=CLI, job_id=job.pk)
    ImportJob.objects.filter(pk=job.pk).update(worker="another", lease_until=noon + LEASE)
    assert not passes.work(job.pk)
    assert passes.due(noon) == []
    assert passes.due(noon + 2 * LEASE) == [job.pk]


def test_a_cancelled_import_keeps_what_is_done_and_can_go_on(noon, monkeypatch) -> None:
    monkeypatch.setattr(passes, "CHUNK", 5)
    job = checked("synthea", uploads(SYNTHEA))
    foretold = jobs.counts(job)
    jobs.import_start(actor=CLI, job_id=job.pk)
    chunk = passes._chunk

    def cancelling(run, item, rows):
        chunk(run, item, rows)
        if run.job.done == 10:
            jobs.import_cancel(actor=CLI, job_id=job.pk)

    monkeypatch.setattr(passes, "_chunk", cancelling)
    passes.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == ("cancelled", 10)
    monkeypatch.setattr(passes, "_chunk", chunk)
    jobs.import_resume(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert (job.state, jobs.counts(job)) == ("done", foretold)


def test_an_event_that_changed_at_its_source_changes_here(noon) -> None:
    patients = DATA / "synthea/patients.csv"
    who = patients.read_text().splitlines()[1].split(",")[0]
    encounter = "Id,START,STOP,PATIENT,ENCOUNTERCLASS,CODE,DESCRIPTION\n"
    first = encounter + f"e1,2020-01-02T10:00:00Z,,{who},ambulatory,185345009,Encounter for symptom\n"
    later = encounter + f"e1,2020-01-02T10:00:00Z,2020-01-02T11:00:00Z,{who},wellness,162673000,General examination\n"
    imported("synthea", [*uploads([patients]), Upload("a", io.BytesIO(first.encode()))])
    job = imported("synthea", [Upload("a", io.BytesIO(later.encode()))])
    assert (job.new, job.changed) == (0, 1)
    counts = {
        name: list(TimelineSummary.objects.filter(group=tokens.token63("group", name)).values_list("count", flat=True))
        for name in ("class:wellness", "class:ambulatory", "kind:encounter", "set:wellness_visit")
    }
    assert counts == {
        "class:wellness": [1],
        "class:ambulatory": [],
        "kind:encounter": [1],
        "set:wellness_visit": [1],
    }


def test_ids_in_another_case_change_nobody(noon) -> None:
    head, rows = "Id,BIRTHDATE,FIRST,LAST\n", "aa-1,1985-04-12,Ana1,Paz2\n"
    imported("synthea", [Upload("patients.csv", io.BytesIO((head + rows).encode()))])
    for text in (head + rows.replace("aa-1", "AA-1"), head.upper() + rows):
        job = imported("synthea", [Upload("patients.csv", io.BytesIO(text.encode()))])
        assert (job.new, job.changed, job.unchanged) == (0, 0, 1)


def test_events_of_strangers_are_rejected_with_what_to_do(noon) -> None:
    job = checked("synthea", uploads([DATA / "synthea/conditions.csv"]))
    assert job.rejected == job.total
    assert "import the table of patients too" in next(iter(job.opened()["reasons"]))


def test_a_record_number_of_somebody_else_is_not_taken_over(noon) -> None:
    document = {
        "match_on": "external_id",
        "columns": {"Id": "external_id", "MRN": "mrn", "First": "first_name"},
    }
    imported("list", list_of("Id,MRN,First\n1,A,Ana\n2,B,Bo\n"), document=document)
    job = imported("list", list_of("Id,MRN,First\n1,B,Ana\n3,A,Cy\n4,D,Di\n5,D,Ed\n"), document=document)
    assert (job.new, job.rejected) == (1, 3)


def test_a_shared_mailbox_cannot_say_who_is_meant(noon) -> None:
    by_mrn = {"match_on": "mrn", "columns": {"MRN": "mrn", "Mail": "email", "First": "first_name"}}
    both = "MRN,Mail,First\nA,home@goodmail.test,Ana\nB,home@goodmail.test,Bo\n"
    imported("list", list_of(both), document=by_mrn)
    by_mail = {"match_on": "email", "columns": {"Mail": "email", "First": "first_name"}}
    job = imported("list", list_of("Mail,First\nHome@GOODMAIL.test,Cy\n"), document=by_mail)
    assert job.rejected == 1
    assert "several people" in next(iter(job.opened()["reasons"]))


def test_children_find_their_guardians_even_further_down_the_file(noon) -> None:
    document = {
        "match_on": "mrn",
        "columns": {"MRN": "mrn", "First": "first_name", "Parent": "guardian", "Born": "birth_date"},
    }
    text = "MRN,First,Parent,Born\nC,Kit,P,2020-01-01\nP,Pat,,1990-01-01\n"
    imported("list", list_of(text), document=document)
    child = PersonIdentity.objects.get(token=search_values.identity("mrn", "C")).person_id
    parent = PersonIdentity.objects.get(token=search_values.identity("mrn", "P")).person_id
    assert selectors.open_person(actor=CLI, purpose="scene", person_id=child).profile["guardian_id"] == parent
    version = Person.objects.get(pk=child).version
    assert imported("list", list_of(text), document=document).unchanged == 2
    assert Person.objects.get(pk=child).version == version


def test_appointments_are_booked_moved_and_cancelled_by_file(noon) -> None:
    imported("synthea", uploads([DATA / "synthea/patients.csv"]))
    path = DATA / "appointments.csv"
    first = imported("appointments", uploads([path]))
    assert (first.new, first.rejected) == (3, 0)
    assert imported("appointments", uploads([path])).unchanged == 3
    text = (
        path.read_text()
        .replace("2026-12-02T09:00", "2026-12-04T10:00")
        .replace("Nurse Paxton,20,booked", "Nurse Paxton,20,cancelled")
    )
    moved = imported("appointments", [Upload("x", io.BytesIO(text.encode()))])
    assert (moved.changed, moved.unchanged) == (2, 1)
    assert Appointment.objects.count() == 3
    found = {}
    for kind in ("booked", "moved", "cancelled"):
        rows = TimelineSummary.objects.filter(group=tokens.token63("group", f"kind:appointment.{kind}"))
        found[kind] = sum(rows.values_list("count", flat=True))
    assert found == {"booked": 3, "moved": 1, "cancelled": 2}


def test_appointments_find_people_of_every_system_that_came_in(noon) -> None:
    document = {
        "match_on": "external_id",
        "source": "epic",
        "columns": {"Id": "external_id", "First": "first_name"},
    }
    imported("list", list_of("Id,First\nE-9,Ana\n"), document=document)
    visit = b"external_id,patient_id,start\nv1,E-9,2026-12-02T09:00\n"
    assert imported("appointments", [Upload("v.csv", io.BytesIO(visit))]).new == 1


@pytest.mark.parametrize(
    ("kind", "given", "says"),
    [
        ("list", b"PK\x03\x04", "Excel workbook"),
        ("list", b"a,b\n1," + b"x" * 10_000_000, "a million characters"),
        ("synthea", b"name,mail\nAna,a@b.test\n", "no table of Synthea"),
        ("synthea", b"START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION\n1,2,3,4,5,Latex allergy\n", "None of these"),
        ("synthea", b"DATE,PATIENT,CODE,DESCRIPTION,DISPENSES\n1,2,3,4,5\n", "medications has no column ENCOUNTER"),
        ("appointments", b"start,mrn\n1,2\n", "appointment's id"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_nothing_behind(kind, given, says, storage) -> None:
    with pytest.raises(Refused, match=says):
        jobs.import_create(actor=CLI, kind=kind, uploads=[Upload("x.csv", io.BytesIO(given))])
    assert not ImportJob.objects.exists()
    assert not [path for path in storage.rglob("*") if path.is_file()]


FOLDERS = ["apr2020", "california", "cdmfactory", "kentucky", "rhode-island", "small-a"]


@pytest.mark.proof
@pytest.mark.shared_data
@sizes.some("name", FOLDERS, sample=[2, 4])
def test_every_synthea_export_comes_in_whole_and_only_once(name, shared_data, noon) -> None:
    folder = shared_data / f"patients/synthea-csv-{name}"
    paths = sorted(folder.iterdir())
    job = imported("synthea", uploads(paths), invent_addresses=True)
    assert job.rejected == 0
    assert job.new + job.unchanged == job.total
    patients = next(path for path in paths if path.name.startswith("patients"))
    data = patients.read_bytes()
    text = gzip.decompress(data) if patients.suffix == ".gz" else data
    assert Person.objects.count() == text.count(b"\n") - (1 if text.endswith(b"\n") else 0)
    unused = {item["table"] for item in job.opened()["files"] if not item["used"]}
    assert unused.isdisjoint(synthea.USED)
    again = imported("synthea", uploads(paths), invent_addresses=True)
    assert (again.new, again.changed, again.rejected) == (0, 0, 0)


@pytest.mark.shared_data
def test_the_list_with_addresses_of_many_countries_comes_in_by_guesses(shared_data, noon) -> None:
    path = shared_data / "patients/contacts-csv/contacts.csv.gz"
    job = imported("list", uploads([path]))
    assert (job.new, job.rejected) == (1552, 0)
    assert imported("list", uploads([path])).unchanged == 1552
