"""An opened person. Held in memory for one act, printed as an id only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from apps.contacts.person import fields


@dataclass
class PersonRecord:
    """``events``, ``appointments``, ``results``, ``imports``, ``tags`` are None until asked for (``load_events``)."""

    id: int
    profile: dict[str, Any] = field(repr=False)
    profile_key: bytes = field(repr=False)
    record_key: bytes = field(repr=False)
    consents: dict[str, str] = field(default_factory=dict, repr=False)  # purpose -> granted | denied
    suppressions: frozenset[str] = field(default=frozenset(), repr=False)  # scopes of its mailbox
    stops_altered: bool = False  # somebody edited or deleted what stops its mailbox: nothing may go there
    unproven: str = ""  # why nobody knows whose its mailbox is (`ReturnedMailbox.Reason`); "" when nobody doubts it
    events: list[dict[str, Any]] | None = field(default=None, repr=False)
    appointments: list[dict[str, Any]] | None = field(default=None, repr=False)
    results: dict[str, dict[str, Any]] | None = field(default=None, repr=False)  # lab -> event of its last result
    imports: dict[int, set[str]] | None = field(default=None, repr=False)  # id of an import -> made, changed
    tags: frozenset[int] | None = field(default=None, repr=False)  # ids
    version: int = 1
    created_at: datetime | None = None

    def get(self, name: str) -> Any:
        """The value of a field of ``contacts.fields`` or ``attributes.NAME``, or None."""
        if name.startswith("attributes."):
            return (self.profile.get("attributes") or {}).get(name.removeprefix("attributes."))
        return fields.value_of(self.profile, name)

    @property
    def relation(self) -> str:
        return str(self.profile.get("relation") or "patient")

    @property
    def email(self) -> str:
        return str(self.profile.get("email") or "")

    @property
    def language(self) -> str:
        return str(self.profile.get("language") or "en")

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.profile.get("first_name"), self.profile.get("last_name")) if part)

    @property
    def birth_date(self) -> date | None:
        born = self.profile.get("birth_date")
        return date.fromisoformat(born) if born else None

    @property
    def deceased(self) -> bool:
        return bool(self.profile.get("death_date"))

    def age(self, today: date) -> int | None:
        """Whole years; someone born on Feb 29 is a year older on Mar 1."""
        born = self.birth_date
        if born is None or born > today:
            return None
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day))

    def is_minor(self, today: date) -> bool:
        age = self.age(today)
        return age is not None and age < 18
