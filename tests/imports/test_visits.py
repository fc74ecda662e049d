"""Visits of other systems: at the clock of their place, with the words of other systems for their status, and in doubt
when a row about them is refused."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.contacts import services as contacts
from apps.contacts.appointments import statuses
from apps.contacts.models import Appointment, TimelineEvent
from apps.contacts.person import selectors
from apps.contacts.timeline import results
from apps.contacts.values import BadValue
from apps.content import facts as content_facts
from apps.content import formats
from apps.core import actors, clock, zones
from apps.imports.models import ImportJob
from apps.imports.readers.appointments import columns, local_start
from apps.imports.readers.tables import Unreadable
from apps.imports.services import jobs, passes
from apps.imports.services.jobs import Upload
from apps.imports.undo import services as undoing
from apps.organizations.services import organization_change
from tests.refusals import refused

CLI = actors.COMMAND_LINE
HEADER = "external_id,mrn,start,zone,kind,location,status\n"
NEW_YORK, ANGELES = "America/New_York", "America/Los_Angeles"


def written(start: str, zone: str, language: str = "en", clinic: str = NEW_YORK) -> str:
    """What a letter says of a visit that a file has at ``start`` with ``zone``."""
    wall, place = local_start(start, zone, clinic)
    at = datetime.fromisoformat(wall).replace(tzinfo=zones.load(place)) if "+" not in wall[10:] else wall
    visit = {"start": at.isoformat() if isinstance(at, datetime) else at, "zone": place}
    shown = content_facts.person_facts({}, appointment=visit, now=datetime(2026, 11, 20, tzinfo=UTC))
    text = formats.format_date(shown["appointment"]["start"], "datetime", language, clinic)
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("start", "zone", "words"),
    [
        ("2026-12-09T09:00", ANGELES, "Wednesday, December 9, 2026 at 9:00 AM Pacific time"),
        ("2026-12-10T14:00:00Z", ANGELES, "Thursday, December 10, 2026 at 6:00 AM Pacific time"),
        ("2026-12-10T14:00:00Z", "", "Thursday, December 10, 2026 at 9:00 AM"),
        ("2027-07-09T09:00", "EST", "Friday, July 9, 2027 at 9:00 AM"),
        ("2027-07-09T09:00", "EDT", "Friday, July 9, 2027 at 9:00 AM"),
        ("2027-07-09T09:00", "Eastern Standard Time", "Friday, July 9, 2027 at 9:00 AM"),
        ("2027-07-09T09:00", "US/Pacific", "Friday, July 9, 2027 at 9:00 AM Pacific time"),
        ("2027-07-09T09:00", "Pacific Standard Time", "Friday, July 9, 2027 at 9:00 AM Pacific time"),
        ("2027-01-09T09:00", "America/Detroit", "Saturday, January 9, 2027 at 9:00 AM"),
        ("2027-01-09T09:00", "Europe/Berlin", "Saturday, January 9, 2027 at 9:00 AM Berlin time"),
    ],
)
def test_a_letter_tells_a_visit_at_the_clock_of_its_place(start: str, zone: str, words: str) -> None:
    assert written(start, zone) == words


def test_the_clock_of_a_place_is_named_in_spanish_too() -> None:
    assert written("2026-12-09T09:00", ANGELES, "es").endswith("9:00 a. m. hora del Pacífico")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "MST", "+09:00", "Etc/GMT-3"])
def test_a_clock_that_is_no_places_is_refused_with_what_to_write(zone: str) -> None:
    with pytest.raises(BadValue, match="America/"):
        local_start("2027-07-09T09:00", zone, NEW_YORK)


@pytest.mark.parametrize(
    ("said", "known", "after"),
    [
        ("rescheduled", "booked", "cancelled"),
        ("", "cancelled", "cancelled"),
        ("pending", "cancelled", "cancelled"),
        ("entered-in-error", "booked", "cancelled"),
        ("Deleted", "booked", "cancelled"),
        ("Booked", "cancelled", "booked"),
        ("noshow", "booked", "missed"),
        ("Complete", "booked", "kept"),
        ("fulfilled", "booked", "kept"),
        ("Canceled by patient", "booked", "cancelled"),
    ],
)
def test_status_words_are_those_of_fhir_hl7_and_people(said: str, known: str, after: str) -> None:
    meaning = statuses.meaning(said)
    assert meaning is not None
    assert statuses.after(known, meaning, same_start=True) == after


@pytest.fixture
def storage(tmp_path, settings):
    settings.CARELANE_HOME = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }


@pytest.fixture
def rosa(db, noon, storage) -> int:
    organization_change(actor=CLI, timezone=NEW_YORK)
    contacts.contact_create(actor=CLI, profile={"first_name": "Ana", "mrn": "M-2", "relation": "patient"})
    return contacts.contact_create(actor=CLI, profile={"first_name": "Rosa", "mrn": "M-1", "relation": "patient"}).id


def imported(*rows: str) -> ImportJob:
    text = HEADER + "\n".join(rows) + "\n"
    job = jobs.import_create(actor=CLI, kind="appointments", uploads=[Upload("v.csv", io.BytesIO(text.encode()))])
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    return job


def visit(person: int) -> dict[str, object]:
    records = selectors.open_people(actor=CLI, purpose="test", ids=[person])
    selectors.load_appointments(records)
    (found,) = records[person].appointments or []
    return dict(found)


BOOKED = "AP-1,M-1,2026-12-09T09:00,,Checkup,Main,booked"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("AP-1,M-1,2026-12-09T09:00,,Checkup,Main,perhaps", "the status"),
        ("AP-1,M-1,soon,,Checkup,Main,booked", "the start"),
        ("AP-1,M-1,2026-12-09T09:00,Mars/Olympus,Checkup,Main,booked", "the time zone"),
        ("AP-1,M-2,2026-12-09T09:00,,Checkup,Main,booked", "another"),
        ("AP-1,M-9,2026-12-09T09:00,,Checkup,Main,booked", "nobody"),
    ],
)
def test_a_refused_row_about_a_known_visit_holds_it_until_somebody_says(rosa, signed_in, row: str, why: str) -> None:
    imported(BOOKED)
    assert imported(row).rejected == 1
    held = visit(rosa)
    assert why in str(held["held"]["why"]).lower()  # type: ignore[index]
    coming = content_facts.person_facts({}, appointments=[held], now=clock.now())
    assert not coming.get("appointment")
    sure = {**{name: held[name] for name in held if name != "held"}, "start": "2026-12-20T10:00:00-05:00"}
    told = content_facts.person_facts({}, appointments=[held, sure], now=clock.now())
    assert told["appointment"]["start"].startswith("2026-12-20")
    assert len(told["appointments"]) == 1
    nora = signed_in("nora")
    assert "Check 1 visit that an import is in doubt about" in nora.get("/").content.decode()
    assert "Dec 9, 2026, 9:00 AM" in nora.get("/contacts/visits/held/").content.decode()
    page = nora.get(f"/contacts/{rosa}/appointments/").content.decode()
    assert "Nobody is reminded of this visit" in page
    assert ">In doubt</span>" in page.replace("</svg>", ">").replace("\n", "")
    assert "In doubt: nobody is reminded of it." in nora.get(f"/contacts/{rosa}/").content.decode()
    confirm = f"/contacts/{rosa}/appointments/{held['id']}/confirm/"
    assert signed_in("otto").post(confirm).status_code == 403
    assert nora.post(confirm).status_code == 302
    assert "held" not in visit(rosa)
    with refused("appointment.not_held"):
        contacts.appointment_confirm(actor=CLI, appointment_id=held["id"])


def test_a_later_good_row_lifts_the_doubt_and_an_empty_status_revives_nothing(rosa) -> None:
    imported(BOOKED)
    imported("AP-1,M-1,2026-12-09T09:00,,Checkup,Main,perhaps")
    imported(BOOKED)
    assert "held" not in visit(rosa)
    imported("AP-1,M-1,2026-12-09T09:00,,Checkup,Main,cancelled")
    imported("AP-1,M-1,2026-12-09T09:00,,Checkup,Main,")
    assert visit(rosa)["state"] == "cancelled"
    assert Appointment.objects.get().held_at is None


def undone(job: ImportJob) -> dict:
    undo = undoing.undo_start(actor=CLI, job_id=job.pk)
    undoing.work(undo.pk)
    undo.refresh_from_db()
    return undo.opened()


def test_an_undo_lifts_the_doubt_an_import_made_and_brings_back_the_one_it_lifted(rosa) -> None:
    imported(BOOKED)
    odd = imported("AP-1,M-1,2026-12-09T09:00,,Checkup,Main,perhaps")
    doubt = visit(rosa)["held"]
    good = imported(BOOKED)
    assert "held" not in visit(rosa)
    assert undone(good)["appointments"] == 1
    assert visit(rosa)["held"] == doubt
    assert Appointment.objects.get().held_at is not None
    assert undone(odd)["appointments"] == 1
    assert "held" not in visit(rosa)
    assert Appointment.objects.get().held_at is None


def test_an_undo_leaves_what_somebody_decided_or_another_import_doubts_since(rosa) -> None:
    imported(BOOKED)
    odd = imported("AP-1,M-1,2026-12-09T09:00,,Checkup,Main,perhaps")
    moved = imported("AP-1,M-1,2026-12-10T09:00,,Checkup,Main,booked")
    imported("AP-1,M-1,soon,,Checkup,Main,booked")
    newer = visit(rosa)["held"]
    found = undone(odd)
    assert (found["appointments"], found["stayed"]) == (0, 1)
    assert undone(moved)["appointments"] == 1
    assert visit(rosa)["start"] == "2026-12-09T09:00:00-05:00"
    assert visit(rosa)["held"] == newer


def test_a_booking_in_the_evening_stands_on_the_clinics_day(rosa) -> None:
    with clock.frozen(datetime(2026, 12, 1, 1, 30, tzinfo=UTC)):  # Nov 30, 8:30 PM in New York
        contacts.appointment_book(
            actor=CLI, person_id=rosa, start=datetime(2026, 12, 9, 14, tzinfo=UTC), kind="Checkup"
        )
    records = selectors.open_people(actor=CLI, purpose="test", ids=[rosa])
    selectors.load_events(records)
    assert [event["on"] for event in records[rosa].events or []] == ["2026-11-30"]
    assert TimelineEvent.objects.count() == 1


def test_the_next_visit_is_the_earlier_moment_and_the_overview_tells_it_at_the_clock_of_its_place(
    rosa, signed_in
) -> None:
    imported(
        f"AP-1,M-1,2026-12-09T09:00,{ANGELES},Checkup,LA office,booked",  # noon in New York
        "AP-2,M-1,2026-12-09T10:00,,Checkup,Main,booked",
    )
    records = selectors.open_people(actor=CLI, purpose="test", ids=[rosa])
    selectors.load_appointments(records)
    coming = records[rosa].appointments or []
    assert [each["location"] for each in coming] == ["Main", "LA office"]
    contacts.appointment_cancel(actor=CLI, appointment_id=coming[0]["id"])
    page = signed_in("nora").get(f"/contacts/{rosa}/").content.decode()
    card = page[page.index("Next appointment") :]
    assert "Dec 9, 2026, 9:00 AM Pacific time" in card[: card.index("Consents")].replace("\u00a0", " ")


def test_starts_are_compared_as_moments_whatever_zone_or_abbreviation_they_are_stored_with() -> None:
    earlier = {"start": "2027-07-09T10:00:00-04:00", "zone": NEW_YORK}
    later = {"start": "2027-07-09T09:00:00-07:00", "zone": ANGELES}
    # An older version stored 9:00 EST with EST's own distance, which a clock in New York shows as 10:00 in July.
    est = {"start": "2027-07-09T09:00:00-05:00", "zone": "EST"}
    assert sorted([later, earlier, est], key=zones.visit_moment) == [est, earlier, later]
    now = datetime(2027, 7, 9, 13, 30, tzinfo=UTC)  # 9:30 in New York
    coming = content_facts.person_facts({}, appointments=[est, earlier, later], now=now)["appointments"]
    assert [visit["start"][:16] for visit in coming] == ["2027-07-09T10:00", "2027-07-09T09:00"]
    there, here = ({"id": 2, "on": "2027-07-09", "start": later["start"]}, {"id": 3, "on": "2027-07-09", **earlier})
    assert results.latest([there, here]) is there


def test_whoever_moves_a_visit_says_the_new_time_on_the_clock_of_its_place(rosa, signed_in) -> None:
    imported(f"AP-1,M-1,2026-12-09T09:00,{ANGELES},Checkup,LA office,booked")
    nora, tab = signed_in("nora"), f"/contacts/{rosa}/appointments/"
    dialog = nora.get(tab).content.decode()
    assert 'name="start_date" value="2026-12-09"' in dialog
    assert 'name="start_time" value="09:00"' in dialog
    assert "Time (Pacific time)" in dialog
    move = f"{tab}{visit(rosa)['id']}/move/"
    nora.post(move, {"start_date": "2026-12-10", "start_time": "09:30"})
    assert visit(rosa)["start"] == "2026-12-10T09:30:00-08:00"
    nora.post(move, {"start_date": "2027-03-14", "start_time": "02:30"})
    assert "Nothing was moved" in nora.get(tab).content.decode()
    assert visit(rosa)["start"] == "2026-12-10T09:30:00-08:00"
    assert signed_in("otto").post(move, {"start_date": "2026-12-11", "start_time": "09:30"}).status_code == 403


def test_a_list_of_which_every_row_is_refused_still_puts_its_visits_in_doubt(db: None, signed_in: Any) -> None:
    contacts.contact_create(
        actor=CLI, profile={"first_name": "Ada", "last_name": "Quist", "relation": "patient", "mrn": "A1"}
    )
    start = (clock.now() + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")

    def checked(status: str) -> ImportJob:
        text = f"{HEADER}v1,A1,{start},{NEW_YORK},Follow-up,Main,{status}\n"
        upload = Upload("visits.csv", io.BytesIO(text.encode()))
        job = jobs.import_create(actor=CLI, kind="appointments", uploads=[upload])
        jobs.import_check(actor=CLI, job_id=job.pk)
        passes.work(job.pk)
        return job

    def imported(job: ImportJob) -> None:
        jobs.import_start(actor=CLI, job_id=job.pk)
        passes.work(job.pk)

    imported(checked("booked"))
    job = checked("mabye")
    client = signed_in("max")
    page = client.get(f"/contacts/imports/{job.pk}/").content.decode()
    assert "One visit would be in doubt." in page
    assert "Hold the reminders of 1 visit" in page, "there is a button, although no row comes in"
    assert "Nothing to import" not in page
    imported(job)
    assert Appointment.objects.get().held_at is not None
    assert "One visit is in doubt." in client.get(f"/contacts/imports/{job.pk}/").content.decode()


def test_headers_are_read_in_english_and_spanish_and_all_that_is_missing_is_named_at_once() -> None:
    wanted = {"external", "mrn", "date", "time", "provider", "status"}
    for headers in (
        ("Appt ID", "MRN", "Appt Date", "Appt Time", "Provider", "Status"),
        ("ID cita", "Historia clínica", "Fecha", "Hora", "Médico", "Estado"),
    ):
        assert set(columns(headers)) == wanted
    with pytest.raises(Unreadable) as told:
        columns(("Who", "Day"))
    for name in ("external_id", "mrn", "time"):
        assert f"“{name}”" in str(told.value)
