"""Time zones: the place that a name means, what people call its clock, and when they have to be told. Pure.

A visit is at the clock of its place. A file or a person names that place in many ways ("America/Los_Angeles",
"US/Pacific", "Pacific Time (US & Canada)", "PST"); `place_of` finds the place, by the list of the machine's zoneinfo
and, for the names of Windows, by CLDR's mapping. What names only a distance from UTC ("-05:00", "Etc/GMT+5") names no
place: it counts while the clinic's own clock agrees.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from tzlocal import windows_tz


class UnknownZone(ValueError):
    """A name that stands for no place; the message says why, without a period and without quoting the name."""


_EASTERN, _CENTRAL, _MOUNTAIN, _PACIFIC = "Eastern time", "Central time", "Mountain time", "Pacific time"
_ALASKA, _HAWAII, _ARIZONA, _ATLANTIC = "Alaska time", "Hawaii time", "Arizona time", "Atlantic time"

# What people call the clocks of North America; elsewhere a clock has its city's name.
_CALLED: dict[str, str] = {
    zone: word
    for word, zones in {
        _EASTERN: "America/New_York America/Detroit America/Kentucky/Louisville America/Kentucky/Monticello "
        "America/Louisville America/Fort_Wayne America/Indianapolis "
        "America/Indiana/Indianapolis America/Indiana/Vincennes America/Indiana/Winamac America/Indiana/Marengo "
        "America/Indiana/Petersburg America/Indiana/Vevay America/Toronto America/Montreal",
        _CENTRAL: "America/Chicago America/Indiana/Tell_City America/Indiana/Knox America/Menominee "
        "America/North_Dakota/Center America/North_Dakota/New_Salem America/North_Dakota/Beulah America/Winnipeg",
        _MOUNTAIN: "America/Denver America/Boise America/Shiprock America/Edmonton",
        _PACIFIC: "America/Los_Angeles America/Vancouver America/Tijuana",
        _ARIZONA: "America/Phoenix",
        _ALASKA: "America/Anchorage America/Juneau America/Sitka America/Metlakatla America/Yakutat America/Nome",
        _HAWAII: "Pacific/Honolulu Pacific/Johnston",
        _ATLANTIC: "America/Puerto_Rico America/St_Thomas America/Virgin America/Halifax",
    }.items()
    for zone in zones.split()
}
_SPANISH = {
    _EASTERN: "hora del Este",
    _CENTRAL: "hora del Centro",
    _MOUNTAIN: "hora de la Montaña",
    _PACIFIC: "hora del Pacífico",
    _ALASKA: "hora de Alaska",
    _HAWAII: "hora de Hawái",
    _ARIZONA: "hora de Arizona",
    _ATLANTIC: "hora del Atlántico",
}
# The place most people mean who write only the name of a clock.
_PLACE = {
    _EASTERN: "America/New_York",
    _CENTRAL: "America/Chicago",
    _MOUNTAIN: "America/Denver",
    _PACIFIC: "America/Los_Angeles",
    _ARIZONA: "America/Phoenix",
    _ALASKA: "America/Anchorage",
    _HAWAII: "Pacific/Honolulu",
    _ATLANTIC: "America/Puerto_Rico",
}
# Former names of places and of clocks that change in summer, as the tz database's file "backward" links them. Not every
# machine has them.
_FORMER = {
    "us/eastern": "America/New_York", "us/east-indiana": "America/Indiana/Indianapolis",
    "us/michigan": "America/Detroit", "us/central": "America/Chicago", "us/indiana-starke": "America/Indiana/Knox",
    "us/mountain": "America/Denver", "us/arizona": "America/Phoenix", "us/pacific": "America/Los_Angeles",
    "us/alaska": "America/Anchorage", "us/aleutian": "America/Adak", "us/hawaii": "Pacific/Honolulu",
    "us/samoa": "Pacific/Pago_Pago", "navajo": "America/Denver", "canada/eastern": "America/Toronto",
    "canada/central": "America/Winnipeg", "canada/mountain": "America/Edmonton", "canada/pacific": "America/Vancouver",
    "canada/atlantic": "America/Halifax", "canada/newfoundland": "America/St_Johns",
    "est5edt": "America/New_York", "cst6cdt": "America/Chicago", "mst7mdt": "America/Denver",
    "pst8pdt": "America/Los_Angeles", "cet": "Europe/Brussels", "met": "Europe/Brussels", "eet": "Europe/Athens",
    "wet": "Europe/Lisbon",
}  # fmt: skip
# Abbreviations that people of the United States write all year for the clock of a region, in summer and in winter.
# MST and MDT are below: Arizona keeps MST in summer, Colorado does not.
_SHORT = {
    "est": _EASTERN, "edt": _EASTERN, "et": _EASTERN, "eastern": _EASTERN,
    "cst": _CENTRAL, "cdt": _CENTRAL, "ct": _CENTRAL, "central": _CENTRAL,
    "mdt": _MOUNTAIN, "mt": _MOUNTAIN, "mountain": _MOUNTAIN,
    "pst": _PACIFIC, "pdt": _PACIFIC, "pt": _PACIFIC, "pacific": _PACIFIC,
    "akst": _ALASKA, "akdt": _ALASKA, "akt": _ALASKA, "hst": _HAWAII, "hdt": _HAWAII, "ht": _HAWAII,
    "ast": _ATLANTIC, "adt": _ATLANTIC,
}  # fmt: skip
_UTC_NAMES = frozenset({"utc", "z", "gmt", "uct", "zulu", "universal", "greenwich", "gmt0", "gmt+0", "gmt-0"})
_OFFSET = re.compile(r"(?:utc|gmt)?\s*([+-])\s*(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_ETC = re.compile(r"etc/gmt([+-])(\d{1,2})", re.IGNORECASE)
# "(UTC-05:00) Eastern Time (US & Canada)", as Outlook and many web forms list them.
_LISTED = re.compile(r"^\((?:UTC|GMT)[^)]*\)\s*|\s*\((?:US|U\.S\.)[^)]*\)$", re.IGNORECASE)

NO_PLACE = "the time zone names no place and its clock is not the clinic's; use a name such as America/New_York"
UNKNOWN = "the time zone is unknown; use a name such as America/New_York"
TWO_PLACES = "MST is the clock of Arizona all year and of Denver in winter; use America/Phoenix or America/Denver"


@dataclass(frozen=True, slots=True)
class WrittenZone:
    """What a written zone means: the ``place`` whose clock counts (an IANA name).

    ``fixed``: the time beside it was written at this distance from UTC. ``agrees``: it counts only while the clock of
    the place stands at that distance too.
    """

    place: str
    fixed: tzinfo | None = None
    agrees: bool = False

    def local(self, stamp: datetime) -> datetime:
        """A time of the file on the clock of the place. Raises ``UnknownZone`` when the clocks do not agree."""
        zone = ZoneInfo(self.place)
        if self.fixed is None:
            return stamp.astimezone(zone) if stamp.tzinfo else stamp.replace(tzinfo=zone)
        exact = stamp if stamp.tzinfo else stamp.replace(tzinfo=self.fixed)
        local = exact.astimezone(zone)
        if self.agrees and local.utcoffset() != exact.astimezone(self.fixed).utcoffset():
            raise UnknownZone(NO_PLACE)
        return local


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    """Every zone of this machine by its name in small letters, without those that are no place."""
    return {
        name.lower(): name
        for name in available_timezones()
        if "/" in name and not name.startswith(("Etc/", "SystemV/"))
    } | {name.lower(): name for name in _SINGLE if name in available_timezones()}


# Former names of one word that are places.
_SINGLE = frozenset(
    {
        *("Cuba", "Egypt", "Eire", "GB", "Hongkong", "Iceland", "Iran", "Israel", "Jamaica", "Japan", "Kwajalein"),
        *("Libya", "NZ", "NZ-CHAT", "PRC", "Poland", "Portugal", "ROC", "ROK", "Singapore", "Turkey", "W-SU"),
    }
)


@lru_cache(maxsize=1)
def _windows() -> dict[str, str]:
    """Names of Windows, which mean summer and winter, to places; the distances from UTC among them are left out."""
    found = {name.lower(): zone for name, zone in windows_tz.win_tz.items() if "/" in zone and "Etc/" not in zone}
    return found | {name.replace(" standard ", " daylight "): zone for name, zone in found.items()}


@lru_cache(maxsize=256)
def _abbreviations(zone: str) -> frozenset[str]:
    """What the clock of a place is called in winter and in summer ("est", "edt")."""
    info = ZoneInfo(zone)
    return frozenset((datetime(2026, month, 15, tzinfo=info).tzname() or "").lower() for month in (1, 7))


@lru_cache(maxsize=1_000)
def place_of(written: str, clinic: str) -> WrittenZone:
    """The place that a written zone means; an empty one, and one that the clinic's own clock bears, is the clinic's.

    Raises ``UnknownZone`` with what to write instead.
    """
    name = _LISTED.sub("", " ".join(written.split()))
    word = name.lower()
    if not word or word == clinic.lower() or word in _abbreviations(clinic) or word == called(clinic).lower():
        return WrittenZone(clinic)
    found = _FORMER.get(word) or _known().get(word) or _windows().get(word)
    if found is None and (clock := _SHORT.get(word) or (word.capitalize() if word.capitalize() in _PLACE else None)):
        found = clinic if called(clinic) == clock else _PLACE[clock]
    if found is not None:
        return WrittenZone(found)
    if word == "mst":
        raise UnknownZone(TWO_PLACES)
    if word in _UTC_NAMES or word.removeprefix("etc/") in _UTC_NAMES:
        return WrittenZone(clinic, fixed=UTC)
    distance = _distance(word)
    if distance is None:
        raise UnknownZone(UNKNOWN)
    return WrittenZone(clinic, fixed=timezone(distance), agrees=True)


def _distance(word: str) -> timedelta | None:
    """Of "-05:00", "UTC-5" or "Etc/GMT+5" (whose sign is the other way round, as POSIX has it)."""
    if etc := _ETC.fullmatch(word):
        sign, hours, minutes = -1 if etc[1] == "+" else 1, int(etc[2]), 0
    elif given := _OFFSET.fullmatch(word):
        sign, hours, minutes = 1 if given[1] == "+" else -1, int(given[2]), int(given[3] or 0)
    else:
        return None
    return sign * timedelta(hours=hours, minutes=minutes) if hours <= 14 and minutes < 60 else None


@lru_cache(maxsize=1_000)
def load(name: str) -> ZoneInfo | None:
    """The zone of that name, or None when this machine has none such."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


