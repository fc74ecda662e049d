"""An import taken back: people it made, values it changed, events and appointments; what was touched since stays."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.models import (
    Appointment,
    ConsentState,
    LatestResult,
    PendingChange,
    Person,
    TimelineEvent,
    TimelineSummary,
)
from apps.contacts.person import search_values, selectors
from apps.core import actors, clock
from apps.imports.models import ImportBefore, ImportJob, ImportUndo
from apps.imports.services import jobs, passes
from apps.imports.services.jobs import Upload
from apps.imports.undo import services as undoing
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
LATER = datetime(2026, 11, 23, 12, tzinfo=UTC)
COLUMNS = {
    "Record": "mrn", "Given": "first_name", "Surname": "last_name", "City": "city", "Mail": "email",
    "News": "consent.marketing", "On": "consent.marketing.date", "Parent": "guardian",
}  # fmt: skip
MAPPING = {"match_on": "mrn", "columns": COLUMNS}
PEOPLE = (
    "Record,Given,Surname,City,Mail,News,On,Parent\n"
    "1,Ana,Paz,Ohio City,ana@new.test,yes,2026-10-01,\n"
    "2,Bo,Rey,Ohio City,,yes,2026-10-01,\n"
    "10,Cy,Sol,Lugo,,yes,2026-10-01,\n"
    "11,Di,Tor,Lugo,,,,10\n"
    "12,Ed,Uhl,Lugo,,,,\n"
)


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    """Uploads go to a folder of the test."""
    files = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path / "files")}}
    settings.STORAGES = {**settings.STORAGES, "default": files}


@pytest.fixture
def known(noon) -> dict[str, int]:
    """Two people from before: Ana with a city and an address, Bo who refused once."""
    ana = {
        "first_name": "Ana",
        "last_name": "Paz",
        "mrn": "1",
        "email": "ana@old.test",
        "address": {"city": "Lexington"},
    }
    bo = {"first_name": "Bo", "last_name": "Rey", "mrn": "2"}
    made = {key: services.contact_create(actor=CLI, profile=profile).id for key, profile in (("ana", ana), ("bo", bo))}
    services.consent_record(
        actor=CLI, person_id=made["bo"], purpose="marketing", state="denied", on=date(2026, 9, 1), method="paper"
    )
    return made


def imported(kind: str, text: str, document: dict | None = None) -> ImportJob:
    upload = Upload("list.csv", io.BytesIO(text.encode()))
    job = jobs.import_create(actor=CLI, kind=kind, uploads=[upload], document=document)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    assert job.state == "done", job.opened()
    return job


def undone(job: ImportJob, actor: actors.Actor = CLI) -> dict:
    undo = undoing.undo_start(actor=actor, job_id=job.pk)
    undoing.work(undo.pk)
    undo.refresh_from_db()
    assert undo.state == "done"
    return undo.opened()


def record_of(person: int):
    return selectors.open_person(actor=CLI, purpose="scene", person_id=person)


def by_number(mrn: str) -> int | None:
    token = search_values.identity("mrn", mrn)
    return Person.objects.filter(identities__token=token).values_list("pk", flat=True).first()


def test_an_undo_puts_back_what_was_there_and_removes_whom_it_made(known: dict[str, int]) -> None:
    profiles = {name: record_of(person).profile for name, person in known.items()}
    job = imported("list", PEOPLE, MAPPING)
    assert record_of(known["ana"]).profile["address"] == {"city": "Ohio City"}
    foretold = undoing.undo_foretold(job=job)
    assert (foretold.removed, foretold.kept, foretold.back, foretold.since) == (3, 0, 2, 0)
    told = undone(job)
    assert {name: told[name] for name in ("removed", "kept", "back", "since")} == {
        "removed": 3, "kept": 0, "back": 2, "since": 0,
    }  # fmt: skip
    assert {name: record_of(person).profile for name, person in known.items()} == profiles
    assert record_of(known["bo"]).consents == {"marketing": "denied"}
    assert record_of(known["ana"]).consents == {}
    assert [by_number(mrn) for mrn in ("10", "11", "12")] == [None, None, None]
    assert by_number("1") == known["ana"]
    with refused("import.undone"):
        undoing.undo_start(actor=CLI, job_id=job.pk)
    assert AuditEntry.objects.filter(action="import.undo", subject=str(job.pk), kind="import").count() == 1


def test_what_was_touched_since_is_kept_and_listed(known: dict[str, int]) -> None:
    job = imported("list", PEOPLE, MAPPING)
    cy, di, ed = (by_number(mrn) for mrn in ("10", "11", "12"))
    assert None not in (cy, di, ed)
    with clock.frozen(LATER):
        services.consent_record(
            actor=CLI, person_id=cy, purpose="marketing", state="denied", on=LATER.date(), method="phone"
        )
        services.events_record(actor=CLI, events=[services.NewEvent(ed, "message.sent", LATER.date(), "letter")])
        ana = record_of(known["ana"])
        changed = {**ana.profile, "address": {"city": "Paris"}}
        services.contact_update(actor=CLI, person_id=ana.id, profile=changed, version=ana.version)
        foretold = undoing.undo_foretold(job=job)
        assert (foretold.removed, foretold.kept, foretold.back, foretold.since) == (1, 2, 1, 1)
        told = undone(job)
    assert sorted(told["kept_people"]) == sorted([cy, ed])
    assert (told["removed"], told["back"], told["since_people"]) == (1, 1, [ana.id])
    assert record_of(di) is None
    assert record_of(cy).consents == {"marketing": "denied"}, "withdrawn since stays withdrawn"
    after = record_of(ana.id).profile
    assert (after["address"]["city"], after["email"]) == ("Paris", "ana@old.test")


def test_a_refusal_that_came_by_the_import_stays(known: dict[str, int]) -> None:
    services.consent_record(
        actor=CLI, person_id=known["ana"], purpose="marketing", state="granted", on=date(2026, 1, 1), method="paper"
    )
    job = imported("list", "Record,News,On\n1,no,2026-10-01\n", {"match_on": "mrn", "columns": {
        "Record": "mrn", "News": "consent.marketing", "On": "consent.marketing.date",
    }})  # fmt: skip
    undone(job)
    assert record_of(known["ana"]).consents == {"marketing": "denied"}
    assert ConsentState.objects.get(person_id=known["ana"]).state == "denied"


LABS = "MRN,LOINC,Drawn,Result,Units\n1,4548-4,2026-11-02,{},%\n2,4548-4,2026-11-03,7.1,%\n"


def test_events_go_and_changed_ones_come_back(known: dict[str, int]) -> None:
    imported("events", LABS.format("9.4").replace("2,4548", "9,4548"))
    second = imported("events", LABS.format("8.4"))
    assert (second.new, second.changed) == (1, 1)
    told = undone(second)
    assert told["events"] == 2
    [event] = TimelineEvent.objects.filter(person_id=known["ana"])
    opened = record_of(known["ana"])
    assert selectors.open_event(event, opened.profile_key)["value"] == "9.4"
    step = search_values.lab_step("hba1c", 940)
    assert [row.step for row in LatestResult.objects.all()] == [step]
    kinds = TimelineSummary.objects.filter(group__in=search_values.event_groups("observation"))
    assert [(row.person_id, row.count) for row in kinds] == [(known["ana"], 1)]


VISITS = "external_id,mrn,start,location\nv1,1,{},Main\nv2,2,2026-12-03T10:00,Main\n"


def test_appointments_go_and_moved_ones_come_back(known: dict[str, int]) -> None:
    imported("appointments", VISITS.format("2026-12-01T09:00").replace("v2,2", "v2,77"))
    second = imported("appointments", VISITS.format("2026-12-02T09:00"))
    assert (second.new, second.changed) == (1, 1)
    told = undone(second)
    assert told["appointments"] == 2
    [row] = Appointment.objects.all()
    assert selectors.open_appointment(row, record_of(known["ana"]).profile_key)["start"].startswith("2026-12-01T09:00")
    assert (
        not TimelineEvent.objects.filter(person_id=known["bo"])
        .exclude(groups__overlap=search_values.event_groups("consent.withdrawn"))
        .exists()
    )


def test_an_undo_is_possible_for_thirty_days(known: dict[str, int], noon) -> None:
    job = imported("list", PEOPLE, MAPPING)
    assert ImportBefore.objects.count() == 3, "two people from before, and Di who got her guardian"
    with clock.frozen(noon + timedelta(days=29)):
        assert undoing.before_clear(actor=CLI) == 0
        assert undoing.undo_foretold(job=job).back == 2
    with clock.frozen(noon + timedelta(days=31)):
        assert undoing.before_clear(actor=CLI) == 1
        assert not ImportBefore.objects.exists()
        with refused("import.undo_too_late"):
            undoing.undo_start(actor=CLI, job_id=job.pk)


def test_an_import_that_did_nothing_cannot_be_undone(known: dict[str, int]) -> None:
    imported("list", PEOPLE, MAPPING)
    again = imported("list", PEOPLE, MAPPING)
    with refused("import.nothing_to_undo"):
        undoing.undo_foretold(job=again)


def test_identity_facts_wait_when_a_marketer_undoes(known: dict[str, int]) -> None:
    """An administrator's import replaced an address: whoever may not see it does not put another one there."""
    job = imported("list", PEOPLE, MAPPING)
    undone(job, actors.Actor("staff", "", "marketer"))
    assert record_of(known["ana"]).profile["email"] == "ana@new.test"
    assert record_of(known["ana"]).profile["address"] == {"city": "Lexington"}
    waits = PendingChange.objects.filter(person_id=known["ana"], state="open")
    assert waits.count() == 1


