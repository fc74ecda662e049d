"""One recipient at the moment of sending: what the routes are asked about and seal for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from apps.contacts.person.records import PersonRecord
from apps.core.levels import Level
from apps.mail.envelopes import CheckedKey


@dataclass(frozen=True, repr=False)
class Recipient:
    """`message_id` is the outbox row, so that a route that stores something does it once however often it is
    asked. `record` is the opened person, None for staff and test addresses. `keys` by kind ("pgp", "smime").
    """

    message_id: int
    address: str
    level: Level
    now: datetime
    name: str = ""
    language: str = "en"
    record: PersonRecord | None = None
    keys: Mapping[str, CheckedKey] = field(default_factory=dict)
    neutral_subject: str = "Encrypted message"

    def __repr__(self) -> str:
        return f"Recipient({self.message_id})"