@lru_cache(maxsize=1_000)
def is_place(name: str) -> bool:
    """Whether a stored zone is the clock of a place: not a distance from UTC, nor an abbreviation."""
    return name.lower() in _known() and load(name) is not None


@lru_cache(maxsize=1_000)
def _stored_place(zone: str, clinic: str) -> tuple[str, bool]:
    """The place of a stored zone, and whether its time on the wall counts, not its distance from UTC.

    Visits stored by older versions may have an abbreviation: who wrote 9:00 EST for a day in July meant 9:00.
    """
    word = zone.lower()
    if is_place(zone):
        return zone, False
    if word in _FORMER:
        return _FORMER[word], False
    if word == "mst":
        return _PLACE[_ARIZONA], False
    if word in _SHORT:
        return place_of(zone, clinic).place, True
    return "", False


def visit_start(visit: Mapping[str, Any], clinic: str) -> datetime:
    """When a visit begins, on the clock of its place (``tzinfo`` is its zone).

    ``visit`` has ``start`` (ISO 8601 with offset) and ``zone``. One without a place is at the clinic.
    """
    start = datetime.fromisoformat(str(visit["start"]))
    place, on_the_wall = _stored_place(str(visit.get("zone") or ""), clinic)
    zone = load(place or clinic)
    return start.replace(tzinfo=zone) if on_the_wall else start.astimezone(zone)


