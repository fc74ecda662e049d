"""Synthea's tables, told apart by header; invented mailboxes; appointments."""

import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from apps.imports.readers import appointments, invented_mailboxes, synthea
from apps.imports.readers.rows import AppointmentRow, EventRow, PersonRow, Rejection
from apps.imports.readers.tables import Unreadable, opener_of, recognize

DATA = Path(os.environ.get("CARELANE_DATA", Path(__file__).parents[3] / "shared" / "data"))
FOLDERS = sorted((DATA / "patients").glob("synthea-csv-*"))
TODAY = date(2026, 11, 22)
PATIENTS = (
    "Id,BIRTHDATE,DEATHDATE,SSN,FIRST,LAST,GENDER,ADDRESS,CITY,STATE,ZIP\n"
    "aa-1,1985-04-12,,999-11-2222,Ana1,Paz2,F,1 Elm St,Lugo,Ohio,43001\n"
    "aa-2,1950-01-01,1940-01-01,,Bo3,Rey4,M,2 Elm St,Lugo,Ohio,43001\n"
    "aa-3,1990-13-01,,,Cy5,Sol6,M,3 Elm St,Lugo,Ohio,43001\n"
)


def table(text: str):
    return recognize(opener_of(text.encode()), "upload-1")


def test_people_come_without_what_no_message_needs() -> None:
    good, dead_before_birth, impossible = synthea.read(table(PATIENTS), "patients", today=TODAY)
    assert isinstance(good, PersonRow)
    assert good.profile["external_ids"] == {"synthea": "aa-1"}
    assert good.profile["first_name"] == "Ana1"
    assert "999" not in str(good.profile)
    assert "email" not in good.profile
    assert isinstance(dead_before_birth, Rejection)
    assert "death" in dead_before_birth.reason
    assert isinstance(impossible, Rejection)
    assert "BIRTHDATE is not a date" in impossible.reason


def test_the_same_thing_twice_is_one_event_and_another_end_is_another() -> None:
    text = (
        "START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,DISPENSES,REASONCODE,REASONDESCRIPTION\n"
        "2020-01-20T02:34:03Z,2020-01-20T02:34:03Z,aa-1,p,e1,860975,Metformin,6.82,1,,\n"
        "2020-01-20T02:34:03Z,2021-01-25T02:34:03Z,aa-1,p,e1,860975,Metformin,15.47,12,,\n"
        "2020-01-20T02:34:03Z,2020-01-20T02:34:03Z,aa-1,p,e1,860975,Metformin,7.00,1,,\n"
    )
    for _ in range(2):
        rows = list(synthea.read(table(text), "medications", today=TODAY))
        assert all(isinstance(row, EventRow) for row in rows)
        assert rows[0].identity == rows[2].identity != rows[1].identity


def test_old_allergies_look_like_conditions_and_are_told_apart() -> None:
    header = ("START", "STOP", "PATIENT", "ENCOUNTER", "CODE", "DESCRIPTION")
    row = ["1996-01-01", "", "aa", "bb", "300913006"]
    assert synthea.table_name(header, "upload-1", [[*row, "Shellfish allergy"]]) == "allergies"
    assert synthea.table_name(header, "allergies.csv", [[*row, "Stroke"]]) == "conditions"
    assert synthea.table_name(header, "allergies.csv.gz", []) == "allergies"
    assert synthea.table_name(("name", "email")) is None


@pytest.mark.shared_data
@pytest.mark.skipif(not FOLDERS, reason="the shared data folder is absent")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_export_is_read_whole(folder: Path) -> None:
    found: Counter[str] = Counter()
    for path in sorted(folder.iterdir()):
        source = recognize(lambda path=path: path.open("rb"), path.name)
        name = synthea.table_name(source.headers, path.name, source.sample())
        assert name == path.name.split(".")[0]
        if name in synthea.USED:
            for row in synthea.read(source, name, today=TODAY):
                assert not isinstance(row, Rejection)
                found[name] += 1
    assert found["patients"]
    assert found["immunizations"]


def test_invented_mailboxes_follow_from_the_id_and_are_shared_dead_or_keyed_in_part() -> None:
    made = {f"id-{n}": invented_mailboxes.invent_address(f"id-{n}", f"{n} Elm St", "Lugo", "Kent") for n in range(600)}
    again = {key: invented_mailboxes.invent_address(key, f"{key[3:]} Elm St", "Lugo", "Kent") for key in made}
    assert made == again
    shared = [address for address, times in Counter(made.values()).items() if times > 1]
    assert shared
    assert any(address.startswith(invented_mailboxes.DEAD_PREFIX) for address in made.values())
    providers = Counter(address.partition("@")[2] for address in made.values())
    assert set(providers) == {"goodmail.test", "plainmail.test", "oldmail.test", "keymail.test"}


