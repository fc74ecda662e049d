"""What a column of a list can be mapped to: the fields of a person, their consents, own attributes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from apps.contacts.person.fields import FIELDS
from apps.contacts.person.reach import OTHERS

CONSENT_PURPOSES = ("treatment", "operations", "payment", "marketing", "fundraising", "b2b")
CONSENT_PARTS = ("", "date", "until", "method", "wording", "by")
CONSENT_TARGET = re.compile(r"consent\.([a-z0-9_]+)(?:\.(date|until|method|wording|by))?")
_ATTRIBUTE = re.compile(r"attributes\.[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Target:
    """What a column can be mapped to. `path` is its place in the profile; `kind` says how it is read."""

    name: str
    label: str
    kind: str
    path: tuple[str, ...]
    group: str = "Person"
    longest: int = 200


_GROUPS = {
    "Name": "first_name middle_name last_name prefix suffix",
    "Person": "birth_date death_date sex language relation race ethnicity marital_status",
    "Identifiers": "mrn",
    "Reach": "email phone",
    "Address": "address_line city county state zip country",
    "Work": "organization job_title",
}
_READERS = {
    "sex": "sex",
    "language": "language",
    "relation": "relation",
    "mrn": "key",
    "zip": "zip",
    "birth_date": "birth",
}
_ATTRIBUTE_READERS = {"date": "date", "number": "number", "yes_no": "boolean"}


def _targets() -> dict[str, Target]:
    found: dict[str, Target] = {}
    for group, names in _GROUPS.items():
        for name in names.split():
            spec = FIELDS[name]
            kind = _READERS.get(name) or (spec.type if spec.type in ("date", "email", "phone") else "text")
            found[name] = Target(name, spec.label, kind, spec.path, group)
    found["full_name"] = Target("full_name", "Full name", "text", ("full_name",), "Name")
    found["full_name_two_families"] = Target(
        "full_name_two_families", "Full name (two family names, as in Spanish)", "text", ("full_name",), "Name"
    )
    for number in ("", "_2", "_3"):
        for kind, label in (("email", "Other e-mails"), ("phone", "Other phones")):
            name = f"{OTHERS[kind]}{number}"
            found[name] = Target(name, f"{label}{number.replace('_', ' ')}", kind, (OTHERS[kind], name), "Reach", 1000)
    found["external_id"] = Target("external_id", "Id in another system", "key", ("external_id",), "Identifiers")
    found["tags"] = Target("tags", "Tags", "tags", ("tags",), "Person", 1000)
    found["guardian"] = Target("guardian", "Guardian (their match value)", "key", ("guardian",), "Identifiers")
    words = {
        "": "",
        "date": ": date",
        "until": ": until",
        "method": ": how",
        "wording": ": wording version",
        "by": ": who recorded it",
    }
    for purpose in CONSENT_PURPOSES:
        for part in CONSENT_PARTS:
            name = f"consent.{purpose}" + (f".{part}" if part else "")
            kind = {"": "consent", "date": "date", "until": "date"}.get(part, "text")
            label = f"Consent to {purpose.upper() if purpose == 'b2b' else purpose}{words[part]}"
            found[name] = Target(name, label, kind, ("consent", purpose, part), "Consent")
    return found


TARGETS = _targets()
"""Everything a column can be mapped to by name; beside these, `attributes.NAME` (see `target_of`)."""

FULL_NAMES = frozenset({"full_name", "full_name_two_families"})
MATCHABLE = ("mrn", "external_id", "email", "phone")


def target_of(name: str, attributes: Mapping[str, str] | None = None) -> Target | None:
    """The target called `name`; `attributes` are the organization's own ones, name to type."""
    if name in TARGETS:
        return TARGETS[name]
    if _ATTRIBUTE.fullmatch(name):
        own = name.removeprefix("attributes.")
        kind = _ATTRIBUTE_READERS.get((attributes or {}).get(own, ""), "text")
        return Target(name, own.replace("_", " ").capitalize(), kind, ("attributes", own), "Attributes", 1000)
    return None
