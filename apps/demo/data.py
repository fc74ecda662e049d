"""Loads the invented clinic through the same services as an import."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from apps.contacts.models import Person
from apps.contacts.person import search_values
from apps.contacts.services import suppress_many
from apps.core import actors
from apps.demo import keys, letters, people, register
from apps.imports.readers.rows import PersonRow
from apps.imports.services.guardians import guardians_link
from apps.imports.services.people import people_rows
from apps.imports.services.writes import PersonCache, appointment_rows, event_rows
from apps.organizations import selectors as organizations
from apps.organizations.services import organization_change

CHUNK = 2_000
ACTOR = actors.system("demo")
CLINIC: dict[str, Any] = {
    "name": "Riverbend Clinic",
    "phone": "(207) 555-0100",
    "web": "https://riverbend.test",
    "postal_address": "12 Harbor Street, Riverbend, ME 04901",
}
SCOPES = {"hard_bounce": "all", "complaint": "all", "unsubscribed": "commercial"}
T = TypeVar("T")


def load(*, now: datetime, size: int = 2_000) -> dict[str, int]:
    """Load the clinic if there is nobody yet; returns how many rows of what. A second call does nothing."""
    if not organizations.current().name:
        organization_change(actor=ACTOR, zone=people.ZONE, **CLINIC)
    register.load(now=now)
    if Person.objects.exists():
        return {"people": 0, "events": 0, "appointments": 0, "keys": 0, "letters": 0}
    made = people.clinic(now, size=size)
    cache = PersonCache()
    with transaction.atomic():
        for rows in _chunks(made.people):
            people_rows(actor=ACTOR, rows=rows, match_on="external_id", source=people.SOURCE, write=True)
        guardians_link(actor=ACTOR, pairs=list(made.guardians.items()), match_on="external_id", source=people.SOURCE)
        for events in _chunks(made.events):
            event_rows(actor=ACTOR, rows=events, source=people.SOURCE, cache=cache, write=True)
        for visits in _chunks(made.appointments):
            appointment_rows(actor=ACTOR, rows=visits, sources=[people.SOURCE], cache=cache, write=True)
        _suppress(made)
    return {
        "people": len(made.people),
        "events": len(made.events),
        "appointments": len(made.appointments),
        "keys": keys.give(now=now),
        "letters": letters.load(now=now),
    }


def _chunks(rows: Sequence[T]) -> list[list[T]]:
    return [list(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]


def _suppress(made: people.Clinic) -> None:
    by_key: dict[str, PersonRow] = {row.key: row for row in made.people}
    mailboxes: dict[str, set[bytes]] = defaultdict(set)
    for key, (reason, _) in made.suppressed.items():
        mailboxes[reason].add(search_values.mailbox(by_key[key].profile["email"]))
    for reason, found in sorted(mailboxes.items()):
        suppress_many(actor=ACTOR, mailboxes=found, scope=SCOPES[reason], reason=reason, source="demo")
