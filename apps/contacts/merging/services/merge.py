"""Making one record of two, and taking it apart again for thirty days.

The merged record is closed as an erased one is: no profile key, no profile, no search value, so that nothing that asks
for living people finds it. It points to the record that was kept. Its profile and its profile key lie in the record of
the merge, sealed under the kept person's profile key: erasing that person takes them along, and so does time.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.attributes import definitions as attributes
from apps.contacts.changes import identity_facts
from apps.contacts.merging import choices, parts
from apps.contacts.merging.parts import Merging, Notes
from apps.contacts.merging.services import own
from apps.contacts.merging.services.finding import search_of
from apps.contacts.models import MatchKey, Person, PersonIdentity, PersonMerge, PersonSearch
from apps.contacts.models.duplicate import MERGE_TABLE
from apps.contacts.models.person import PERSON_TABLE
from apps.contacts.person import fields, search_values, selectors
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.services import contacts_change
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.vault import sealing

KEEP = timedelta(days=30)
"""How long a merge can be undone."""
_TAKEN = "Another person has this record number. Open that person, or correct the number."


@dataclass(frozen=True)
class Undone:
    """What an undo did: both records, and sentences about what stays with the kept one."""

    kept: int
    merged: int
    stays: tuple[str, ...]


def people_merge(
    *, actor: Actor, kept: int, merged: int, chosen: Mapping[str, str], versions: Mapping[int, int] | None = None
) -> PersonMerge:
    """Merge the record ``merged`` into ``kept``. ``chosen``: by field "a" (kept's value) or "b" (merged's).

    Raises ``Refused``: for somebody who may not see identity facts, when either is gone or was changed since
    ``versions`` were read, and for more addresses than a person may have.
    """
    if identity_facts.must_wait(actor):
        raise Refused(
            "merge.not_allowed", "Only care staff and administrators merge people: they see what tells people apart."
        )
    if kept == merged:
        raise Refused("merge.with_itself", "This is one record already. Choose another person.")
    with transaction.atomic():
        people = _locked([kept, merged], versions)
        found = _merge(actor, people[kept], people[merged], chosen)
    return found


def _locked(ids: list[int], versions: Mapping[int, int] | None) -> dict[int, PersonRecord]:
    rows = list(Person.objects.select_for_update().filter(pk__in=ids, erased_at__isnull=True).order_by("pk"))
    if len(rows) != len(set(ids)):
        raise Refused("person.unknown", "There is no such person any more.")
    if versions is not None and any(versions.get(row.pk) != row.version for row in rows):
        raise Refused("person.changed", "Somebody else changed one of them meanwhile. Compare once more and choose.")
    return {row.pk: selectors.opened(row) for row in rows}


def _merge(actor: Actor, kept: PersonRecord, merged: PersonRecord, chosen: Mapping[str, str]) -> PersonMerge:
    now = clock.now()
    both = {kept.id: kept, merged.id: merged}
    selectors.load_appointments(both)
    profile = choices.merged_profile(
        kept.profile, merged.profile, chosen, kept=choices.ONE, newer=newer_side(kept, merged)
    )
    if int(profile.get("guardian_id") or 0) in both:
        del profile["guardian_id"]
    merge_id = next_ids(MERGE_TABLE, 1)[0]
    merging = Merging(
        id=merge_id,
        actor=actor,
        kept=kept,
        merged=merged,
        at=now,
        before=own.primary_mailboxes([kept.id, merged.id]),
        mailbox=search_values.mailbox(profile["email"]) if profile.get("email") else None,
        twin_visits=own.twin_visits(kept.appointments or [], merged.appointments or []),
    )
    notes: dict[str, Notes] = {}
    for part in parts.parts():
        if told := part.merge(merging):
            notes[part.name] = told
    former = sorted(Person.objects.filter(merged_into=merged.id).values_list("pk", flat=True))
    _close(merged, kept, now)
    before = copy.deepcopy(kept.profile)
    contacts_change(actor=actor, profiles={kept.id: profile}, before={kept.id: before})
    data = {
        "profile": merged.profile,
        "key": base64.b64encode(merged.profile_key).decode(),
        "before": before,
        "after": profile,
        "notes": notes,
        "former": former,
    }
    sealed = sealing.seal(kept.profile_key, data, table=MERGE_TABLE, row=merge_id)
    row = PersonMerge.objects.create(
        id=merge_id, kept_id=kept.id, merged_id=merged.id, sealed=sealed, merged_at=now, merged_by=str(actor)
    )
    record(
        actor=actor,
        action=Action.CONTACT_MERGE,
        kind="person",
        subject=kept.id,
        people=[kept.id, merged.id],
        codes={"merged": merged.id, "moved": sum(len(told.get("ids", ())) for told in notes.values())},
    )
    search_of(actor=actor, people=[kept.id])
    return row


def newer_side(one: PersonRecord, other: PersonRecord) -> str:
    """Which of two records was made later, as a side of ``choices``."""
    if one.created_at is None or other.created_at is None:
        return choices.ONE
    return choices.OTHER if other.created_at > one.created_at else choices.ONE


def _close(merged: PersonRecord, kept: PersonRecord, now: datetime) -> None:
    PersonSearch.objects.filter(person=merged.id).delete()
    PersonIdentity.objects.filter(person=merged.id).delete()
    MatchKey.objects.filter(person_id=merged.id).delete()
    Person.objects.filter(merged_into=merged.id).update(merged_into=kept.id)
    Person.objects.filter(pk=merged.id).update(
        wrapped_profile=None, sealed=None, erased_at=now, merged_into=kept.id, version=merged.version + 1
    )


# -- Undo ------------------------------------------------------------------------------------------------------


def undo_until(row: PersonMerge) -> datetime | None:
    """Until when this merge can be undone; None where it cannot, or was."""
    if row.state != PersonMerge.State.DONE or row.sealed is None:
        return None
    return row.merged_at + KEEP


def merge_undo(*, actor: Actor, merge_id: int) -> Undone:
    """Make two records of one again. What was changed or came in since stays with the kept one, and is said.

    Raises ``Refused`` when it is too late, was done, or a record that was merged since stands in the way.
    """
    if identity_facts.must_wait(actor):
        raise Refused("merge.not_allowed", "Only care staff and administrators take a merge back.")
    try:
        with transaction.atomic():
            return _undo(actor, merge_id)
    except IntegrityError:
        raise Refused("person.number_taken", _TAKEN) from None


def _undo(actor: Actor, merge_id: int) -> Undone:
    row = PersonMerge.objects.select_for_update().filter(pk=merge_id).first()
    if row is None:
        raise Refused("merge.unknown", "There is no such merge.")
    if row.state == PersonMerge.State.UNDONE:
        raise Refused("merge.undone", "This merge was undone already.")
    until = undo_until(row)
    if until is None or until < clock.now():
        raise Refused(
            "merge.too_late",
            f"What an undo needs is kept for {KEEP.days} days. They are over, so this merge stays.",
        )
    rows = {
        each.pk: each
        for each in Person.objects.select_for_update().filter(pk__in=[row.kept_id, row.merged_id]).order_by("pk")
    }
    now_kept, closed = rows[row.kept_id], rows[row.merged_id]
    if now_kept.erased_at is not None or closed.merged_into_id != row.kept_id:
        raise Refused(
            "merge.in_another",
            "This record was merged into another one since, or erased. Take the later merge back first.",
        )
    kept = selectors.opened(now_kept)
    data = opened(row, kept)
    merged = PersonRecord(
        id=closed.pk,
        profile=data["profile"],
        profile_key=base64.b64decode(data["key"]),
        record_key=selectors.record_keys([closed.pk])[closed.pk],
        version=closed.version + 1,
        created_at=closed.created_at,
    )
    profile, newer = _restored(kept.profile, data["before"], data["after"])
    _reopen(closed, merged)
    merging = Merging(id=row.pk, actor=actor, kept=kept, merged=merged, at=row.merged_at)
    told = parts.joined(
        part.undo(merging, data["notes"][part.name]) for part in reversed(parts.parts()) if part.name in data["notes"]
    )
    if newer:
        told.insert(0, f"Changed since the merge, and not put back: {', '.join(newer)}.")
    # The kept one first: the record numbers of the other must be free.
    contacts_change(actor=actor, profiles={kept.id: profile})
    contacts_change(actor=actor, profiles={merged.id: merged.profile})
    Person.objects.filter(pk__in=data["former"], merged_into=kept.id).update(merged_into=merged.id)
    row.state, row.undone_at, row.undone_by, row.sealed = PersonMerge.State.UNDONE, clock.now(), str(actor), None
    row.save(update_fields=["state", "undone_at", "undone_by", "sealed"])
    record(
        actor=actor,
        action=Action.CONTACT_UNMERGE,
        kind="person",
        subject=kept.id,
        people=[kept.id, merged.id],
        codes={"merged": merged.id, "stayed": len(told)},
    )
    search_of(actor=actor, people=[kept.id, merged.id])
    return Undone(kept.id, merged.id, tuple(told))


def opened(row: PersonMerge, kept: PersonRecord) -> dict[str, Any]:
    """What a merge kept for its undo, from the opened person who was kept. Raises ``SealBroken``."""
    assert row.sealed is not None
    found: dict[str, Any] = sealing.open_sealed(
        kept.profile_key, row.sealed, table=MERGE_TABLE, row=row.pk, version=row.version
    )
    return found


def _reopen(closed: Person, merged: PersonRecord) -> None:
    keys = sealing.wrap_again(closed.pk, merged.profile_key, merged.record_key)
    closed.kek_id = keys.kek_id
    closed.wrapped_profile, closed.wrapped_record = keys.wrapped_profile, keys.wrapped_record
    closed.version = merged.version
    closed.sealed = sealing.seal(
        merged.profile_key, merged.profile, table=PERSON_TABLE, row=closed.pk, version=closed.version, epoch=keys.kek_id
    )
    closed.erased_at, closed.merged_into_id = None, None
    closed.save()
    # ``contacts_change`` fills it.
    PersonSearch.objects.create(person=closed, generation=search_values.GENERATION)


_APART = ("attributes", "address", "external_ids")


def _restored(
    now: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """The kept record's profile as it was before, but for values changed since the merge; these in words."""
    found, newer = copy.deepcopy(dict(now)), []
    for name in sorted(now.keys() | before.keys() | after.keys()):
        if name in _APART:
            inner = [side.get(name) or {} for side in (now, before, after)]
            part, changed = _restored(*inner)
            newer += [word for word in changed if word not in newer]
            if part:
                found[name] = part
            else:
                found.pop(name, None)
        elif now.get(name) == after.get(name):
            if name in before:
                found[name] = copy.deepcopy(before[name])
            else:
                found.pop(name, None)
        elif now.get(name) != before.get(name):
            newer.append(_label(name))
    return found, newer


def _label(name: str) -> str:
    known = fields.FIELDS.get(name) or next((spec for spec in fields.FIELDS.values() if spec.path[-1] == name), None)
    if known is not None:
        return known.label
    if name in ("other_emails", "other_phones", "verified"):
        return "Addresses and telephones"
    spec = attributes.catalog().get(f"attribute.{name}")
    return spec.label if spec is not None else name.replace("_", " ").capitalize()


def merges_clear(*, actor: Actor) -> int:
    """Forget what the undo of old merges would need, and with it the profile keys of the merged records."""
    with transaction.atomic():
        old = PersonMerge.objects.select_for_update().filter(sealed__isnull=False, merged_at__lt=clock.now() - KEEP)
        rows = list(old.order_by("pk").values_list("pk", "merged_id")[:1_000])
        if rows:
            PersonMerge.objects.filter(pk__in=[pk for pk, _ in rows]).update(sealed=None)
            record(
                actor=actor,
                action=Action.CONTACT_MERGE,
                kind="person",
                people=[merged for _, merged in rows],
                codes={"final": len(rows)},
            )
    return len(rows)