def visit_moment(visit: Mapping[str, Any]) -> datetime:
    """When a visit begins, to be compared: visits in two zones, and those stored with an abbreviation such as EST.

    Never compare ``start`` as text: 9:00 in Los Angeles comes after 10:00 in New York.
    """
    return visit_start(visit, "UTC")


def stamp(visit: Mapping[str, Any]) -> str:
    """The start of a visit with its place, as RFC 9557 writes it: ``2026-12-09T09:00:00-08:00[America/Los_Angeles]``.

    One line of text, so that it may be merged and remembered like any other value; without a place it has none.
    """
    start = str(visit["start"])
    place, on_the_wall = _stored_place(str(visit.get("zone") or ""), "UTC")
    if not place:
        return start
    return f"{visit_start(visit, 'UTC').isoformat() if on_the_wall else start}[{place}]"


def unstamped(text: str) -> tuple[str, str]:
    """The time and the place of a ``stamp``; the place is "" where none was written."""
    if not text.endswith("]"):
        return text, ""
    start, _, place = text[:-1].partition("[")
    return start, place


def called(zone: str, language: str = "en") -> str:
    """What people call the clock of a place: "Pacific time", "hora del Pacífico"; "Berlin time" elsewhere."""
    word = _CALLED.get(zone)
    if language[:2] == "es":
        return _SPANISH[word] if word else ("UTC" if zone == "UTC" else f"hora de {_city(zone)}")
    return word or ("UTC" if zone == "UTC" else f"{_city(zone)} time")


def common(clinic: str) -> list[str]:
    """Places to choose a clock from: the clinic's first, then one for each clock of North America that differs."""
    return [clinic, *(place for clock, place in _PLACE.items() if clock != called(clinic))]


def _city(zone: str) -> str:
    return zone.rpartition("/")[2].replace("_", " ")


@lru_cache(maxsize=4_000)
def _differs(place: str, clinic: str, day: str) -> bool:
    if place == clinic:
        return False
    noon = datetime.fromisoformat(day).replace(hour=12)
    here, there = load(clinic), load(place)
    return (
        called(place) != called(clinic)
        or noon.replace(tzinfo=here).utcoffset() != noon.replace(tzinfo=there).utcoffset()
    )


def to_say(start: datetime, clinic: str, language: str = "en") -> str:
    """The words to put behind the time of a visit: its clock's name where it is not the clinic's, else "".

    The one place that decides it. A clock that people call the same and that shows the same is the same: Detroit and
    New York are both on Eastern time.
    """
    place = getattr(start.tzinfo, "key", "")
    if not place or not _differs(place, clinic, start.date().isoformat()):
        return ""
    return called(place, language)
