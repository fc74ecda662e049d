"""The parts of a merge that are contacts' own: timeline, visits, consents, suppressions, changes that wait."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.contacts.consent.opt_outs import consents_note, mailboxes_note
from apps.contacts.consent.services import BY_MERGE, suppress_many
from apps.contacts.merging import parts
from apps.contacts.merging.parts import Merging, Notes, Part
from apps.contacts.merging.services.moved import Moved, Seal
from apps.contacts.models import (
    Appointment,
    Consent,
    ConsentState,
    DuplicatePair,
    MovedMailbox,
    PendingChange,
    PersonIdentity,
    Suppression,
    Tag,
    TimelineEvent,
)
from apps.contacts.models.appointment import APPOINTMENT_TABLE
from apps.contacts.models.consent import CONSENT_TABLE
from apps.contacts.models.pending_change import MOVED_TABLE, PENDING_TABLE
from apps.contacts.models.timeline import EVENT_TABLE
from apps.contacts.person.records import PersonRecord
from apps.contacts.suppressions.register.services import stops_lift
from apps.contacts.tags.services import tags_give, tags_move, tags_take
from apps.contacts.timeline.services import results_renew, summaries_renew
from apps.core import clock
from apps.core.bulk import next_ids
from apps.vault import sealing

_OWN_WILL = frozenset({"unsubscribed", "complaint", "former_tool", "staff"})
"""Suppressions that are of the person, not of the mailbox: they go with them to another mailbox."""

EVENTS = Moved(
    TimelineEvent, seals=(Seal("sealed", "profile", EVENT_TABLE),), noun=("timeline event", "timeline events"), order=10
)
APPOINTMENTS = Moved(
    Appointment,
    seals=(Seal("sealed", "profile", APPOINTMENT_TABLE, version="version"),),
    noun=("visit", "visits"),
    order=11,
)
CONSENTS = Moved(Consent, seals=(Seal("sealed", "record", CONSENT_TABLE),), order=12)
MAILBOXES_LEFT = Moved(MovedMailbox, seals=(Seal("sealed", "profile", MOVED_TABLE),), order=13)
# An open change is about the merged record's own values: it waits no more, and comes back with an undo.
CHANGES = Moved(
    PendingChange,
    seals=(Seal("sealed", "profile", PENDING_TABLE, version="version"),),
    only=~Q(state=PendingChange.State.OPEN),
    order=14,
)


# -- The timeline, and what is counted of it -------------------------------------------------------------------


def _timeline_merge(merging: Merging) -> Notes:
    notes = EVENTS.merge(merging)
    _counts_renew(merging.kept, merging.merged)
    return notes


def _timeline_undo(merging: Merging, notes: Notes) -> list[str]:
    EVENTS.undo(merging, notes)
    _counts_renew(merging.kept, merging.merged)
    return []


def _counts_renew(*people: PersonRecord) -> None:
    summaries_renew(people=[person.id for person in people])
    results_renew(profile_keys={person.id: person.profile_key for person in people})


# -- Consents --------------------------------------------------------------------------------------------------


def strictest(one: tuple[str, str] | None, other: tuple[str, str] | None) -> tuple[str, str] | None:
    """Of two states (granted or denied, when it runs out or "") the more restrictive one; no record says nothing."""
    if one is None or other is None:
        return one or other
    if "denied" in (one[0], other[0]):
        return "denied", ""
    ends = sorted(end for end in (one[1], other[1]) if end)
    return "granted", ends[0] if ends else ""


def _states(person_id: int) -> dict[str, ConsentState]:
    return {row.purpose: row for row in ConsentState.objects.select_for_update().filter(person_id=person_id)}


def _plain(row: ConsentState) -> list[str]:
    return [row.state, row.since.isoformat(), row.expires.isoformat() if row.expires else ""]


def _pair(row: ConsentState | None) -> tuple[str, str] | None:
    return None if row is None else (row.state, row.expires.isoformat() if row.expires else "")


def _consents_merge(merging: Merging) -> Notes:
    kept, merged = _states(merging.kept.id), _states(merging.merged.id)
    result: dict[str, list[str]] = {}
    for purpose in sorted(merged):
        holds = strictest(_pair(kept.get(purpose)), _pair(merged[purpose]))
        assert holds is not None
        if holds != _pair(kept.get(purpose)):
            result[purpose] = [holds[0], merging.at.isoformat(), holds[1]]
    notes: Notes = {
        "kept": {purpose: _plain(row) for purpose, row in kept.items()},
        "merged": {purpose: _plain(row) for purpose, row in merged.items()},
        "set": result,
    }
    ConsentState.objects.filter(person_id=merging.merged.id).delete()
    _states_write(merging.kept.id, result)
    return notes if kept or merged else {}


def _states_write(person_id: int, states: dict[str, list[str]]) -> None:
    """Write (state, since, end) by purpose; an empty list removes what is said. Noted for a restore."""
    consents_note({(person_id, purpose): told[0] for purpose, told in states.items() if told})
    for purpose, told in states.items():
        if not told:
            ConsentState.objects.filter(person_id=person_id, purpose=purpose).delete()
            continue
        ConsentState.objects.update_or_create(
            person_id=person_id,
            purpose=purpose,
            defaults={
                "state": told[0],
                "since": datetime.fromisoformat(told[1]),
                "expires": datetime.fromisoformat(told[2]) if told[2] else None,
            },
        )


def _consents_undo(merging: Merging, notes: Notes) -> list[str]:
    """Each record has its own states again, but for what the person said since: a "no" since holds for both."""
    since = _said_since(merging, notes)
    kept: dict[str, list[str]] = {}
    merged: dict[str, list[str]] = {}
    now = clock.now()
    for purpose in sorted(notes.get("kept", {}).keys() | notes.get("merged", {}).keys() | since.keys()):
        before = _alive(notes.get("merged", {}).get(purpose), now)
        said = since.get(purpose)
        if said == "denied":
            merged[purpose] = ["denied", now.isoformat(), ""]
        elif before:
            merged[purpose] = before
        if said is None and purpose in notes.get("set", {}):
            kept[purpose] = _alive(notes["kept"].get(purpose), now)
    _states_write(merging.kept.id, kept)
    _states_write(merging.merged.id, merged)
    told = []
    if any(state == "denied" for state in since.values()):
        told.append("A consent was withdrawn since the merge. It stays withdrawn for both records.")
    if any(state == "granted" for state in since.values()):
        told.append("A consent was given since the merge. It stays with this record.")
    return told


def _alive(told: list[str] | None, now: datetime) -> list[str]:
    """A state that still says something: a grant that ran out meanwhile does not come back."""
    if not told or (told[0] == "granted" and told[2] and datetime.fromisoformat(told[2]) <= now):
        return []
    return told


def _said_since(merging: Merging, notes: Notes) -> dict[str, str]:
    """What the person said since the merge, by purpose; the history of the merged record was given back before."""
    found: dict[str, str] = {}
    rows = Consent.objects.filter(person_id=merging.kept.id, recorded_at__gt=merging.at).order_by("pk")
    for row in rows:
        facts = sealing.open_sealed(merging.kept.record_key, row.sealed, table=CONSENT_TABLE, row=row.pk)
        found[facts["purpose"]] = facts["state"]
    return found


def _consents_words(notes: Notes) -> list[str]:
    denied = [purpose for purpose, told in notes.get("set", {}).items() if told[0] == "denied"]
    return [f"Consent withdrawn in either record holds now: {', '.join(sorted(denied))}"] if denied else []


# -- Suppressions ----------------------------------------------------------------------------------------------


def _stops_merge(merging: Merging) -> Notes:
    """Who unsubscribed by one of their mailboxes is not written to by another one instead."""
    if merging.mailbox is None:
        return {}
    others = [mailbox for mailbox in merging.before if mailbox != merging.mailbox]
    wanted: dict[str, str] = {}
    for row in Suppression.objects.filter(mailbox__in=others, reason__in=_OWN_WILL).order_by("pk"):
        wanted.setdefault(row.scope, row.reason)
    added = 0
    for scope, reason in sorted(wanted.items()):
        added += suppress_many(
            actor=merging.actor,
            mailboxes=[merging.mailbox],
            scope=scope,
            reason=reason,
            source=f"{BY_MERGE}{merging.id}",
            people=[merging.kept.id],
        )
    return {"added": added} if added else {}


def _stops_undo(merging: Merging, notes: Notes) -> list[str]:
    gone = stops_lift(Suppression.objects.filter(source=f"{BY_MERGE}{merging.id}"))
    for mailbox, scope in gone:
        mailboxes_note([mailbox], scope, "")
    if len(gone) < int(notes.get("added", 0)):
        return ["The mailbox was unsubscribed or stopped since the merge. It stays so."]
    return []


def _stops_words(notes: Notes) -> list[str]:
    return ["An unsubscribe of either mailbox holds for the main one too"] if notes.get("added") else []


# -- Tags ------------------------------------------------------------------------------------------------------


def _tags_merge(merging: Merging) -> Notes:
    moved = tags_move(actor=merging.actor, person_id=merging.merged.id, to=merging.kept.id)
    found = {"given": list(moved.given), "shared": list(moved.shared)}
    return found if moved.given or moved.shared else {}


def _tags_undo(merging: Merging, notes: Notes) -> list[str]:
    """Both have the tags that they had, as far as there still are such tags."""
    there = set(Tag.objects.filter(pk__in=[*notes["given"], *notes["shared"]]).values_list("pk", flat=True))
    tags_take(
        actor=merging.actor,
        pairs=[(merging.kept.id, tag) for tag in notes["given"]],
        subject=merging.kept.id,
        kind="person",
    )
    tags_give(
        actor=merging.actor,
        pairs=[(merging.merged.id, tag) for tag in sorted(there)],
        subject=merging.merged.id,
        kind="person",
    )
    return []


def _tags_words(notes: Notes) -> list[str]:
    count = len(notes["given"])
    return [f"{count} {'tag' if count == 1 else 'tags'}"] if count else []


# -- Changes that wait, pairs ----------------------------------------------------------------------------------


def _waiting_merge(merging: Merging) -> Notes:
    row = PendingChange.objects.filter(person_id=merging.merged.id, state=PendingChange.State.OPEN).first()
    if row is None:
        return {}
    facts = sealing.open_sealed(
        merging.merged.profile_key, row.sealed, table=PENDING_TABLE, row=row.pk, version=row.version
    )
    # It speaks of values that are gone. Declined it would keep the same wish from being heard again.
    notes = {"facts": facts, "job": row.job, "asked_by": row.asked_by_id, "asked_at": row.asked_at.isoformat()}
    row.delete()
    return notes


def _waiting_undo(merging: Merging, notes: Notes) -> list[str]:
    if "facts" in notes:
        row_id = next_ids(PENDING_TABLE, 1)[0]
        PendingChange.objects.create(
            id=row_id,
            person_id=merging.merged.id,
            sealed=sealing.seal(merging.merged.profile_key, notes["facts"], table=PENDING_TABLE, row=row_id),
            job=notes["job"],
            asked_by_id=notes["asked_by"],
            asked_at=datetime.fromisoformat(notes["asked_at"]),
        )
    return []


def _pairs_merge(merging: Merging) -> Notes:
    """The pair of the two is merged; what was decided about the merged record holds for the kept one."""
    kept, merged = merging.kept.id, merging.merged.id
    staff = int(merging.actor.id) if merging.actor.kind == "staff" and merging.actor.id.isdigit() else None
    notes: Notes = {"pair": [], "open": [], "carried": []}
    for row in DuplicatePair.objects.select_for_update().filter(Q(first_id=merged) | Q(second_id=merged)):
        other = row.second_id if row.first_id == merged else row.first_id
        if other == kept:
            notes["pair"] = [row.pk, row.state]
            row.state, row.decided_at, row.decided_by_id = DuplicatePair.State.MERGED, merging.at, staff
            row.save(update_fields=["state", "decided_at", "decided_by"])
        elif row.state == DuplicatePair.State.OPEN:
            notes["open"].append([row.first_id, row.second_id, row.strength, row.reasons])
            row.delete()
        elif row.state == DuplicatePair.State.DIFFERENT:
            first, second = sorted((kept, other))
            _, made = DuplicatePair.objects.get_or_create(
                first_id=first,
                second_id=second,
                defaults={
                    "strength": row.strength,
                    "reasons": row.reasons,
                    "state": row.state,
                    "decided_at": row.decided_at,
                    "decided_by_id": row.decided_by_id,
                },
            )
            if made:
                notes["carried"].append([first, second])
    return notes if any(notes.values()) else {}


def _pairs_undo(merging: Merging, notes: Notes) -> list[str]:
    if notes.get("pair"):
        pk, state = notes["pair"]
        DuplicatePair.objects.filter(pk=pk).update(state=state, decided_at=None, decided_by=None)
    for first, second in notes.get("carried", ()):
        DuplicatePair.objects.filter(first_id=first, second_id=second).delete()
    DuplicatePair.objects.bulk_create(
        (
            DuplicatePair(first_id=first, second_id=second, strength=strength, reasons=reasons)
            for first, second, strength, reasons in notes.get("open", ())
        ),
        ignore_conflicts=True,
    )
    return []


def primary_mailboxes(people: list[int]) -> tuple[bytes, ...]:
    """The keyed primary mailboxes of these people, as they stand in the database."""
    rows = PersonIdentity.objects.filter(kind=PersonIdentity.IdentityKind.EMAIL, person_id__in=people)
    return tuple(sorted({bytes(token) for token in rows.values_list("token", flat=True)}))


def twin_visits(kept: list[dict[str, Any]], merged: list[dict[str, Any]]) -> frozenset[int]:
    """Ids of the booked visits of ``merged`` that ``kept`` has too, at the same time."""
    booked = {str(visit["start"]) for visit in kept if visit.get("state") == "booked"}
    return frozenset(
        int(visit["id"]) for visit in merged if visit.get("state") == "booked" and str(visit["start"]) in booked
    )


def parts_of_contacts() -> list[Part]:
    """What contacts registers when Django starts."""
    return [
        Part(
            "timeline",
            ("contacts.TimelineEvent.person", "contacts.TimelineSummary.person_id", "contacts.LatestResult.person_id"),
            _timeline_merge,
            _timeline_undo,
            EVENTS.words,
            order=10,
        ),
        APPOINTMENTS.part(),
        CONSENTS.part(),
        MAILBOXES_LEFT.part(),
        CHANGES.part(),
        Part(
            "consent states",
            ("contacts.ConsentState.person",),
            _consents_merge,
            _consents_undo,
            _consents_words,
            order=9,
        ),
        Part("tags", ("contacts.PersonTag.person_id",), _tags_merge, _tags_undo, _tags_words, order=16),
        Part("suppressions", (), _stops_merge, _stops_undo, _stops_words, order=20),
        Part("waiting changes", (), _waiting_merge, _waiting_undo, order=21),
        Part(
            "pairs",
            ("contacts.DuplicatePair.first", "contacts.DuplicatePair.second"),
            _pairs_merge,
            _pairs_undo,
            order=22,
        ),
        parts.stays(
            "contacts.PersonSearch.person",
            "contacts.PersonIdentity.person",
            "contacts.MatchKey.person_id",
            why="Search values of a closed record are deleted, and written anew at an undo.",
        ),
        parts.stays(
            "contacts.PersonMerge.kept",
            "contacts.PersonMerge.merged",
            "contacts.Person.merged_into",
            "contacts.DuplicateSearch.people",
            why="What was done, by the numbers of then.",
        ),
    ]
