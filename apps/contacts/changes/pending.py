"""Identity facts that somebody who may not see them wants to replace: they wait, and are confirmed or declined.

Every replaced address also leaves a note (``MovedMailbox``), from which the portal tells the old mailbox.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.changes import identity_facts
from apps.contacts.models import MovedMailbox, PendingChange
from apps.contacts.models.pending_change import MOVED_TABLE, PENDING_TABLE
from apps.contacts.person import search_values
from apps.contacts.person.records import PersonRecord
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.vault import sealing

State = PendingChange.State


_corresponding: list[Callable[[Sequence[int]], Collection[int]]] = []


def register_correspondence(finder: Callable[[Sequence[int]], Collection[int]]) -> None:
    """``finder`` tells which of some people have correspondence that a mailbox opens. The portal registers here."""
    if finder not in _corresponding:
        _corresponding.append(finder)


def corresponding(people: Sequence[int]) -> set[int]:
    """Those of ``people`` who have correspondence that a mailbox opens."""
    return {person for finder in _corresponding for person in finder(people)} if people else set()


def values_of(row: PendingChange, profile_key: bytes) -> dict[str, Any]:
    """The new values of a pending change by name. Raises ``SealBroken``."""
    found: dict[str, Any] = sealing.open_sealed(
        profile_key, row.sealed, table=PENDING_TABLE, row=row.pk, version=row.version
    )
    return found


def waiting(person: PersonRecord) -> tuple[PendingChange, list[str]] | None:
    """What waits for confirmation about this opened person: the row and the names of its facts, or None."""
    row = PendingChange.objects.filter(person_id=person.id, state=State.OPEN).select_related("asked_by").first()
    return None if row is None else (row, sorted(values_of(row, person.profile_key)))


def news(people: Mapping[int, PersonRecord], wanted: Mapping[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Of the facts that would wait (person to name to value), those that nobody asked for before.

    What waits already, or was declined, is no news: the same list a second time changes nothing. Two queries at most.
    """
    rest = {person: dict(facts) for person, facts in wanted.items() if facts}
    if not rest:
        return {}
    rows = PendingChange.objects.filter(person_id__in=rest, state__in=[State.OPEN, State.DECLINED]).order_by("pk")
    for row in rows:
        known = values_of(row, people[row.person_id].profile_key)
        facts = rest[row.person_id]
        for name in [name for name, value in facts.items() if name in known and known[name] == value]:
            del facts[name]
    return {person: facts for person, facts in rest.items() if facts}


def pending_changes_add(
    *,
    actor: Actor,
    people: Mapping[int, PersonRecord],
    facts: Mapping[int, dict[str, Any]],
    job: int | None = None,
) -> int:
    """Let new values wait for confirmation; they join what waits for that person already. Returns how many people.

    Caller's transaction, with the people locked; one audit entry with the names of the fields.
    """
    if not facts:
        return 0
    asked_by = int(actor.id) if actor.kind == "staff" and actor.id.isdigit() else None
    opened = {
        row.person_id: row
        for row in PendingChange.objects.select_for_update().filter(person__in=facts, state=State.OPEN)
    }
    fresh = sorted(set(facts) - set(opened))
    rows = []
    now = clock.now()
    for row_id, person in zip(next_ids(PENDING_TABLE, len(fresh)) if fresh else [], fresh, strict=True):
        sealed = sealing.seal(people[person].profile_key, facts[person], table=PENDING_TABLE, row=row_id)
        rows.append(
            PendingChange(id=row_id, person_id=person, sealed=sealed, job=job, asked_by_id=asked_by, asked_at=now)
        )
    PendingChange.objects.bulk_create(rows, batch_size=1_000)
    for person, row in opened.items():
        key = people[person].profile_key
        joined = {**values_of(row, key), **facts[person]}
        row.version += 1
        row.sealed = sealing.seal(key, joined, table=PENDING_TABLE, row=row.pk, version=row.version)
        row.asked_at, row.asked_by_id, row.job = now, asked_by, job
    PendingChange.objects.bulk_update(
        opened.values(), ["sealed", "version", "asked_at", "asked_by", "job"], batch_size=1_000
    )
    record(
        actor=actor,
        action=Action.CONTACT_HOLD,
        kind="import" if job else "person",
        subject=job,
        people=sorted(facts),
        fields=sorted({name for found in facts.values() for name in found}),
    )
    return len(facts)


