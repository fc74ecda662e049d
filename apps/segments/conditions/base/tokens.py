"""The keyed values a rule compares: the same that `contacts.search_values` writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from apps.contacts.person import search_values
from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.segments.conditions.base.attributes import ATTRIBUTE, spec_of
from apps.segments.conditions.base.windows import Window
from apps.vault import tokens as vault

#: Searchable dates: column of the search row and name under which its days are keyed.
DAY_COLUMNS = {"birth_date": ("s.birth_day", "person.birth_date")}
MONTH_DAY_COLUMNS = {"birth_date": ("s.birth_month_day", "person.birth_date")}
#: Identities of 128 bits live in a table of their own, with these kinds.
IDENTITY_TYPES = {"email": search_values.EMAIL, "phone": search_values.PHONE}


def _key(field: str) -> str:
    return field if field.startswith(ATTRIBUTE) else f"person.{field}"


def values(field: str, text: str) -> list[int]:
    """The tokens of everyone whose ``field`` equals ``text``: one for each generation of search values that differs."""
    return [vault.token63(_key(field), form) for form in search_values.forms(spec_of(field), text)]


def starts(field: str, text: str) -> list[int]:
    """The tokens of everyone with a word in ``field`` that starts with ``text`` (two to four letters)."""
    return [vault.token63(f"{_key(field)}^", form) for form in search_values.forms(spec_of(field), text)]


def presence(field: str) -> int:
    """The token of everyone of whom ``field`` is known."""
    return search_values.presence(field)


def identity_kind(field: str) -> int | None:
    """The kind of identity a field is looked up by, or None when it is a token of the search row."""
    spec = spec_of(field)
    return IDENTITY_TYPES.get(spec.type) if spec is not None else None


def identity(field: str, text: str) -> bytes:
    """The identity token of an address or a phone number."""
    if FIELDS[field].type == "email":
        return search_values.mailbox(text)
    return search_values.identity("phone", search_values.phone_digits(text))


def consent(purpose: str, state: str) -> int:
    """The token of everyone whose consent for ``purpose`` is ``state``."""
    return search_values.consent(purpose, state)


def group(name: str) -> int:
    """The token of a group of events."""
    return vault.token63("group", name)


def lab(name: str) -> int:
    """The token of a lab among the last results."""
    return search_values.lab(name)


def lab_steps(name: str, steps: Iterable[int]) -> list[int]:
    """Keyed steps of a lab's last result, in an order that says nothing."""
    return sorted(search_values.lab_step(name, step) for step in steps)


def slot_values(spec: FieldSpec, values: Sequence[str]) -> list[int]:
    """Keyed values of an own date or number that equal one of ``values``."""
    found = (search_values.own_value(spec, text) for text in values)
    return sorted({keyed for keyed in found if keyed is not None})


def slot_days(spec: FieldSpec, window: Window) -> list[int]:
    """Keyed days of an own date."""
    return vault.day_range(spec.name, *window)


def slot_month_days(spec: FieldSpec, days: Iterable[tuple[int, int]]) -> list[int]:
    """Keyed month-days of an own date; they stand among the tokens of the search row."""
    return [vault.month_day_token(spec.name, date(2000, month, day)) for month, day in days]


def slot_steps(spec: FieldSpec, low: float | None, high: float | None) -> list[int]:
    """Keyed steps of an own number, in an order that says nothing."""
    if spec.numbers is None:
        return []
    return sorted(search_values.own_step(spec.name, step) for step in spec.numbers.steps(low, high))


def person_days(field: str, window: Window) -> tuple[str, list[int]]:
    """Column and keyed days of a date attribute."""
    column, key = DAY_COLUMNS[field]
    return column, vault.day_range(key, *window)


def person_month_days(field: str, days: Iterable[tuple[int, int]]) -> tuple[str, list[int]]:
    """Column and keyed month-days of a date attribute; a leap year stands for all of them."""
    column, key = MONTH_DAY_COLUMNS[field]
    return column, [vault.month_day_token(key, date(2000, month, day)) for month, day in days]


def event_days(window: Window) -> list[int]:
    """Keyed days of events."""
    return vault.day_range("event", *window)


def appointment_days(window: Window) -> list[int]:
    """Keyed days of appointments."""
    return vault.day_range("appointment", *window)


def appointments_on(days: Iterable[date]) -> list[int]:
    """Keyed days of appointments, one by one, in an order that says nothing."""
    return sorted(vault.day_token("appointment", day) for day in days)


def appointment_hours(hours: Iterable[datetime]) -> list[int]:
    """Keyed hours of UTC in which appointments begin, in an order that says nothing."""
    return sorted(search_values.appointment_hour(at) for at in hours)


def appointment_minutes(minutes: Iterable[datetime]) -> list[int]:
    """Keyed minutes of UTC in which appointments begin, in an order that says nothing."""
    return sorted(search_values.appointment_minute(at) for at in minutes)


def appointment_state(state: str) -> int:
    """The token of appointments in ``state``."""
    return search_values.appointment_state(state)
