"""Appointments from a CSV: outside id, person, start, zone, kind, location, provider, status."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from apps.contacts.appointments import statuses
from apps.contacts.values import BadValue, date_reader, guess_date_format, text
from apps.core import zones
from apps.imports.readers.rows import AppointmentRow, Rejection, Row, ragged
from apps.imports.readers.tables import Table, Unreadable

_HEADERS = {
    "external": "externalid appointmentid apptid id visitid appointment idcita idturno numerodecita",
    "mrn": "mrn medicalrecordnumber medicalrecord chartnumber historiaclinica expediente numerodehistoria nhc",
    "patient": "patientid patient personid contactid externalpatientid idpaciente paciente",
    "email": "email emailaddress correo correoelectronico",
    "start": "start starttime startsat datetime appointmentstart scheduledat begin",
    "date": "date appointmentdate apptdate visitdate startdate day fecha fechacita dia",
    "time": "time appointmenttime appttime visittime starttimeofday hora horacita",
    "zone": "zone timezone tz startzone zonahoraria",
    "kind": "kind type appointmenttype appttype visittype reason service tipo tipodecita motivo servicio",
    "location": "location site clinic facility place department lugar sede clinica consultorio",
    "provider": "provider practitioner doctor clinician physician with medico profesional doctora",
    "minutes": "minutes duration length durationminutes duracion minutos",
    "status": "status state appointmentstatus apptstatus estado",
}
_BY_HEADER = {word: name for name, words in _HEADERS.items() for word in words.split()}
NOT_YET = (
    "the visit is asked for or on a waiting list: it comes in when it is booked; nobody is reminded of it until then"
)
UNKNOWN_STATUS = (
    "the status is none that is known: booked, cancelled, rescheduled, kept or missed, or a word of FHIR or HL7"
)
OPTIONAL = (
    "It may also have “zone”, “kind”, “location”, “provider”, “minutes” and “status”; other columns are left out."
)
CONTRADICTION = "an earlier row has the same appointment id and says something else"
REPEATED = "an earlier row has the same appointment id"


@dataclass(frozen=True, slots=True, repr=False)
class RefusedVisit(Rejection):
    """A row that is not imported and names a visit, by its id ``external``: if it is known, something is amiss with it.

    ``said``: what the row has as status and start, for staff to read on the visit itself.
    """

    external: str = ""
    said: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        return f"<RefusedVisit of line {self.line}>"


def columns(headers: tuple[str, ...]) -> dict[str, int]:
    """Where each part stands. Raises `Unreadable` naming all that is missing."""
    found: dict[str, int] = {}
    for index, header in enumerate(headers):
        name = _BY_HEADER.get(re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", header.lower())))
        if name:
            found.setdefault(name, index)
    missing = []
    if "external" not in found:
        missing.append("the appointment's id (call it “external_id”)")
    if not {"mrn", "patient", "email"} & set(found):
        missing.append("the person (call it “mrn” or “patient_id”)")
    if "start" not in found and "date" not in found:
        missing.append("the start (call it “start”, as 2026-12-02T09:00)")
    elif "start" not in found and "time" not in found:
        missing.append("the time of the day (call it “time”, as 14:30)")
    if missing:
        raise Unreadable(f"The file has no column for {', for '.join(missing)}. {OPTIONAL}")
    return found


def read(table: Table, *, default_zone: str) -> Iterator[Row]:
    """Rows of a table of appointments; `default_zone` is the organization's IANA zone."""
    at = columns(table.headers)
    width = len(table.headers)
    day_format = None
    if "start" not in at:
        day_format = guess_date_format([cells[at["date"]] for cells in table.sample()])
    # What each visit of this file was said to be: a second row may say the same, not something else.
    seen: dict[str, AppointmentRow | None] = {}
    for line, cells in table.rows():
        if wrong := ragged(line, cells, width):
            yield _refused(line, wrong.reason, cells, at)
            continue
        try:
            row = _row(line, cells, at, default_zone, day_format)
        except BadValue as error:
            refused = _refused(line, str(error), cells, at)
            if isinstance(refused, RefusedVisit):
                seen.setdefault(refused.external, None)
            yield refused
            continue
        if row.external in seen:
            same = seen[row.external] == replace(row, line=0, cells=())
            yield Rejection(line, REPEATED, tuple(cells)) if same else _refused(line, CONTRADICTION, cells, at)
            continue
        seen[row.external] = replace(row, line=0, cells=())
        yield row


