"""The ready mapping for Synthea's CSV export: tables are told apart by their headers, not by their names.

The exports of 2019 to 2024 differ: procedures have DATE or START and STOP, payers come and go, `conditions`
may have a SYSTEM column, and old `allergies` have exactly the headers of `conditions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from apps.contacts.person.life_dates import life_problem
from apps.contacts.timeline.results import KIND, LOINC
from apps.contacts.values import BadValue, date_reader, sex, text
from apps.imports.readers import invented_mailboxes
from apps.imports.readers.rows import EventRow, PersonRow, Rejection, Row, ragged
from apps.imports.readers.tables import Table, Unreadable

SOURCE = "synthea"
"""Name of the external id in a profile's `external_ids`."""

USED = ("patients", "encounters", "conditions", "immunizations", "medications", "procedures", "observations")
"""Tables that are imported, in the order in which they must be read: people first."""

SNOMED, CVX, RXNORM = "SNOMED", "CVX", "RXNORM"
_SYSTEMS = {
    "encounters": ("encounter", SNOMED),
    "conditions": ("condition", SNOMED),
    "immunizations": ("immunization", CVX),
    "medications": ("medication", RXNORM),
    "procedures": ("procedure", SNOMED),
    "observations": (KIND, LOINC),
}
UNUSED_COLUMNS = ("SSN", "DRIVERS", "PASSPORT", "MAIDEN", "BIRTHPLACE", "LAT", "LON")
"""Columns of patients.csv that are left out on purpose: nothing in a message needs them."""


def spelled(headers: tuple[str, ...]) -> tuple[str, ...]:
    """Headers as Synthea spells them, for files whose headers went through a program that changed their case."""
    return tuple("Id" if header.lower() == "id" else header.upper() for header in headers)


def recognized(table: Table) -> str:
    """The name of a table. Raises `Unreadable` when it is none of Synthea's, or lacks a column that it needs."""
    found = table_name(table.headers, table.name, table.sample(20))
    if found is None:
        raise Unreadable("This is no table of Synthea. Leave it out, or import it as a list of people.")
    if missing := missing_columns(found, table.headers):
        raise Unreadable(f"The table {found} has no column {', '.join(missing)}. Export it again, or leave it out.")
    return found


def missing_columns(name: str, headers: tuple[str, ...]) -> list[str]:
    """The columns without which a table that is imported cannot be read, where they are not there."""
    if name == "patients" or name not in USED:
        return []
    has = frozenset(spelled(headers))
    needed = {"encounters": ["Id"], "observations": ["VALUE", "UNITS"]}.get(name, ["ENCOUNTER"])
    found = [column for column in ("PATIENT", "CODE", *needed) if column not in has]
    if not {"START", "DATE"} & has:
        found.append("DATE" if name in ("immunizations", "observations") else "START")
    return found


def table_name(headers: tuple[str, ...], file_name: str = "", sample: list[list[str]] | None = None) -> str | None:
    """Which Synthea table has these headers, or `None`. `sample` rows settle equal header sets."""
    headers = spelled(headers)
    has = frozenset(headers)
    if {"Id", "BIRTHDATE", "FIRST", "LAST"} <= has:
        return "patients"
    if {"Id", "PATIENT", "ENCOUNTERCLASS", "CODE"} <= has:
        return "encounters"
    if {"MODALITY_CODE", "PATIENT"} <= has:
        return "imaging_studies"
    if {"VALUE", "UNITS", "PATIENT", "CODE"} <= has:
        return "observations"
    if {"UDI", "PATIENT"} <= has:
        return "devices"
    if {"QUANTITY", "PATIENT", "CODE"} <= has:
        return "supplies"
    if {"DISPENSES", "PATIENT", "CODE"} <= has:
        return "medications"
    if {"Id", "START", "PATIENT", "CODE", "REASONCODE"} <= has:
        return "careplans"
    if {"REACTION1", "PATIENT"} <= has:
        return "allergies"
    if {"PATIENT", "ENCOUNTER", "CODE", "REASONCODE"} <= has and ("DATE" in has or "START" in has):
        return "procedures"
    if {"START", "STOP", "PATIENT", "ENCOUNTER", "CODE", "DESCRIPTION"} <= has:
        return _conditions_or_allergies(headers, file_name, sample or [])
    if {"DATE", "PATIENT", "ENCOUNTER", "CODE", "DESCRIPTION"} <= has:
        return "immunizations"
    for name, marks in _OTHERS.items():
        if marks <= has:
            return name
    return None


