"""What can be exported of a person, and in which words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.contacts.person.records import PersonRecord
from apps.core.purposes import Purpose

CONSENT = "consent."
_OTHERS = {"other_emails": "Other e-mails", "other_phones": "Other phones"}
"""Several in one cell, as the import reads them."""
TAGS = "tags"
USUAL = ("first_name", "last_name", "email", "phone", "mrn")


def columns(fields: Mapping[str, FieldSpec]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Groups of (name, label) of everything that can be a column."""
    person = [(spec.name, spec.label) for spec in FIELDS.values()] + [*_OTHERS.items(), (TAGS, "Tags")]
    own = [(name, spec.label) for name, spec in fields.items() if name.startswith("attribute.") and spec.merge]
    consents = [(f"{CONSENT}{each.value}", f"Consent: {each.word}") for each in Purpose if each is not Purpose.ACCOUNT]
    groups = [("Person", person), ("Own attributes", own), ("Consent", consents)]
    return [(title, found) for title, found in groups if found]


def cell(
    record: PersonRecord, name: str, fields: Mapping[str, FieldSpec], tags: Mapping[int, str] | None = None
) -> str:
    """The value of column ``name`` as text: choices in words, days as ISO 8601. ``tags``: names of tags by id."""
    if name == TAGS:
        known = tags or {}
        return "; ".join(sorted(known[tag] for tag in record.tags or () if tag in known))
    if name.startswith(CONSENT):
        return record.consents.get(name.removeprefix(CONSENT), "")
    if name in _OTHERS:
        return "; ".join(record.profile.get(name) or ())
    spec = fields.get(name)
    if spec is None:
        return ""
    value = record.relation if name == "relation" else _at(record.profile, spec.path)
    if value is None:
        return ""
    if isinstance(value, list):
        return "; ".join(map(str, value))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return spec.said(text)


def _at(profile: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = profile
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
