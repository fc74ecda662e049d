"""Creating, changing and erasing people: one by one from a form, by the thousand from an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Literal

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.attributes import definitions as attributes
from apps.contacts.changes.pending import moved_note, set_aside
from apps.contacts.models import (
    Appointment,
    ConsentState,
    LatestResult,
    MatchKey,
    MovedMailbox,
    PendingChange,
    Person,
    PersonIdentity,
    PersonMerge,
    PersonSearch,
    PersonTag,
    TimelineEvent,
    TimelineSummary,
)
from apps.contacts.models.person import PERSON_TABLE
from apps.contacts.person import reach, search_values, selectors
from apps.contacts.person.fields import FieldSpec
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.sealed_rows import SLOT_COLUMNS, SLOT_NAMES, TABLES, Fresh, Packed, pack, slots
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import copy_packed, copy_rows, next_ids
from apps.core.errors import Refused
from apps.vault import ledger, sealing

ReachAct = Literal["primary", "verify", "unverify", "remove"]
_SLOT_TYPES = ["int8"] * len(SLOT_COLUMNS)
_SLOT_SETS = ", ".join(f"{name} = c.{name}" for name in SLOT_COLUMNS)


@transaction.atomic
def contact_create(*, actor: Actor, profile: dict[str, Any]) -> PersonRecord:
    """Create one person. Raises ``Refused`` when the record number is another person's."""
    try:
        with transaction.atomic():
            return contacts_create(actor=actor, profiles=[profile])[0]
    except IntegrityError:
        raise Refused(
            "person.number_taken", "Another person has this record number. Open that person, or correct the number."
        ) from None


@transaction.atomic
def contacts_create(
    *,
    actor: Actor,
    profiles: Sequence[dict[str, Any]],
    consents: Sequence[Mapping[str, str]] = (),
    action: Action = Action.CONTACT_CREATE,
    subject: str | int | None = None,
) -> list[PersonRecord]:
    """Create people in bulk by COPY; one audit entry. Raises ``IntegrityError`` for a taken record number.

    ``consents`` (purpose to state, one for each profile) are what the caller records for them in this transaction:
    their search values are written with the people instead of a second time.
    """
    fresh = Fresh(next_ids(PERSON_TABLE, len(profiles)), [], [], clock.now())
    stated = consents or [{}] * len(profiles)
    own = attributes.catalog(writing=True)
    packed, keys = pack(fresh, profiles, consents=[()] * len(profiles), states=stated, own=own)
    contacts_copy(packed)
    record(actor=actor, action=action, kind="person", subject=subject, people=fresh.people)
    return [
        PersonRecord(person, profile, key.profile, key.record, dict(states), created_at=fresh.now)
        for person, profile, key, states in zip(fresh.people, profiles, keys, stated, strict=True)
    ]


def contacts_copy(packed: Packed) -> None:
    """Write packed people by COPY. Caller's transaction, caller's audit entry, and own attributes that still hold.

    Raises ``IntegrityError`` for a taken record number.
    """
    for name, target in TABLES.items():
        copy_packed(target, getattr(packed, name))


def contact_update(*, actor: Actor, person_id: int, profile: dict[str, Any], version: int) -> list[str]:
    """Replace the profile of one person; returns the names of facts that wait for confirmation (``PendingChange``).

    Raises ``Refused`` when somebody else changed it since ``version`` was read, or a record number is taken.
    """
    try:
        with transaction.atomic():
            row = Person.objects.select_for_update().filter(pk=person_id, erased_at__isnull=True).first()
            waiting: list[str] = []
            if row is not None:
                profile, waiting = set_aside(actor=actor, person=selectors.opened(row), profile=profile)
            contacts_change(actor=actor, profiles={person_id: profile}, versions={person_id: version})
            return waiting
    except IntegrityError:
        raise Refused(
            "person.number_taken", "Another person has this record number. Open that person, or correct the number."
        ) from None


def reach_change(
    *, actor: Actor, person_id: int, kind: Literal["email", "phone"], place: int, act: ReachAct, version: int
) -> None:
    """Make an address or telephone the primary one, mark it as verified today or not, or remove it.

    ``place`` counts ``reach.ways``. What was the primary one stays as another. Raises ``Refused`` when somebody else
    changed the person since ``version`` was read, or when there is no such person or place.
    """
    row = Person.objects.filter(pk=person_id, erased_at__isnull=True).first()
    if row is None:
        raise Refused("person.unknown", "There is no such person any more.")
    profile = dict(selectors.opened(row).profile)
    found = reach.ways(profile, kind)
    if not 0 <= place < len(found):
        raise Refused("person.changed", "Somebody else changed this person meanwhile. Look again.")
    way = found[place]
    if act == "primary":
        found = [replace(each, primary=each is way) for each in found]
    elif act == "remove":
        found.remove(way)
    else:
        day = clock.now().astimezone(clock.clinic_zone()).date().isoformat() if act == "verify" else ""
        found[place] = replace(way, verified=day)
    reach.put(profile, kind, found)
    contact_update(actor=actor, person_id=person_id, profile=profile, version=version)