def test_an_undo_that_broke_off_goes_on_and_does_nothing_twice(known: dict[str, int], monkeypatch) -> None:
    monkeypatch.setattr(passes, "CHUNK", 2)
    job = imported("list", PEOPLE, MAPPING)
    undo = undoing.undo_start(actor=CLI, job_id=job.pk)
    whole, calls = undoing._take_back, []

    def breaks(*given) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("the worker died")
        whole(*given)

    monkeypatch.setattr(undoing, "_take_back", breaks)
    undoing.work(undo.pk)
    undo.refresh_from_db()
    assert (undo.state, undo.done) == ("running", 1)
    assert undo.pk in undoing.due(clock.now())
    undoing.work(undo.pk)
    undo.refresh_from_db()
    assert undo.state == "done"
    assert (undo.done, undo.opened()["removed"]) == (undo.total, 3)


def test_the_page_says_what_will_happen_and_what_happened(signed_in, known: dict[str, int]) -> None:
    job = imported("list", PEOPLE, MAPPING)
    client, address = signed_in("max"), f"/contacts/imports/{job.pk}/undo/"
    assert "Undo this import" in client.get(f"/contacts/imports/{job.pk}/").content.decode()
    page = client.get(address).content.decode()
    assert "People to remove" in page
    assert "kept for 30 days" in page
    assert signed_in("nora").get(address).status_code == 403
    assert client.get("/contacts/imports/999999/undo/").status_code == 404
    client.post(address)
    assert "Undoing" in client.get(address).content.decode()
    assert client.get(address, headers={"HX-Request": "true"}).status_code == 200
    undoing.work(ImportUndo.objects.get().pk)
    assert client.get(address, headers={"HX-Request": "true"})["HX-Redirect"] == address
    done = client.get(address).content.decode()
    assert "People removed" in done
    assert "0 events" not in done, "nothing is said of what there was none of"
    undone = client.get(f"/contacts/imports/{job.pk}/").content.decode()
    assert "What the undo did" in undone
    assert "This import was undone." in undone
    assert "Undo this import" not in undone
    assert "Make a segment of" not in undone, "nobody is there any more"
    assert ">Undone" in client.get("/contacts/imports/").content.decode().replace("</svg>", ">").replace("\n", "")


