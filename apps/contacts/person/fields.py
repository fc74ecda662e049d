"""What can be known of a person: one list for import, segments, merge fields and pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.contacts.attributes.numbers import NumberRange
from apps.contacts.languages import LANGUAGES, is_code, name_of
from apps.core.levels import Level


@dataclass(frozen=True)
class FieldSpec:
    """``path`` leads into the profile; ``search`` is token, words, day, range or none; ``merge`` allows ``{{ name }}``.

    Own dates (day) and numbers (range, within ``numbers``) are found by ``slot`` of the search row.
    """

    name: str
    label: str
    type: str  # text, name, choice, date, email, phone, code; own ones: number, yes_no
    level: Level
    path: tuple[str, ...]
    search: str = "none"
    merge: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    slot: int | None = None
    numbers: NumberRange | None = None

    def said(self, value: str) -> str:
        """A value in words: the label of a choice, the name of a language; other values as they are."""
        if self.name == "language":
            return name_of(value)
        return dict(self.choices).get(value, value)

    def allows(self, value: str) -> bool:
        """Whether a record can hold this value: any of its choices, and of languages every code of ISO 639."""
        if not self.choices or any(value == code for code, _ in self.choices):
            return True
        return self.name == "language" and is_code(value)


TAG_PREFIX = "tag."
"""Tags stand in a catalog of fields as ``tag.ID``, for their levels; they are no fields of a profile."""
SLOTS = 8
"""How many columns the search row has for own dates and numbers."""

SEXES = (("F", "Female"), ("M", "Male"), ("X", "Another"), ("U", "Unknown"))
RELATIONS = (("patient", "Patient or member"), ("b2b", "Business contact"), ("subscriber", "Subscriber"))

_I, _H = Level.IDENTIFIER, Level.HEALTH
_SPECS = (
    FieldSpec("first_name", "First name", "name", _I, ("first_name",), "words"),
    FieldSpec("middle_name", "Middle name", "name", _I, ("middle_name",)),
    FieldSpec("last_name", "Last name", "name", _I, ("last_name",), "words"),
    FieldSpec("prefix", "Title", "text", _I, ("prefix",)),
    FieldSpec("suffix", "Suffix", "text", _I, ("suffix",)),
    FieldSpec("email", "E-mail", "email", _I, ("email",), "token"),
    FieldSpec("phone", "Phone", "phone", _I, ("phone",), "token"),
    FieldSpec("mrn", "Medical record number", "code", _I, ("mrn",), "token"),
    FieldSpec("birth_date", "Birth date", "date", _I, ("birth_date",), "day"),
    FieldSpec("death_date", "Date of death", "date", _H, ("death_date",), "none", merge=False),
    FieldSpec("sex", "Sex", "choice", _I, ("sex",), "token", choices=SEXES),
    FieldSpec("language", "Language", "choice", _I, ("language",), "token", choices=LANGUAGES),
    FieldSpec("relation", "Relationship", "choice", _I, ("relation",), "token", merge=False, choices=RELATIONS),
    FieldSpec("address_line", "Street", "text", _I, ("address", "line")),
    FieldSpec("city", "City", "text", _I, ("address", "city"), "token"),
    FieldSpec("county", "County", "text", _I, ("address", "county"), "token"),
    FieldSpec("state", "State", "text", _I, ("address", "state"), "token"),
    FieldSpec("zip", "ZIP code", "code", _I, ("address", "zip"), "token"),
    FieldSpec("country", "Country", "text", _I, ("address", "country"), "token"),
    FieldSpec("race", "Race", "text", _I, ("race",), "token", merge=False),
    FieldSpec("ethnicity", "Ethnicity", "text", _I, ("ethnicity",), "token", merge=False),
    FieldSpec("marital_status", "Marital status", "text", _I, ("marital_status",), "token", merge=False),
    FieldSpec("organization", "Organization", "text", _I, ("organization",), "token"),
    FieldSpec("job_title", "Job title", "text", _I, ("job_title",), "token"),
)
FIELDS: dict[str, FieldSpec] = {spec.name: spec for spec in _SPECS}


def value_of(profile: Mapping[str, Any], name: str) -> Any:
    """The value of field ``name`` in a profile, or None. Raises ``KeyError`` for a field that does not exist."""
    found: Any = profile
    for key in FIELDS[name].path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def put(profile: dict[str, Any], name: str, value: Any) -> None:
    """Set field ``name``; None or "" removes it."""
    *parents, last = FIELDS[name].path
    here = profile
    for key in parents:
        here = here.setdefault(key, {})
    if value in (None, ""):
        here.pop(last, None)
    else:
        here[last] = value


__all__ = ["FIELDS", "LANGUAGES", "RELATIONS", "SEXES", "SLOTS", "FieldSpec", "put", "value_of"]