@transaction.atomic
def contacts_change(
    *,
    actor: Actor,
    profiles: Mapping[int, dict[str, Any]],
    versions: Mapping[int, int] | None = None,
    action: Action = Action.CONTACT_CHANGE,
    subject: str | int | None = None,
    before: Mapping[int, Mapping[str, Any]] | None = None,
) -> int:
    """Replace profiles in bulk; returns how many changed. Rows are locked in the order of their ids.

    ``before`` are the profiles as they were, from a caller that has locked and opened them already.
    """
    rows = list(Person.objects.select_for_update().filter(pk__in=profiles, erased_at__isnull=True).order_by("pk"))
    if versions and any(versions.get(row.pk) != row.version for row in rows):
        raise Refused(
            "person.changed",
            "Somebody else changed this person meanwhile. Your entries are kept: compare and save again.",
        )
    if not rows:
        return 0
    consents: dict[int, dict[str, str]] = {row.pk: {} for row in rows}
    for state in ConsentState.objects.holding(clock.now()).filter(person__in=rows):
        consents[state.person_id][state.purpose] = state.state
    changes, identities, moves = [], [], []
    own = attributes.catalog(writing=True)
    for row in rows:
        assert row.wrapped_profile is not None
        assert row.sealed is not None
        key = sealing.unwrap_profile(row.kek_id, row.wrapped_profile, row.pk)
        profile = profiles[row.pk]
        if before is not None and row.pk in before:
            old = before[row.pk]
        else:
            old = sealing.open_sealed(key, row.sealed, table=PERSON_TABLE, row=row.pk, version=row.version)
        moves.append((row.pk, key, old, profile))
        sealed = sealing.seal(key, profile, table=PERSON_TABLE, row=row.pk, version=row.version + 1, epoch=row.kek_id)
        found = search_values.of(profile, consents[row.pk], own)
        changes.append((row.pk, sealed, found.tokens, found.birth_day, found.birth_month_day, *slots(found)))
        identities += [(kind, token, row.pk) for kind, token in found.identities]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS person_change (id int8, sealed bytea, tokens int8[], birth_day int8,"
            f" birth_month_day int8, {', '.join(f'{name} int8' for name in SLOT_COLUMNS)}) ON COMMIT DELETE ROWS"
        )
        cursor.execute("TRUNCATE person_change")
        copy_rows(
            f"person_change (id, sealed, tokens, birth_day, birth_month_day, {SLOT_NAMES})",
            ["int8", "bytea", "int8[]", "int8", "int8", *_SLOT_TYPES],
            changes,
        )
        cursor.execute(
            "UPDATE contacts_person p SET sealed = c.sealed, version = p.version + 1"
            " FROM person_change c WHERE c.id = p.id"
        )
        cursor.execute(
            "UPDATE contacts_personsearch s SET tokens = c.tokens, birth_day = c.birth_day,"  # noqa: S608 - our columns
            f" birth_month_day = c.birth_month_day, generation = {search_values.GENERATION}, {_SLOT_SETS}"
            " FROM person_change c WHERE c.id = s.person_id"
        )
        cursor.execute("DELETE FROM contacts_personidentity WHERE person_id = ANY(%s)", [[r.pk for r in rows]])
        copy_rows("contacts_personidentity (kind, token, person_id)", ["int2", "bytea", "int8"], identities)
    moved_note(moves)
    record(actor=actor, action=action, kind="person", subject=subject, people=[row.pk for row in rows])
    return len(rows)


def rewrite_search(rows: Sequence[Person], own: Mapping[str, FieldSpec], names: Sequence[str]) -> tuple[int, int]:
    """Rebuild the search values of those of ``rows`` that have one of the attributes ``names``.

    Caller's transaction, lock and audit entry. Returns how many have a value, and how many of these have one that no
    search finds though its attribute is searchable (a number out of bounds, a date that is none).
    """
    profiles: dict[int, dict[str, Any]] = {}
    for row in rows:
        profile = selectors.opened(row).profile
        if any(name in (profile.get("attributes") or {}) for name in names):
            profiles[row.pk] = profile
    outside = 0
    for found in _search_rewrite(profiles, own).values():
        wanted = [spec.slot for name in names if (spec := own.get(f"attribute.{name}")) and spec.slot is not None]
        outside += any(slot not in found.slots for slot in wanted)
    return len(profiles), outside


def renew_search(rows: Sequence[Person], own: Mapping[str, FieldSpec]) -> None:
    """Bring the search values of ``rows`` to the generation of today. Caller's transaction, lock and audit entry.

    Whose seal is broken keeps what there is: it cannot be made anew, and nothing would be gained by coming back.
    """
    profiles: dict[int, dict[str, Any]] = {}
    for row in rows:
        with suppress(sealing.SealBroken):
            profiles[row.pk] = selectors.opened(row).profile
    _search_rewrite(profiles, own)
    PersonSearch.objects.filter(pk__in=[row.pk for row in rows]).update(generation=search_values.GENERATION)