_OTHERS = {
    "claims_transactions": {"CLAIMID", "CHARGEID"},
    "claims": {"PATIENTID", "PROVIDERID", "DIAGNOSIS1"},
    "patient_expenses": {"PATIENT_ID", "HEALTHCARE_EXPENSES"},
    "payer_transitions": {"PATIENT", "PAYER"},
    "payers": {"NAME", "AMOUNT_COVERED"},
    "providers": {"ORGANIZATION", "NAME", "SPECIALITY"},
    "organizations": {"NAME", "REVENUE", "UTILIZATION"},
}


def _conditions_or_allergies(headers: tuple[str, ...], file_name: str, sample: list[list[str]]) -> str:
    """Old exports: the same headers. What the rows say decides, the file's name only when there are none."""
    at = headers.index("DESCRIPTION")
    terms = [cells[at].lower() for cells in sample if len(cells) > at]
    if terms:
        about = sum(1 for term in terms if "allerg" in term or "intolerance" in term)
        return "allergies" if about * 2 > len(terms) else "conditions"
    return "allergies" if "allerg" in file_name.lower() else "conditions"


def read(table: Table, name: str, *, today: date, invent_addresses: bool = False) -> Iterator[Row]:
    """Rows of a used table. Raises `Unreadable` when the file breaks further down."""
    if name == "patients":
        return _patients(table, today, invent_addresses)
    return _events(table, name, today)


def _patients(table: Table, today: date, invent_addresses: bool) -> Iterator[Row]:
    reader = PatientReader(table.headers, today=today, invent_addresses=invent_addresses)
    for line, cells in table.rows():
        yield reader(line, cells)


class PatientReader:
    """Reads rows of patients.csv one by one; each row by itself, so that several processes may share a file."""

    def __init__(self, headers: tuple[str, ...], *, today: date, invent_addresses: bool = False) -> None:
        self._at = {header: index for index, header in enumerate(spelled(headers))}
        self._width = len(headers)
        self._day = date_reader("%Y-%m-%d")
        self._today = today
        self._invent = invent_addresses

    def __call__(self, line: int, cells: list[str]) -> PersonRow | Rejection:
        """The person of a row, or why there is none."""
        if wrong := ragged(line, cells, self._width):
            return wrong
        try:
            return _patient(line, cells, self._at, self._day, self._today, self._invent)
        except BadValue as error:
            return Rejection(line, str(error), tuple(cells))


_TEXTS = {
    "FIRST": "first_name",
    "LAST": "last_name",
    "MIDDLE": "middle_name",
    "PREFIX": "prefix",
    "SUFFIX": "suffix",
    "RACE": "race",
    "ETHNICITY": "ethnicity",
    "MARITAL": "marital_status",
}
_ADDRESS = {"ADDRESS": "line", "CITY": "city", "COUNTY": "county", "STATE": "state", "ZIP": "zip"}


def _patient(
    line: int, cells: list[str], at: dict[str, int], day: Any, today: date, invent_addresses: bool
) -> PersonRow:
    def cell(header: str) -> str:
        index = at.get(header)
        return cells[index].strip() if index is not None else ""

    key = cell("Id")
    if not key:
        raise BadValue("Id is empty: without it a second import could not find the person again")
    profile: dict[str, Any] = {}
    for header, field in _TEXTS.items():
        if value := _named(header, text, cell(header)):
            profile[field] = value
    if not profile.get("first_name") and not profile.get("last_name"):
        raise BadValue("FIRST and LAST are both empty")
    born, died = _named("BIRTHDATE", day, cell("BIRTHDATE")), _named("DEATHDATE", day, cell("DEATHDATE"))
    if problem := life_problem(born, died, today):
        raise BadValue(problem)
    if born:
        profile["birth_date"] = born.isoformat()
    if died:
        profile["death_date"] = died.isoformat()
    if value := _named("GENDER", sex, cell("GENDER")):
        profile["sex"] = value
    address = {field: value for header, field in _ADDRESS.items() if (value := _named(header, text, cell(header)))}
    if address:
        profile["address"] = address
    profile["external_ids"] = {SOURCE: _named("Id", text, key)}
    if invent_addresses:
        profile["email"] = invented_mailboxes.invent_address(key.lower(), cell("ADDRESS"), cell("CITY"), cell("COUNTY"))
    profile["relation"] = "patient"
    return PersonRow(line, key, profile, cells=tuple(cells))