def test_a_household_at_one_address_line_reads_one_mailbox() -> None:
    lines = [f"{n} Oak Ave" for n in range(40)]
    homes = [
        (invented_mailboxes.invent_address("p1", line, "Lugo"), invented_mailboxes.invent_address("p2", line, "Lugo"))
        for line in lines
    ]
    assert any(one == two and one.startswith("home-") for one, two in homes)


def test_appointments_come_in_local_time_with_their_zone() -> None:
    text = (
        "external_id,MRN,start,zone,type,location,provider,status\n"
        "v1,A-1,2026-12-02T09:00,America/New_York,Check-up,Main St,Dr. Lee,booked\n"
        "v2,A-1,2026-12-02T15:00:00Z,,Check-up,Main St,Dr. Lee,Canceled\n"
        "v3,A-1,12/02/2026 3:30 PM,America/Chicago,,,,\n"
        "v4,A-1,2026-03-08T02:30,America/New_York,,,,\n"
        "v5,A-1,2026-12-02,America/New_York,,,,\n"
        "v6,,2026-12-02T09:00,America/New_York,,,,\n"
        "v7,A-1,2026-12-02T09:00,Mars/Olympus,,,,\n"
        "v8,A-1,2026-12-02T09:00,,,,,perhaps\n"
        "v1,A-1,2026-12-02T09:00,,,,,\n"
    )
    rows = list(appointments.read(table(text), default_zone="America/New_York"))
    good = [row for row in rows if isinstance(row, AppointmentRow)]
    assert [(row.start, row.zone, row.status) for row in good] == [
        ("2026-12-02T09:00", "America/New_York", "booked"),
        ("2026-12-02T10:00", "America/New_York", "cancelled"),
        ("2026-12-02T15:30", "America/Chicago", "booked"),
    ]
    reasons = [row.reason for row in rows if isinstance(row, Rejection)]
    for reason, word in zip(reasons, ["skips", "with a time", "MRN", "zone", "status", "earlier"], strict=True):
        assert word in reason


def test_a_file_without_a_start_says_which_column_is_missing() -> None:
    with pytest.raises(Unreadable, match="start"):
        list(appointments.read(table("external_id,mrn\n1,2\n"), default_zone="America/New_York"))


def test_headers_in_another_case_are_the_same_table() -> None:
    for change in (str.upper, str.lower):
        head, rest = PATIENTS.split("\n", 1)
        there = table(change(head) + "\n" + rest)
        assert synthea.table_name(there.headers) == "patients"
        again, usual = (next(synthea.read(each, "patients", today=TODAY)) for each in (there, table(PATIENTS)))
        assert isinstance(again, PersonRow)
        assert isinstance(usual, PersonRow)
        assert again.profile == usual.profile
    events = table("date,patient,encounter,code,description\n2020-01-20,aa-1,e1,140,Influenza\n")
    assert synthea.table_name(events.headers) == "immunizations"
    (row,) = synthea.read(events, "immunizations", today=TODAY)
    assert isinstance(row, EventRow)
    assert (row.patient, row.event["code"]) == ("aa-1", "140")


def test_a_column_that_was_cut_out_is_named_unless_nothing_needs_it() -> None:
    head = ("START", "PATIENT", "ENCOUNTER", "CODE", "DISPENSES", "REASONCODE")
    assert synthea.missing_columns("medications", head) == []
    (row,) = synthea.read(
        table(",".join(head) + "\n2020-01-20,aa-1,e1,860975,1,44054006\n"), "medications", today=TODAY
    )
    assert isinstance(row, EventRow)
    assert (row.event["term"], row.event["reason_code"]) == (None, "44054006")
    assert synthea.missing_columns("medications", head[1:2] + head[3:]) == ["ENCOUNTER", "START"]
    assert synthea.missing_columns("encounters", ("Id", "PATIENT", "CODE", "ENCOUNTERCLASS")) == ["START"]
    assert synthea.missing_columns("patients", ("Id", "BIRTHDATE", "FIRST", "LAST")) == []
    assert synthea.missing_columns("payers", ("NAME",)) == []


def test_an_id_in_another_case_keeps_the_invented_mailbox() -> None:
    usual, shouted = (
        next(synthea.read(table(text), "patients", today=TODAY, invent_addresses=True))
        for text in (PATIENTS, PATIENTS.replace("aa-1", "AA-1"))
    )
    assert isinstance(usual, PersonRow)
    assert isinstance(shouted, PersonRow)
    assert usual.profile["email"] == shouted.profile["email"]