def _search_rewrite(
    profiles: Mapping[int, dict[str, Any]], own: Mapping[str, FieldSpec]
) -> dict[int, search_values.SearchValues]:
    states: dict[int, dict[str, str]] = {person_id: {} for person_id in profiles}
    holding = ConsentState.objects.holding(clock.now()).filter(person_id__in=profiles)
    for person_id, purpose, state in holding.values_list("person_id", "purpose", "state"):
        states[person_id][purpose] = state
    values = {pk: search_values.of(profile, states[pk], own) for pk, profile in profiles.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS search_change (id int8, tokens int8[],"
            f" {', '.join(f'{name} int8' for name in SLOT_COLUMNS)}) ON COMMIT DELETE ROWS"
        )
        cursor.execute("TRUNCATE search_change")
        copy_rows(
            f"search_change (id, tokens, {SLOT_NAMES})",
            ["int8", "int8[]", *_SLOT_TYPES],
            [(pk, found.tokens, *slots(found)) for pk, found in values.items()],
        )
        cursor.execute(
            f"UPDATE contacts_personsearch s SET tokens = c.tokens, {_SLOT_SETS}"  # noqa: S608 - names of our columns
            " FROM search_change c WHERE c.id = s.person_id"
        )
    return values


def refresh_search(person_ids: Sequence[int]) -> None:
    """Rebuild the search values of people whose consent changed. Caller's transaction, caller's audit entry."""
    own = attributes.catalog(writing=True)
    for row in Person.objects.filter(pk__in=person_ids, erased_at__isnull=True):
        opened = selectors.opened(row)
        states = dict(ConsentState.objects.holding(clock.now()).filter(person=row).values_list("purpose", "state"))
        PersonSearch.objects.filter(person=row).update(tokens=search_values.of(opened.profile, states, own).tokens)


@transaction.atomic
def contacts_take_back(*, actor: Actor, ids: Sequence[int], action: Action, subject: str | int | None = None) -> int:
    """Erase people who were made by mistake and to whom nothing happened since (``selectors.untouched``), in bulk.

    Like ``contact_erase``, with one audit entry. Returns how many.
    """
    now = clock.now()
    rows = list(Person.objects.select_for_update().filter(pk__in=ids, erased_at__isnull=True).order_by("pk"))
    people = [row.pk for row in rows]
    if not people:
        return 0
    for model in (PersonSearch, PersonIdentity, TimelineEvent, Appointment, PendingChange, MovedMailbox):
        model._default_manager.filter(person__in=people).delete()
    for each in (TimelineSummary, LatestResult, PersonTag, MatchKey):
        each._default_manager.filter(person_id__in=people).delete()
    Person.objects.filter(pk__in=people).update(
        wrapped_profile=None, sealed=None, erased_at=now, version=F("version") + 1
    )
    ledger.add_many(people, now)
    record(actor=actor, action=action, kind="person", subject=subject, people=people, codes={"taken back": len(people)})
    return len(people)


@transaction.atomic
def contact_erase(*, actor: Actor, person_id: int, reason: str) -> None:
    """Erase a person: profile key, profile, timeline, appointments and every search value go now.

    What law makes us keep (messages sent, consents) stays under the record key. Suppressions stay, by mailbox token,
    so that the address is not mailed again. Raises ``Refused`` for an unknown or erased person.
    """
    row = Person.objects.select_for_update().filter(pk=person_id, erased_at__isnull=True).first()
    if row is None:
        raise Refused("person.unknown", "There is no such person any more.")
    PersonSearch.objects.filter(person=row).delete()
    PersonIdentity.objects.filter(person=row).delete()
    MatchKey.objects.filter(person_id=row.pk).delete()
    # What an undo of merges would need is this person's too.
    PersonMerge.objects.filter(kept=row).update(sealed=None)
    TimelineEvent.objects.filter(person=row).delete()
    TimelineSummary.objects.filter(person_id=row.pk).delete()
    LatestResult.objects.filter(person_id=row.pk).delete()
    PersonTag.objects.filter(person_id=row.pk).delete()
    Appointment.objects.filter(person=row).delete()
    PendingChange.objects.filter(person=row).delete()
    MovedMailbox.objects.filter(person=row).delete()
    row.wrapped_profile, row.sealed, row.erased_at = None, None, clock.now()
    row.version += 1
    row.save(update_fields=["wrapped_profile", "sealed", "erased_at", "version"])
    # Before the commit: an erasure that a restore cannot know of would be undone by it.
    ledger.add_many([person_id, *selectors.former_records(person_id)], row.erased_at)
    record(
        actor=actor,
        action=Action.CONTACT_ERASE,
        kind="person",
        subject=person_id,
        people=[person_id],
        reason=reason,
    )
