"""Invitations and answers to them (RFC 5545, 5546) in words: pure, and never more than text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ANSWERS = {
    "ACCEPTED": "accepted the invitation",
    "DECLINED": "declined the invitation",
    "TENTATIVE": "tentatively accepted the invitation",
    "DELEGATED": "passed the invitation on to somebody else",
    "NEEDS-ACTION": "has not decided about the invitation",
}
_LINE = re.compile(
    r"([A-Za-z0-9-]{1,40})((?:;[A-Za-z0-9-]{1,40}=(?:\"[^\"]*\"|[^\";:]*)(?:,(?:\"[^\"]*\"|[^\";:,]*))*)*):(.*)"
)
_PARAMETER = re.compile(r";([A-Za-z0-9-]+)=(\"[^\"]*\"|[^;]*)")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?")
_ESCAPED = re.compile(r"\\([\\;,nN])")
MAX_READ = 200_000
MAX_ENTRIES = 20


@dataclass(frozen=True)
class _Field:
    value: str
    parameters: dict[str, str]

    @property
    def text(self) -> str:
        return _ESCAPED.sub(lambda found: "\n" if found.group(1) in "nN" else found.group(1), self.value).strip()


_Entry = dict[str, list[_Field]]


def words_of(data: str, zone: tzinfo = UTC) -> str:
    """What a calendar file says, one paragraph for each entry; "" when it is none.

    ``zone`` is the reader's: times in UTC are told at its clock, others at their own with its name.
    """
    method, entries = _read(data[:MAX_READ])
    told = [_told(method, entry, zone) for entry in entries[:MAX_ENTRIES]]
    if len(entries) > MAX_ENTRIES:
        told.append(f"And {len(entries) - MAX_ENTRIES} more calendar entries.")
    return "\n\n".join(told)


def _read(data: str) -> tuple[str, list[_Entry]]:
    lines = re.sub(r"\r\n?", "\n", data)
    lines = re.sub(r"\n[ \t]", "", lines)
    method = ""
    entries: list[_Entry] = []
    inside: list[str] = []
    for line in lines.split("\n")[:5_000]:
        found = _LINE.match(line.strip()[:8_000])
        if not found:
            continue
        name, value = found.group(1).upper(), found.group(3)
        if name == "BEGIN":
            inside.append(value.strip().upper())
            if inside[-1] in {"VEVENT", "VTODO"}:
                entries.append({})
        elif name == "END":
            inside = inside[:-1]
        elif name == "METHOD" and (not inside or inside[-1] == "VCALENDAR"):
            method = value.strip().upper()
        elif inside and inside[-1] in {"VEVENT", "VTODO"} and entries:
            given = {key.upper(): each.strip('"') for key, each in _PARAMETER.findall(found.group(2))}
            entries[-1].setdefault(name, []).append(_Field(value, given))
    return method, entries


def _told(method: str, entry: _Entry, zone: tzinfo) -> str:
    when = _when(entry, zone)
    about = _text(entry, "SUMMARY")
    attendees = entry.get("ATTENDEE", [])
    cancelled = method == "CANCEL" or _text(entry, "STATUS").upper() == "CANCELLED"
    if method in {"REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH"}:
        who = _person(attendees[0]) if attendees else "Somebody"
        done = "wrote back about the invitation"
        if method == "REPLY" and attendees:
            done = _ANSWERS.get(attendees[0].parameters.get("PARTSTAT", "").upper(), done)
        elif method == "COUNTER":
            done = "proposes another time:"
        elif method == "REFRESH":
            done = "asks for the latest version of the invitation"
        first = f"{who} {done}{_for(when, method)}"
    else:
        what = "Calendar entry"
        if cancelled:
            what = "Cancelled"
        elif method == "REQUEST":
            what = "Invitation"
        organizer = entry.get("ORGANIZER", [])
        by = f" from {_person(organizer[0])}" if organizer and not cancelled else ""
        by = f" by {_person(organizer[0])}" if organizer and cancelled else by
        first = f"{what}{by}{_for(when, method)}"
    lines = [f"{first}: {about}" if about else first]
    for label, name in (("Place", "LOCATION"), ("Comment", "COMMENT")):
        lines += [f"{label}: {each.text}" for each in entry.get(name, [])[:3] if each.text]
    if "RRULE" in entry:
        lines.append("It repeats.")
    if method != "REPLY" and _text(entry, "DESCRIPTION"):
        lines.append(_text(entry, "DESCRIPTION")[:4_000])
    return "\n".join(lines)


def _for(when: str, method: str) -> str:
    return (f" {when}" if method == "COUNTER" else f" for {when}") if when else ""


def _text(entry: _Entry, name: str) -> str:
    found = entry.get(name, [])
    return found[0].text if found else ""


def _person(field: _Field) -> str:
    address = field.value.strip()
    address = address[7:] if address.lower().startswith("mailto:") else address
    name = field.parameters.get("CN", "").strip()
    return f"{name} ({address})" if name and name != address and address else name or address or "Somebody"


def _when(entry: _Entry, zone: tzinfo) -> str:
    begins = entry.get("DTSTART", entry.get("DUE", []))
    if not begins:
        return ""
    start, named = _moment(begins[0], zone)
    if start is None:
        return begins[0].text[:40]
    end, _ = _moment(entry["DTEND"][0], zone) if "DTEND" in entry else (None, "")
    day = f"{_MONTHS[start.month - 1]} {start.day}"
    if not isinstance(start, datetime):
        # The end of a whole day is the day after it (RFC 5545 section 3.6.1).
        return f"{day}, all day ({_DAYS[start.weekday()]}, {start.year})"
    said = f"{day}, {_clock(start)}"
    if isinstance(end, datetime):
        same = end.date() == start.date()
        said += f" to {_clock(end)}" if same else f" to {_MONTHS[end.month - 1]} {end.day}, {_clock(end)}"
    return f"{said} ({_DAYS[start.weekday()]}, {start.year}{named})"


def _moment(field: _Field, zone: tzinfo) -> tuple[date | datetime | None, str]:
    """A day, or a moment at the clock at which it is told, with the name of that clock where it is not the reader's."""
    found = _MOMENT.fullmatch(field.value.strip())
    if not found:
        return None, ""
    year, month, day, hour, minute, _, utc = found.groups()
    try:
        if hour is None:
            return date(int(year), int(month), int(day)), ""
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), tzinfo=UTC)
        if utc:
            moment = moment.astimezone(zone)
    except (ValueError, OverflowError):
        return None, ""
    if utc:
        return moment, ", UTC" if zone is UTC else ""
    named = field.parameters.get("TZID", "").strip()
    own = named in {"", zone.key if isinstance(zone, ZoneInfo) else "UTC"}
    # A calendar may call its zone what it likes: the name it gave is what is true.
    return moment, "" if own else f", {named[:60]}"


def _clock(moment: datetime) -> str:
    return f"{moment.hour % 12 or 12}:{moment.minute:02} {'AM' if moment.hour < 12 else 'PM'}"