def test_a_canceled_undo_goes_on_with_the_rest(known, monkeypatch, signed_in, capsys) -> None:
    monkeypatch.setattr(passes, "CHUNK", 2)
    job = imported("list", PEOPLE, MAPPING)
    at, page = f"/contacts/imports/{job.pk}/undo/", signed_in("max")
    page.post(at)
    assert f"{at}cancel/" in page.get(at).content.decode()
    with monkeypatch.context() as patched:
        # As if somebody canceled right behind the first chunk.
        patched.setattr(ImportUndo, "renew", lambda self: setattr(self, "stop", True))
        undoing.work(ImportUndo.objects.get().pk)
    undo = ImportUndo.objects.get()
    assert (undo.state, undo.done) == ("cancelled", 1)
    text = page.get(at).content.decode()
    assert f"Canceled after 1 of {undo.total} pieces." in text
    assert "Undo the rest" in text
    with refused("import.undo_finished"):
        undoing.undo_cancel(actor=CLI, job_id=job.pk)
    call_command("import_undo", str(job.pk), "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["removed"], told["back"]) == (3, 2)
    assert [by_number(mrn) for mrn in ("10", "11", "12")] == [None, None, None]


def test_an_undo_that_nobody_took_up_is_canceled_at_once(known, signed_in) -> None:
    job = imported("list", PEOPLE, MAPPING)
    page = signed_in("max")
    page.post(f"/contacts/imports/{job.pk}/undo/")
    page.post(f"/contacts/imports/{job.pk}/undo/cancel/")
    assert ImportUndo.objects.get().state == "cancelled"
    assert by_number("12") is not None
    assert page.post("/contacts/imports/999/undo/cancel/").status_code == 404


def test_the_command_foretells(known, capsys) -> None:
    job = imported("list", PEOPLE, MAPPING)
    call_command("import_undo", str(job.pk), "--dry-run", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["removed"], told["back"]) == (3, 2)
    assert not ImportUndo.objects.exists()
