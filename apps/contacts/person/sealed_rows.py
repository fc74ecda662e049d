"""New people as rows of their tables, sealed and keyed, in the binary form of COPY. Pure but for the vault's keys.

An import does this in several processes; what the form and the commands create goes the same way.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from apps.contacts.consent.given import ConsentCell
from apps.contacts.person import search_values
from apps.contacts.person.fields import SLOTS, FieldSpec
from apps.core import copy_format
from apps.vault import sealing, tokens

SLOT_COLUMNS = tuple(f"s{number}" for number in range(SLOTS))
"""The columns of the search row for own dates and numbers."""
SLOT_NAMES = ", ".join(SLOT_COLUMNS)

TABLES = {
    "people": "contacts_person (id, kek_id, wrapped_profile, wrapped_record, sealed, version, created_at)",
    "searches": f"contacts_personsearch (person_id, tokens, birth_day, birth_month_day, generation, {SLOT_NAMES})",
    "identities": "contacts_personidentity (kind, token, person_id)",
    "consents": "contacts_consent (id, person_id, sealed, recorded_at)",
    "states": "contacts_consentstate (person_id, purpose, state, expires, since)",
    "events": "contacts_timelineevent (id, person_id, sealed, code, groups, day, source, recorded_at)",
    "summaries": 'contacts_timelinesummary ("group", person_id, count)',
}
"""What is packed for each person, and where it goes, people first."""

_PERSON_TABLE, _CONSENT_TABLE, _EVENT_TABLE = b"contacts_person", b"contacts_consent", b"contacts_timelineevent"
_PERSON = struct.Struct(">hiqihi60si60s")
_PERSON_END = struct.Struct(">ii")
_SEARCH = struct.Struct(">hiq")
_GENERATION = struct.pack(">ih", 2, search_values.GENERATION)
_NO_SLOTS = copy_format.NULL * SLOTS
_IDENTITY = struct.Struct(">hihi16siq")
_INT8 = struct.Struct(">q")
_SEALED = struct.Struct(">hiqiq")
_SOURCE = struct.Struct(">i16s")
_SUMMARY = struct.Struct(">hiqiqii")


@dataclass(slots=True)
class Packed:
    """One piece for each person and table of ``TABLES``: the person's rows there, perhaps none.

    ``identities`` alone has one piece for each row, sorted as their index is: so neighbours meet on one page.
    """

    people: list[bytes] = field(default_factory=list, repr=False)
    searches: list[bytes] = field(default_factory=list, repr=False)
    identities: list[bytes] = field(default_factory=list, repr=False)
    consents: list[bytes] = field(default_factory=list, repr=False)
    states: list[bytes] = field(default_factory=list, repr=False)
    events: list[bytes] = field(default_factory=list, repr=False)
    summaries: list[bytes] = field(default_factory=list, repr=False)

    def only(self, people: Sequence[int], numbers: Sequence[int]) -> Packed:
        """The rows of some: of the persons with these ids, who have these numbers among all."""
        if len(numbers) == len(self.people):
            return self
        found = Packed()
        for name in TABLES:
            pieces = getattr(self, name)
            if name == "identities":
                wanted = {_INT8.pack(person) for person in people}
                found.identities = [row for row in pieces if row[-_INT8.size :] in wanted]
            else:
                setattr(found, name, [pieces[number] for number in numbers])
        return found


@dataclass(slots=True)
class Fresh:
    """Ids drawn for new people and their consents (with an event each), and when they are recorded."""

    people: list[int]
    consents: list[int]
    events: list[int]
    now: datetime


def pack(
    fresh: Fresh,
    profiles: Sequence[Mapping[str, Any]],
    *,
    consents: Sequence[Sequence[ConsentCell]],
    states: Sequence[Mapping[str, str]],
    own: Mapping[str, FieldSpec],
    unique: Sequence[Sequence[tuple[int, bytes]]] | None = None,
) -> tuple[Packed, list[sealing.PersonKeys]]:
    """The rows of new people, and their keys.

    ``fresh`` has an id for each of ``profiles`` and for each of all ``consents``. ``states`` (purpose to state) are
    the search values of consents: those of ``consents``, and any that the caller records in the same transaction.
    ``own`` describes the organization's attributes: the caller sees to it that they are the ones that hold when the
    rows are written. ``unique`` saves making ``search_values.unique_identities`` again.
    """
    packed, all_keys = Packed(), []
    at = copy_format.int8(copy_format.time(fresh.now))
    person_end = _PERSON_END.pack(4, 1) + at
    batch = sealing.Batch(len(profiles), 1 + (2 if fresh.consents else 0))
    ids = zip(fresh.consents, fresh.events, strict=True)
    said: dict[int, _Said] = {}
    for number, (person, profile) in enumerate(zip(fresh.people, profiles, strict=False)):
        keys, by_profile, by_record = batch.person(person)
        all_keys.append(keys)
        sealed = batch.seal(by_profile, sealing.encode(profile), _PERSON_TABLE, person)
        head = _PERSON.pack(7, 8, person, 2, batch.kek_id, 60, keys.wrapped_profile, 60, keys.wrapped_record)
        packed.people.append(head + copy_format.raw(sealed) + person_end)
        found = search_values.of(profile, states[number], own, unique=unique[number] if unique is not None else None)
        packed.searches.append(
            b"".join(
                (
                    _SEARCH.pack(5 + SLOTS, 8, person),
                    copy_format.int8s(found.tokens),
                    copy_format.int8(found.birth_day),
                    copy_format.int8(found.birth_month_day),
                    _GENERATION,
                    b"".join(map(copy_format.int8, slots(found))) if found.slots else _NO_SLOTS,
                )
            )
        )
        for kind, token in found.identities:
            packed.identities.append(_IDENTITY.pack(3, 2, kind, 16, token, 8, person))
        rows: list[bytes] = []
        events: list[bytes] = []
        held: dict[str, bytes] = {}
        counts: dict[int, int] = {}
        for cell, (consent_id, event_id) in zip(consents[number], ids, strict=False):
            # Rows of a list that say the same share the object.
            told = said.get(id(cell)) or said.setdefault(id(cell), _said(cell))
            if cell.expires is None or cell.expires > fresh.now:
                held[cell.purpose] = told.state
            for group in told.groups:
                counts[group] = counts.get(group, 0) + 1
            sealed = batch.seal(by_record, told.facts, _CONSENT_TABLE, consent_id)
            rows.append(b"".join((_SEALED.pack(4, 8, consent_id, 8, person), copy_format.raw(sealed), at)))
            sealed = batch.seal(by_profile, told.event, _EVENT_TABLE, event_id)
            source = tokens.token128("event.source", consent_source(consent_id))
            events.append(event_row(event_id, person, sealed, told.keyed, source, at))
        if len(rows) != len(consents[number]):
            raise ValueError("There are more consents than ids for them.")
        packed.consents.append(b"".join(rows))
        packed.events.append(b"".join(events))
        packed.states.append(b"".join([_SEARCH.pack(5, 8, person) + state + at for state in held.values()]))
        packed.summaries.append(
            b"".join([_SUMMARY.pack(3, 8, group, 8, person, 4, count) for group, count in counts.items()])
        )
    packed.identities.sort()
    return packed, all_keys


def slots(found: search_values.SearchValues) -> list[int | None]:
    """The values of ``SLOT_COLUMNS``."""
    return [found.slots.get(number) for number in range(SLOTS)]


def event_row(event_id: int, person: int, sealed: bytes, keyed: bytes, source: bytes, at: bytes) -> bytes:
    """A row of the timeline, its columns as in ``TABLES``; ``keyed`` from ``event_keys``, ``at`` a packed time."""
    head = _SEALED.pack(8, 8, event_id, 8, person)
    return b"".join((head, copy_format.raw(sealed), keyed, _SOURCE.pack(16, source), at))


@lru_cache(maxsize=50_000)
def event_keys(kind: str, code: str, groups: tuple[str, ...], on: date) -> bytes:
    """Keyed code, groups and day of a timeline event, packed."""
    group_tokens = search_values.event_groups(kind, groups)
    return (
        copy_format.int8(event_code(kind, code))
        + copy_format.int8s(group_tokens)
        + copy_format.int8(search_values.event_day(on))
    )


def consent_source(consent_id: int) -> str:
    """The source of the timeline event of a consent."""
    return f"consent:{consent_id}"


def consent_facts(cell: ConsentCell) -> dict[str, Any]:
    """What is sealed as a consent."""
    facts = {
        "purpose": cell.purpose,
        "state": cell.state,
        "date": cell.on.isoformat(),
        "method": cell.method,
        "wording": cell.wording,
        "given_by": cell.by,
        "note": "",
    }
    if cell.expires is not None:
        facts["expires"] = cell.expires.isoformat()
    return facts


def consent_event(cell: ConsentCell) -> tuple[str, date, dict[str, Any]]:
    """Kind, day and facts of the timeline event of a consent."""
    kind = "consent.granted" if cell.state == "granted" else "consent.withdrawn"
    return kind, cell.on, {"purpose": cell.purpose, "method": cell.method}


def event_facts(kind: str, on: date, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What is sealed of a timeline event."""
    return {"kind": kind, "on": on.isoformat(), **facts}


def event_code(kind: str, code: str) -> int:
    """The keyed kind and code of a timeline event."""
    return tokens.token63("event.code", f"{kind}|{code}")


@dataclass(frozen=True, slots=True, repr=False)
class _Said:
    """A consent that many people of a list gave in the same words: all of it but whose it is."""

    facts: bytes
    event: bytes
    state: bytes
    keyed: bytes
    groups: tuple[int, ...]


@lru_cache(maxsize=4_000)
def _said(cell: ConsentCell) -> _Said:
    kind, on, facts = consent_event(cell)
    groups = search_values.event_groups(kind)
    keyed = event_keys(kind, "", (), on)
    event = sealing.encode(event_facts(kind, on, facts))
    expires = copy_format.int8(copy_format.time(cell.expires) if cell.expires is not None else None)
    state = copy_format.raw(cell.purpose.encode()) + copy_format.raw(cell.state.encode()) + expires
    return _Said(sealing.encode(consent_facts(cell)), event, state, keyed, tuple(groups))