def _events(table: Table, name: str, today: date) -> Iterator[Row]:
    kind, system = _SYSTEMS[name]
    at = {header: index for index, header in enumerate(spelled(table.headers))}
    width = len(table.headers)
    day = date_reader("%Y-%m-%d")
    seen = Repeats()
    start = "START" if "START" in at else "DATE"
    for line, cells in table.rows():
        if wrong := ragged(line, cells, width):
            yield wrong
            continue
        try:
            patient, code = cells[at["PATIENT"]].strip(), cells[at["CODE"]].strip()
            if not patient:
                raise BadValue("PATIENT is empty: nobody knows whom this row is about")
            if not code:
                raise BadValue("CODE is empty")
            began = _named(start, day, cells[at[start]])
            if began is None:
                raise BadValue(f"{start} is empty")
            if began > today:
                raise BadValue(f"{start} lies in the future")
            event: dict[str, Any] = {
                "kind": kind,
                "code": _named("CODE", text, code),
                "system": _own_system(cells, at) or system,
                "term": _named("DESCRIPTION", _term, cells[at["DESCRIPTION"]]) if "DESCRIPTION" in at else None,
                "start": cells[at[start]].strip(),
            }
            if "STOP" in at and (stop := cells[at["STOP"]].strip()):
                _named("STOP", day, stop)
                event["stop"] = stop
            if "ENCOUNTERCLASS" in at and (value := cells[at["ENCOUNTERCLASS"]].strip()):
                event["class"] = _named("ENCOUNTERCLASS", text, value).lower()
            if kind == KIND:
                event["value"] = _named("VALUE", _term, cells[at["VALUE"]])
                if not event["value"]:
                    raise BadValue("VALUE is empty")
                event["unit"] = _named("UNITS", text, cells[at["UNITS"]])
            if "REASONCODE" in at and (value := cells[at["REASONCODE"]].strip()):
                event["reason_code"] = value
                if "REASONDESCRIPTION" in at:
                    event["reason"] = _named("REASONDESCRIPTION", _term, cells[at["REASONDESCRIPTION"]])
        except BadValue as error:
            yield Rejection(line, str(error), tuple(cells))
            continue
        if name == "encounters":
            identity = f"{name}|{cells[at['Id']].strip() or line}"
        else:
            encounter = cells[at["ENCOUNTER"]].strip() if "ENCOUNTER" in at else ""
            base = f"{name}|{patient}|{encounter}|{code}|{event['start']}"
            identity = seen.identity(base, event)
        yield EventRow(line, patient, identity, event, began, tuple(cells))


def _own_system(cells: list[str], at: dict[str, int]) -> str:
    """The SYSTEM column of newer exports, where it names a system of its own."""
    index = at.get("SYSTEM")
    value = cells[index].strip() if index is not None else ""
    return {"http://snomed.info/sct": SNOMED, "snomed-ct": SNOMED}.get(value.lower(), value.upper())


def _term(cell: str) -> str:
    return text(cell, 500)


def _named(header: str, reader: Any, cell: str) -> Any:
    try:
        return reader(cell)
    except BadValue as error:
        raise BadValue(f"{header} {error}") from None


class Repeats:
    """Gives rows that share patient, encounter, code and start an identity of their own, stable over imports.

    Synthea repeats such rows with other costs (the same thing twice: one event) and with another end (a first
    dose and the standing order: two events).
    """

    def __init__(self) -> None:
        self._ends: dict[int, list[str]] = {}

    def identity(self, base: str, event: dict[str, Any]) -> str:
        ends = self._ends.setdefault(hash(base), [])
        end = f"{event.get('stop', '')}|{event.get('reason_code', '')}"
        if event["kind"] == KIND:
            end = f"{event['value']}|{event['unit']}"
        if end not in ends:
            ends.append(end)
        place = ends.index(end)
        return base if place == 0 else f"{base}|{place + 1}"