def _refused(line: int, reason: str, cells: list[str], at: dict[str, int]) -> Rejection:
    """The rejection of a row, with the visit that it names if it can be read."""

    def cell(name: str) -> str:
        if name not in at or at[name] >= len(cells):
            return ""
        return "".join(letter for letter in " ".join(cells[at[name]].split())[:200] if letter.isprintable())

    external = cell("external")
    if not external:
        return Rejection(line, reason, tuple(cells))
    said = tuple((name, value) for name in ("status", "start", "date", "time", "zone") if (value := cell(name)))
    return RefusedVisit(line, reason, tuple(cells), external, said)


def _row(
    line: int,
    cells: list[str],
    at: dict[str, int],
    default_zone: str,
    day_format: str | None,
) -> AppointmentRow:
    def cell(name: str, longest: int = 200) -> str:
        if name not in at:
            return ""
        try:
            return text(cells[at[name]], longest)
        except BadValue as error:
            raise BadValue(f"{name} {error}") from None

    external = cell("external")
    if not external:
        raise BadValue("the appointment has no id")
    person = next(((name, value) for name in ("mrn", "patient", "email") if (value := cell(name))), None)
    if person is None:
        raise BadValue("nobody knows whom the appointment is for: MRN and patient id are empty")
    said = statuses.meaning(cell("status"))
    if said is None:
        raise BadValue(UNKNOWN_STATUS)
    if said == statuses.NOT_YET:
        raise BadValue(NOT_YET)
    start, zone = local_start(_stamp(cell, day_format), cell("zone"), default_zone)
    minutes = cell("minutes") or "30"
    if not minutes.isdigit() or not 0 < int(minutes) <= 24 * 60:
        raise BadValue("the duration is not a number of minutes")
    return AppointmentRow(
        line,
        external,
        person,
        start,
        zone,
        cell("kind"),
        cell("location"),
        cell("provider"),
        int(minutes),
        statuses.at_first(said),
        tuple(cells),
        said,
    )


def _stamp(cell: object, day_format: str | None) -> str:
    get = cell
    assert callable(get)
    if value := str(get("start")):
        return value
    day = date_reader(day_format or "%Y-%m-%d")(str(get("date")))
    if day is None:
        raise BadValue("the start is empty")
    if not (time := str(get("time"))):
        raise BadValue("the time is empty")
    return f"{day.isoformat()}T{_clock(time)}"


def _clock(value: str) -> str:
    for form in ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p", "%I %p"):
        try:
            return datetime.strptime(value.upper(), form).strftime("%H:%M")  # noqa: DTZ007
        except ValueError:
            continue
    raise BadValue("the time is not a time of day, as 14:30")


_FORMS = (
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M%p",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y-%m-%d %I:%M %p",
    "%Y-%m-%d %I:%M:%S %p",
)


def local_start(value: str, zone: str, default_zone: str) -> tuple[str, str]:
    """The start on the clock of its place, ISO to the minute, and the place (an IANA name).

    ``zone`` as it is written (``core.zones.place_of``). A start with an offset is converted; one without is taken as
    local. The result has an offset only in the hour that a clock shows twice, where it is the second. Raises
    `BadValue` for an unknown zone, an impossible time, or a time that the clock skips in spring.
    """
    try:
        written = zones.place_of(zone, default_zone)
    except zones.UnknownZone as unknown:
        raise BadValue(str(unknown)) from None
    if not value:
        raise BadValue("the start is empty")
    stamp = _parsed(value)
    if stamp is None or len(value) <= 10:
        raise BadValue("the start is not a date with a time, as 2026-12-02T09:00")
    try:
        local = written.local(stamp)
    except zones.UnknownZone as unknown:
        raise BadValue(str(unknown)) from None
    except OverflowError:
        raise BadValue("the start is not a date with a time, as 2026-12-02T09:00") from None
    if local.astimezone(UTC).astimezone(local.tzinfo).replace(fold=0) != local.replace(fold=0):
        raise BadValue("the start falls into the hour that the clock change skips")
    wall = local if local.fold else local.replace(tzinfo=None)
    return wall.isoformat(timespec="minutes"), written.place


def _parsed(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    for form in _FORMS:
        try:
            return datetime.strptime(value, form)  # noqa: DTZ007 - local to the place
        except ValueError:
            continue
    return None
