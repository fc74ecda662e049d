"""How a value in a profile compares: the same normal forms from which the search tokens are made.

`contacts.search_values` writes a token for each of these values; here they are compared in the open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.contacts.person.search_values import compared, day_in, phone_digits
from apps.core import folding
from apps.core.levels import Level
from apps.segments.conditions.base.nodes import CLINICAL_LEVEL, Reference, RefersTo

ATTRIBUTE = "attribute."
#: Starts of words are searchable from two to four letters (docs/architecture.md, A person is sealed).
PREFIX_LENGTHS = (2, 3, 4)
_ATTRIBUTE_NAME = re.compile(r"attribute\.[a-z][a-z0-9_]{0,39}")

#: What a person is to us when the record does not say: the careful answer (contacts.PersonRecord.relation).
DEFAULTS = {"relation": "patient"}


def spec_of(name: str, fields: Mapping[str, FieldSpec] | None = None) -> FieldSpec | None:
    """The attribute called ``name``: of the list, or one the organization added (``attribute.NAME``).

    What an import brought without anybody defining it is text, and careful.
    """
    found = (FIELDS if fields is None else fields).get(name)
    if found is not None or not _ATTRIBUTE_NAME.fullmatch(name):
        return found
    own = name.removeprefix(ATTRIBUTE)
    label = own.replace("_", " ").capitalize()
    return FieldSpec(name, label, "text", Level.HEALTH, ("attributes", own), "token")


def searchable(spec: FieldSpec) -> bool:
    """Whether anything can be asked of the attribute without opening people."""
    return spec.search != "none"


def stored(profile: Mapping[str, Any], name: str) -> list[str]:
    """The values of an attribute as the profile has them; none when it is not known."""
    spec = spec_of(name)
    found: Any = profile
    for key in spec.path if spec is not None else ():
        found = found.get(key) if isinstance(found, Mapping) else None
    if found in (None, "", []):
        found = DEFAULTS.get(name)
    if found is None or isinstance(found, Mapping):
        return []
    return [str(item) for item in (found if isinstance(found, list) else [found])]


def comparable(name: str, value: str, fields: Mapping[str, FieldSpec] | None = None) -> str:
    """The form in which two values of the attribute are equal; of an own number the step it falls into."""
    spec = spec_of(name, fields)
    if spec is not None and spec.slot is not None:
        if spec.type == "date":
            day = day_in(value)
            return "" if day is None else day.isoformat()
        step = spec.numbers.at(value) if spec.numbers is not None else None
        return "" if step is None else str(step)
    if spec is not None and spec.type == "email":
        local, _, domain = value.strip().rpartition("@")
        return f"{local.casefold()}@{domain.casefold()}"
    if spec is not None and spec.type == "phone":
        return folding.fold(phone_digits(value))
    return compared(spec, value)


def values_of(profile: Mapping[str, Any], name: str, fields: Mapping[str, FieldSpec] | None = None) -> set[str]:
    """Everything an attribute is equal to; of a name the whole and each of its words."""
    found: set[str] = set()
    spec = spec_of(name, fields)
    for value in stored(profile, name):
        whole = comparable(name, value, fields)
        found.add(whole)
        if spec is not None and spec.search == "words":
            found.update(folding.words(value))
    return found


def starts_of(profile: Mapping[str, Any], name: str) -> set[str]:
    """The starts of two to four letters of the words of a name."""
    words = {word for value in stored(profile, name) for word in folding.words(value)}
    return {word[:length] for word in words for length in PREFIX_LENGTHS if len(word) >= length}


def day_of(value: object) -> date | None:
    """The calendar day of an ISO date or time as it is written, or None."""
    return day_in(value)


def ranged(spec: FieldSpec) -> bool:
    """Whether ranges can be asked: a searchable date, or an own number with its bounds."""
    return (spec.type, spec.search) in (("date", "day"), ("number", "range"))


def slotted(name: str, fields: Mapping[str, FieldSpec]) -> FieldSpec | None:
    """The own date or number that is found by its slot, or None."""
    spec = spec_of(name, fields)
    return spec if spec is not None and spec.slot is not None else None


def stored_day(profile: Mapping[str, Any], name: str) -> date | None:
    """The day a date attribute has, or None."""
    return day_of(next(iter(stored(profile, name)), None))


def label_of(name: str, spec: FieldSpec | None) -> str:
    """The attribute as sentences and pickers call it."""
    return spec.label if spec is not None else name.replace("_", " ").capitalize()


def spec_level(name: str, fields: Mapping[str, FieldSpec]) -> Level:
    """The level of an attribute; one that has since been removed keeps the rule careful, never public."""
    spec = spec_of(name, fields)
    return Level(spec.level) if spec is not None else CLINICAL_LEVEL


def own_references(name: str) -> tuple[Reference, ...]:
    """The attribute as a reference when the organization added it; the product's own are always there."""
    return (Reference(RefersTo.ATTRIBUTE, name),) if name.startswith(ATTRIBUTE) else ()