def pending_changes_withdraw(*, actor: Actor, job: int) -> int:
    """Let nobody decide any more about what an import asked for; returns of how many people. One audit entry."""
    rows = PendingChange.objects.filter(job=job, state=State.OPEN)
    people = sorted(rows.values_list("person_id", flat=True))
    if people:
        rows.delete()
        record(
            actor=actor, action=Action.CONTACT_HOLD, kind="import", subject=job, people=people, codes={"withdrawn": 1}
        )
    return len(people)


class Row(Protocol):
    """A row of a list whose person is known: the opened record, the profile to be, names of changed fields."""

    person: PersonRecord
    profile: dict[str, Any]
    fields: tuple[str, ...]


def take_out(actor: Actor, rows: Sequence[Row], wait: bool = False) -> dict[int, dict[str, Any]]:
    """Take out of the rows' profiles what ``actor`` may not replace; returns what of it nobody asked for before.

    ``wait``: it waits whoever ``actor`` is, because that is what they were shown.
    """
    if not (wait or identity_facts.must_wait(actor)):
        return {}
    waiting: dict[int, dict[str, Any]] = {}
    behind = corresponding([row.person.id for row in rows if _fills_in(row.person.profile, row.profile)])
    for row in rows:
        row.profile, facts = identity_facts.split(row.person.profile, row.profile, corresponds=row.person.id in behind)
        if facts:
            waiting[row.person.id] = facts
            row.fields = tuple(name for name in row.fields if name not in facts)
    return news({row.person.id: row.person for row in rows}, waiting)


def _fills_in(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether a mailbox is filled in where none was recorded: few people, so only these are looked up."""
    return any(after.get(name) and not before.get(name) for name in identity_facts.OPENING)


def set_aside(*, actor: Actor, person: PersonRecord, profile: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Of one person's new profile: (what may be written now, names of what waits from now on). Caller's transaction."""
    if not identity_facts.must_wait(actor):
        return profile, []
    behind = corresponding([person.id]) if _fills_in(person.profile, profile) else set()
    now, waiting = identity_facts.split(person.profile, profile, corresponds=bool(behind))
    fresh = news({person.id: person}, {person.id: waiting})
    pending_changes_add(actor=actor, people={person.id: person}, facts=fresh)
    return now, sorted(waiting)


def moved_note(changes: Iterable[tuple[int, bytes, Mapping[str, Any], Mapping[str, Any]]]) -> None:
    """Note for each (person, profile key, profile before, profile after) whose address was replaced which it was.

    Caller's transaction, caller's audit entry.
    """
    moved = [
        (person, key, str(before["email"]))
        for person, key, before, after in changes
        if before.get("email")
        and after.get("email")
        and before["email"] != after["email"]  # equal text asks for no token: most changes leave the address alone
        and search_values.mailbox(before["email"]) != search_values.mailbox(after["email"])
    ]
    if not moved:
        return
    rows = [
        MovedMailbox(
            id=row_id,
            person_id=person,
            sealed=sealing.seal(key, {"address": address}, table=MOVED_TABLE, row=row_id),
        )
        for row_id, (person, key, address) in zip(next_ids(MOVED_TABLE, len(moved)), moved, strict=True)
    ]
    MovedMailbox.objects.bulk_create(rows, batch_size=1_000)


def moved_address(row: MovedMailbox, profile_key: bytes) -> str:
    """The old address of a note that was not told yet."""
    assert row.sealed is not None
    return str(sealing.open_sealed(profile_key, row.sealed, table=MOVED_TABLE, row=row.pk)["address"])


def moved_told(rows: Sequence[int]) -> None:
    """The old mailboxes were told, or nobody needs telling: the addresses go. Caller's transaction and entry."""
    MovedMailbox.objects.filter(pk__in=rows).update(told_at=clock.now(), sealed=None)
