"""What a role sees of a person without asking: identifiers stay masked, names need a role that works with people."""

from __future__ import annotations

from dataclasses import dataclass

from apps.contacts.person.records import PersonRecord
from apps.core.permissions import Permission, allows

IDENTIFIERS = ("email", "phone", "mrn", "birth_date", "address_line")
"""Fields that are shown only by a reveal with a reason."""
CLINICAL = ("condition", "encounter", "immunization", "medication", "procedure", "observation")


@dataclass(frozen=True)
class Eyes:
    """What somebody with ``role`` may see."""

    role: str

    @property
    def names(self) -> bool:
        """Roles that work with people (edit or reveal) see names; others see initials."""
        return allows(self.role, Permission.CONTACT_EDIT) or self.reveal

    @property
    def reveal(self) -> bool:
        return allows(self.role, Permission.CONTACT_REVEAL)

    def name(self, record: PersonRecord) -> str:
        """The name, or its initials with dots."""
        if not record.name:
            return f"Person {record.id}"
        if self.names:
            return record.name
        return " ".join(f"{word[0]}•••" for word in record.name.split())


def masked_value(name: str, value: str) -> str:
    """An identifier with so little left that a person can tell two apart, and nobody can tell who it is."""
    if name == "email":
        local, _, domain = value.partition("@")
        return f"{local[:1]}•••@•••.{domain.rpartition('.')[2]}"
    if name == "phone":
        digits = "".join(character for character in value if character.isdigit())
        return f"••• ••{digits[-2:]}"
    return "••••••"


def age_words(record: PersonRecord, age: int | None) -> str:
    """ "64 years", or nothing; ages over 89 are told as "90 or older" (45 CFR 164.514(b)(2)(i)(C))."""
    if age is None or record.deceased:
        return ""
    return "90 years or older" if age > 89 else f"{age} years"
