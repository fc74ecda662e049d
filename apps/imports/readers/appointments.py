"""Appointments from a CSV: outside id, person, start, zone, kind, location, provider, status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apps.contacts.values import BadValue, date_reader, guess_date_format, text
from apps.imports.readers.rows import AppointmentRow, Rejection, Row, ragged
from apps.imports.readers.tables import Table, Unreadable

_HEADERS = {
    "external": "externalid appointmentid apptid id visitid appointment",
    "mrn": "mrn medicalrecordnumber medicalrecord chartnumber",
    "patient": "patientid patient personid contactid externalpatientid",
    "email": "email emailaddress",
    "start": "start starttime startsat datetime appointmentstart scheduledat begin",
    "date": "date appointmentdate startdate day",
    "time": "time appointmenttime starttimeofday",
    "zone": "zone timezone tz startzone",
    "kind": "kind type appointmenttype visittype reason service",
    "location": "location site clinic facility place department",
    "provider": "provider practitioner doctor clinician physician with",
    "minutes": "minutes duration length durationminutes",
    "status": "status state appointmentstatus",
}
_BY_HEADER = {word: name for name, words in _HEADERS.items() for word in words.split()}
STATUSES = {
    "": "booked", "booked": "booked", "scheduled": "booked", "confirmed": "booked", "pending": "booked",
    "proposed": "booked", "moved": "booked", "rescheduled": "booked",
    "arrived": "kept",
    "cancelled": "cancelled", "canceled": "cancelled", "kept": "kept", "completed": "kept",
    "fulfilled": "kept",
    "checked-in": "kept", "missed": "missed", "noshow": "missed", "no-show": "missed", "no show": "missed",
}  # fmt: skip


def columns(headers: tuple[str, ...]) -> dict[str, int]:
    """Where each part stands. Raises `Unreadable` naming what is missing."""
    found: dict[str, int] = {}
    for index, header in enumerate(headers):
        name = _BY_HEADER.get(re.sub(r"[^a-z0-9]", "", header.lower()))
        if name:
            found.setdefault(name, index)
    if "external" not in found:
        raise Unreadable("The file has no column for the appointment's id (call it “external_id”).")
    if not {"mrn", "patient", "email"} & set(found):
        raise Unreadable("The file has no column for the person (call it “mrn” or “patient_id”).")
    if "start" not in found and "date" not in found:
        raise Unreadable("The file has no column for the start (call it “start”, as 2026-12-02T09:00).")
    return found


def read(table: Table, *, default_zone: str) -> Iterator[Row]:
    """Rows of a table of appointments; `default_zone` is the organization's IANA zone."""
    at = columns(table.headers)
    width = len(table.headers)
    day_format = None
    if "start" not in at:
        day_format = guess_date_format([cells[at["date"]] for cells in table.sample()])
    seen: set[str] = set()
    zones: dict[str, ZoneInfo] = {}
    for line, cells in table.rows():
        if wrong := ragged(line, cells, width):
            yield wrong
            continue
        try:
            row = _row(line, cells, at, default_zone, day_format, zones)
        except BadValue as error:
            yield Rejection(line, str(error), tuple(cells))
            continue
        if row.external in seen:
            yield Rejection(line, "an earlier row has the same appointment id", tuple(cells))
            continue
        seen.add(row.external)
        yield row


def _row(
    line: int,
    cells: list[str],
    at: dict[str, int],
    default_zone: str,
    day_format: str | None,
    zones: dict[str, ZoneInfo],
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
    status = STATUSES.get(cell("status").lower())
    if status is None:
        raise BadValue("the status is none of booked, cancelled, kept, missed")
    zone = cell("zone") or default_zone
    start = local_start(_stamp(cell, day_format), zone, zones)
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
        status,
        tuple(cells),
    )


def _stamp(cell: object, day_format: str | None) -> str:
    get = cell
    assert callable(get)
    if value := str(get("start")):
        return value
    day = date_reader(day_format or "%Y-%m-%d")(str(get("date")))
    if day is None:
        raise BadValue("the start is empty")
    return f"{day.isoformat()}T{_clock(str(get('time')) or '09:00')}"


def _clock(value: str) -> str:
    for form in ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p", "%I %p"):
        try:
            return datetime.strptime(value.upper(), form).strftime("%H:%M")  # noqa: DTZ007
        except ValueError:
            continue
    raise BadValue("the time is not a time of day, as 14:30")


def local_start(value: str, zone: str, zones: dict[str, ZoneInfo] | None = None) -> str:
    """ISO form of the start in `zone`, to the minute and without offset.

    A start with an offset is converted into the zone; one without is taken as local. Raises `BadValue` for an
    unknown zone, an impossible time, or a time that the zone skips in spring.
    """
    known = zones if zones is not None else {}
    if zone not in known:
        try:
            known[zone] = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise BadValue("the time zone is unknown; use a name such as America/New_York") from None
    if not value:
        raise BadValue("the start is empty")
    stamp = None
    for form in (None, "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%Y-%m-%d %I:%M %p"):
        try:
            stamp = datetime.fromisoformat(value) if form is None else datetime.strptime(value, form)  # noqa: DTZ007
            break
        except ValueError:
            continue
    if stamp is None or len(value) <= 10:
        raise BadValue("the start is not a date with a time, as 2026-12-02T09:00")
    info = known[zone]
    stamp = stamp.astimezone(info) if stamp.tzinfo else stamp.replace(tzinfo=info)
    if stamp.astimezone(ZoneInfo("UTC")).astimezone(info).replace(fold=0) != stamp.replace(fold=0):
        raise BadValue("the start falls into the hour that the clock change skips")
    return stamp.replace(tzinfo=None).isoformat(timespec="minutes")
