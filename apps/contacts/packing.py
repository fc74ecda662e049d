"""New people as rows of their tables, sealed and keyed, in the binary form of COPY. Pure but for the vault's keys.

An import does this in several processes; what the form and the commands create goes the same way.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from apps.contacts import search_values
from apps.contacts.importing.rows import ConsentCell
from apps.core import wire
from apps.vault import sealing, tokens

TABLES = {
    "people": "contacts_person (id, kek_id, wrapped_profile, wrapped_record, sealed, version, created_at)",
    "searches": "contacts_personsearch (person_id, tokens, birth_day, birth_month_day, generation)",
    "identities": "contacts_personidentity (kind, token, person_id)",
    "consents": "contacts_consent (id, person_id, sealed, recorded_at)",
    "states": "contacts_consentstate (person_id, purpose, state, since)",
    "events": "contacts_timelineevent (id, person_id, sealed, code, groups, day, source, recorded_at)",
    "summaries": 'contacts_timelinesummary ("group", person_id, count)',
}
"""What is packed for each person, and where it goes, people first."""

_PERSON_TABLE, _CONSENT_TABLE, _EVENT_TABLE = b"contacts_person", b"contacts_consent", b"contacts_timelineevent"
_PERSON = struct.Struct(">hiqihi60si60s")
_PERSON_END = struct.Struct(">iiiq")
_SEARCH = struct.Struct(">hiq")
_SEARCH_END = struct.Struct(">ih")
_IDENTITY = struct.Struct(">hihi16siq")
_SEALED = struct.Struct(">hiqiq")
_EVENT_END = struct.Struct(">i16siq")
_SUMMARY = struct.Struct(">hiqiqii")
_TIME = struct.Struct(">iq")


@dataclass(slots=True)
class Packed:
    """One piece for each person and table of ``TABLES``: the person's rows there, perhaps none."""

    people: list[bytes] = field(default_factory=list, repr=False)
    searches: list[bytes] = field(default_factory=list, repr=False)
    identities: list[bytes] = field(default_factory=list, repr=False)
    consents: list[bytes] = field(default_factory=list, repr=False)
    states: list[bytes] = field(default_factory=list, repr=False)
    events: list[bytes] = field(default_factory=list, repr=False)
    summaries: list[bytes] = field(default_factory=list, repr=False)

    def only(self, numbers: Sequence[int]) -> Packed:
        """The pieces of some of the people, in this order."""
        if len(numbers) == len(self.people):
            return self
        return Packed(*([getattr(self, name)[number] for number in numbers] for name in TABLES))


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
    unique: Sequence[Sequence[tuple[int, bytes]]] | None = None,
) -> tuple[Packed, list[sealing.PersonKeys]]:
    """The rows of new people, and their keys.

    ``fresh`` has an id for each of ``profiles`` and for each of all ``consents``. ``states`` (purpose to state) are
    the search values of consents: those of ``consents``, and any that the caller records in the same transaction.
    ``unique`` saves making ``search_values.unique_identities`` again.
    """
    packed, all_keys = Packed(), []
    at = _TIME.pack(8, wire.time(fresh.now))
    batch = sealing.Batch(len(profiles), 1 + (2 if fresh.consents else 0))
    consent_ids, event_ids = iter(fresh.consents), iter(fresh.events)
    for number, (person, profile) in enumerate(zip(fresh.people, profiles, strict=False)):
        keys, by_profile, by_record = batch.person(person)
        all_keys.append(keys)
        sealed = batch.seal(by_profile, sealing.encode(profile), _PERSON_TABLE, person)
        head = _PERSON.pack(7, 8, person, 2, batch.kek_id, 60, keys.wrapped_profile, 60, keys.wrapped_record)
        packed.people.append(b"".join((head, wire.raw(sealed), _PERSON_END.pack(4, 1, 8, wire.time(fresh.now)))))
        found = search_values.of(profile, states[number], unique[number] if unique is not None else None)
        packed.searches.append(_search(person, found))
        packed.identities.append(
            b"".join([_IDENTITY.pack(3, 2, kind, 16, token, 8, person) for kind, token in found.identities])
        )
        cells = consents[number]
        if cells:
            _pack_consents(packed, person, cells, batch, (by_profile, by_record), (consent_ids, event_ids), at)
        else:
            for pieces in (packed.consents, packed.states, packed.events, packed.summaries):
                pieces.append(b"")
    return packed, all_keys


def _search(person: int, found: search_values.SearchValues) -> bytes:
    return b"".join(
        (
            _SEARCH.pack(5, 8, person),
            wire.int8s(found.tokens),
            wire.int8(found.birth_day),
            wire.int8(found.birth_month_day),
            _SEARCH_END.pack(2, 1),
        )
    )


def _pack_consents(
    packed: Packed,
    person: int,
    cells: Sequence[ConsentCell],
    batch: sealing.Batch,
    sealers: tuple[sealing.Sealer, sealing.Sealer],
    ids: tuple[Iterator[int], Iterator[int]],
    at: bytes,
) -> None:
    """The consents of one person: history, what holds (the last one of a purpose), timeline and its summary."""
    by_profile, by_record = sealers
    rows, events = [], []
    states: dict[str, str] = {}
    counts: dict[int, int] = {}
    for cell in cells:
        said = _said(cell)
        consent_id, event_id = next(ids[0]), next(ids[1])
        sealed = batch.seal(by_record, said.facts, _CONSENT_TABLE, consent_id)
        rows.append(_SEALED.pack(4, 8, consent_id, 8, person) + wire.raw(sealed) + at)
        sealed = batch.seal(by_profile, said.event, _EVENT_TABLE, event_id)
        source = tokens.token128("event.source", consent_source(consent_id))
        end = _EVENT_END.pack(16, source, *_TIME.unpack(at))
        events.append(b"".join((_SEALED.pack(8, 8, event_id, 8, person), wire.raw(sealed), said.keyed, end)))
        states[cell.purpose] = cell.state
        for group in said.groups:
            counts[group] = counts.get(group, 0) + 1
    packed.consents.append(b"".join(rows))
    packed.events.append(b"".join(events))
    packed.states.append(b"".join([_state(person, *item) + at for item in sorted(states.items())]))
    packed.summaries.append(
        b"".join([_SUMMARY.pack(3, 8, group, 8, person, 4, count) for group, count in sorted(counts.items())])
    )


def _state(person: int, purpose: str, state: str) -> bytes:
    return _SEARCH.pack(4, 8, person) + wire.raw(purpose.encode()) + wire.raw(state.encode())


def consent_source(consent_id: int) -> str:
    """The source of the timeline event of a consent."""
    return f"consent:{consent_id}"


def consent_facts(cell: ConsentCell) -> dict[str, Any]:
    """What is sealed as a consent."""
    return {
        "purpose": cell.purpose,
        "state": cell.state,
        "date": cell.on.isoformat(),
        "method": cell.method,
        "wording": cell.wording,
        "given_by": cell.by,
        "note": "",
    }


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
    keyed: bytes
    groups: tuple[int, ...]


@lru_cache(maxsize=4_000)
def _said(cell: ConsentCell) -> _Said:
    kind, on, facts = consent_event(cell)
    groups = search_values.event_groups(kind)
    keyed = wire.int8(event_code(kind, "")) + wire.int8s(groups) + wire.int8(search_values.event_day(on))
    event = sealing.encode(event_facts(kind, on, facts))
    return _Said(sealing.encode(consent_facts(cell)), event, keyed, tuple(groups))
