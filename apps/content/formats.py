"""How values are written for a person: dates in the clinic's zone, money, lists, names. English and Spanish.

Pure, and small on purpose: what is printed here is stored with the message, so nothing depends on a locale
database of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts import languages
from apps.contacts.person.names import name_case
from apps.core import zones

LANGUAGES = ("en", "es")

_WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}
_MONTHS = {
    "en": (
        [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ]
    ),
    "es": (
        [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ]
    ),
}
_SHORT_MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "es": ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
}
_AND = {"en": "and", "es": "y"}
_YES_NO = {"en": ("no", "yes"), "es": ("no", "sí")}

FORMATS: dict[str, tuple[str, ...]] = {
    "date": ("long", "short", "weekday", "time", "datetime"),
    "money": (),
    "list": (),
    "name": (),
    "language": (),
}
"""Each format and the arguments it takes; the first is the default."""


class BadFormat(ValueError):
    """A value cannot be written in the format asked for (a date field that holds no date)."""


class Shown(str):
    """Text that a preview shows in place of a missing value, whatever the format."""

    __slots__ = ()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _language(code: str) -> str:
    return code[:2] if code[:2] in LANGUAGES else "en"


def _moment(value: Any) -> date:
    """A date or datetime from a date, a datetime or ISO 8601 text."""
    if isinstance(value, date):
        return value
    try:
        text = str(value)
        return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        raise BadFormat("not a date") from None


def format_date(value: Any, style: str, language: str, zone: str) -> str:
    """A date or moment in `style` (see `FORMATS`); an aware moment is shown in `zone`, a plain date as it is.

    A moment that carries a place (``core.zones.stamp``) is shown at the clock of that place, and says which clock that
    is where it is not that of `zone`.
    """
    value, place = zones.unstamped(value) if isinstance(value, str) else (value, "")
    when = _moment(value)
    language = _language(language)
    clock = ""
    if isinstance(when, datetime) and when.tzinfo is not None:
        when = when.astimezone(zones.load(place) or _zone(zone))
        said = zones.to_say(when, zone, language) if place and style in ("time", "datetime") else ""
        clock = f" {said}" if said else ""
    return _written(when, style, language) + clock


def _written(when: date, style: str, language: str) -> str:
    if style == "time":
        return _time(when, language)
    if style == "weekday":
        return _WEEKDAYS[language][when.weekday()]
    month = (_SHORT_MONTHS if style == "short" else _MONTHS)[language][when.month - 1]
    if language == "es":
        day = (
            f"{when.day} {month} {when.year}"
            if style == "short"
            else f"{_WEEKDAYS['es'][when.weekday()]}, {when.day} de {month} de {when.year}"
        )
        return f"{day}, {_time(when, language)}" if style == "datetime" else day
    day = f"{month} {when.day}, {when.year}"
    if style != "short":
        day = f"{_WEEKDAYS['en'][when.weekday()]}, {day}"
    return f"{day} at {_time(when, language)}" if style == "datetime" else day


def _time(when: date, language: str) -> str:
    if not isinstance(when, datetime):
        raise BadFormat("a date without a time")
    half = ("a.\u00a0m.", "p.\u00a0m.") if language == "es" else ("AM", "PM")
    # A no-break space keeps "9:00" and "AM" on one line.
    return f"{when.hour % 12 or 12}:{when.minute:02d}\u00a0{half[when.hour >= 12]}"


def format_money(value: Any) -> str:
    """US dollars with cents: "$1,234.50". Both languages of US clinics write them so."""
    try:
        amount = Decimal(str(value))
        if not amount.is_finite():
            raise BadFormat("not an amount")
        sign = "-" if amount < 0 else ""
        return f"{sign}${abs(amount):,.2f}"
    except ArithmeticError:
        raise BadFormat("not an amount") from None


def format_list(value: Any, language: str) -> str:
    """Words in a row: "a", "a and b", "a, b, and c" (Spanish: "a, b y c", "e" before an i sound)."""
    if isinstance(value, str) or not isinstance(value, (list, tuple)):
        return str(value)
    items = [str(item) for item in value]
    if len(items) < 2:
        return "".join(items)
    word = _AND[_language(language)]
    if word == "y" and re.match(r"h?[ií](?![aeiouáéó])", items[-1], re.IGNORECASE):
        word = "e"
    comma = "," if word == "and" and len(items) > 2 else ""
    return f"{', '.join(items[:-1])}{comma} {word} {items[-1]}"


def format_name(value: str) -> str:
    """A name written all in one case with capitals as people write them ("O'NEIL-SMITH" → "O'Neil-Smith")."""
    return name_case(value)


def writer(format: str, argument: str, language: str) -> Callable[[Any, str], str]:
    """The function `(value, zone) -> text` for one slot, chosen once at compile time."""
    if format == "date":
        style = argument or "long"
        return lambda value, zone: format_date(value, style, language, zone)
    if format == "money":
        return lambda value, zone: format_money(value)
    if format == "list":
        return lambda value, zone: format_list(value, language)
    if format == "name":
        return lambda value, zone: format_name(str(value))
    if format == "language":
        return lambda value, zone: languages.name_in(str(value), _language(language))

    def plain(value: Any, zone: str) -> str:
        if isinstance(value, str):
            start, place = zones.unstamped(value)
            return (
                format_date(value, "datetime", language, zone)
                if zones.is_place(place) and start[:1].isdigit()
                else value
            )
        if isinstance(value, bool):
            return _YES_NO[_language(language)][value]
        if isinstance(value, datetime):
            return format_date(value, "datetime", language, zone)
        if isinstance(value, date):
            return format_date(value, "long", language, zone)
        return format_list(value, language)

    return plain
