"""Creating, changing and erasing people: one by one from a form, by the thousand from an import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts import search_values, selectors
from apps.contacts.models import (
    Appointment,
    ConsentState,
    HeldChange,
    MovedMailbox,
    Person,
    PersonIdentity,
    PersonSearch,
    TimelineEvent,
    TimelineSummary,
)
from apps.contacts.models.person import PERSON_TABLE
from apps.contacts.records import PersonRecord
from apps.contacts.services.held import hold_back, moved_note
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import copy_rows, next_ids
from apps.core.errors import Refused
from apps.vault import ledger, sealing


@transaction.atomic
def contact_create(*, actor: Actor, profile: dict[str, Any]) -> PersonRecord:
    """Create one person. Raises ``Refused`` when the record number is another person's."""
    try:
        with transaction.atomic():
            return contacts_create(actor=actor, profiles=[profile])[0]
    except IntegrityError:
        raise Refused("Another person has this record number. Open that person, or correct the number.") from None


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
    ids = next_ids(PERSON_TABLE, len(profiles))
    now = clock.now()
    records = []
    people, searches, identities = [], [], []
    stated = consents or [{}] * len(profiles)
    for person_id, profile, states in zip(ids, profiles, stated, strict=True):
        keys = sealing.new_person_keys(person_id)
        sealed = sealing.seal(keys.profile, profile, table=PERSON_TABLE, row=person_id, version=1, epoch=keys.kek_id)
        found = search_values.of(profile, states)
        people.append((person_id, keys.kek_id, keys.wrapped_profile, keys.wrapped_record, sealed, 1, now))
        searches.append((person_id, found.tokens, found.birth_day, found.birth_month_day, 1))
        identities += [(kind, token, person_id) for kind, token in found.identities]
        records.append(PersonRecord(person_id, profile, keys.profile, keys.record, dict(states), created_at=now))
    copy_rows(
        f"{PERSON_TABLE} (id, kek_id, wrapped_profile, wrapped_record, sealed, version, created_at)",
        ["int8", "int2", "bytea", "bytea", "bytea", "int4", "timestamptz"],
        people,
    )
    copy_rows(
        "contacts_personsearch (person_id, tokens, birth_day, birth_month_day, generation)",
        ["int8", "int8[]", "int8", "int8", "int2"],
        searches,
    )
    copy_rows("contacts_personidentity (kind, token, person_id)", ["int2", "bytea", "int8"], identities)
    record(actor=actor, action=action, kind="person", subject=subject, people=ids)
    return records


def contact_update(*, actor: Actor, person_id: int, profile: dict[str, Any], version: int) -> list[str]:
    """Replace the profile of one person; returns the names of facts that wait for confirmation (``guarded``).

    Raises ``Refused`` when somebody else changed it since ``version`` was read, or a record number is taken.
    """
    try:
        with transaction.atomic():
            row = Person.objects.select_for_update().filter(pk=person_id, erased_at__isnull=True).first()
            waiting: list[str] = []
            if row is not None:
                profile, waiting = hold_back(actor=actor, person=selectors.opened(row), profile=profile)
            contacts_change(actor=actor, profiles={person_id: profile}, versions={person_id: version})
            return waiting
    except IntegrityError:
        raise Refused("Another person has this record number. Open that person, or correct the number.") from None


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
        raise Refused("Somebody else changed this person meanwhile. Your entries are kept: compare and save again.")
    if not rows:
        return 0
    consents: dict[int, dict[str, str]] = {row.pk: {} for row in rows}
    for state in ConsentState.objects.holding(clock.now()).filter(person__in=rows):
        consents[state.person_id][state.purpose] = state.state
    changes, identities, moves = [], [], []
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
        found = search_values.of(profile, consents[row.pk])
        changes.append((row.pk, sealed, found.tokens, found.birth_day, found.birth_month_day))
        identities += [(kind, token, row.pk) for kind, token in found.identities]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE IF NOT EXISTS person_change (id int8, sealed bytea, tokens int8[], birth_day int8,"
            " birth_month_day int8) ON COMMIT DELETE ROWS"
        )
        cursor.execute("TRUNCATE person_change")
        copy_rows(
            "person_change (id, sealed, tokens, birth_day, birth_month_day)",
            ["int8", "bytea", "int8[]", "int8", "int8"],
            changes,
        )
        cursor.execute(
            "UPDATE contacts_person p SET sealed = c.sealed, version = p.version + 1"
            " FROM person_change c WHERE c.id = p.id"
        )
        cursor.execute(
            "UPDATE contacts_personsearch s SET tokens = c.tokens, birth_day = c.birth_day,"
            " birth_month_day = c.birth_month_day FROM person_change c WHERE c.id = s.person_id"
        )
        cursor.execute("DELETE FROM contacts_personidentity WHERE person_id = ANY(%s)", [[r.pk for r in rows]])
        copy_rows("contacts_personidentity (kind, token, person_id)", ["int2", "bytea", "int8"], identities)
    moved_note(moves)
    record(actor=actor, action=action, kind="person", subject=subject, people=[row.pk for row in rows])
    return len(rows)


def refresh_search(person_ids: Sequence[int]) -> None:
    """Rebuild the search values of people whose consent changed. Caller's transaction, caller's audit entry."""
    for row in Person.objects.filter(pk__in=person_ids, erased_at__isnull=True):
        opened = selectors.opened(row)
        states = dict(ConsentState.objects.holding(clock.now()).filter(person=row).values_list("purpose", "state"))
        PersonSearch.objects.filter(person=row).update(tokens=search_values.of(opened.profile, states).tokens)


@transaction.atomic
def contact_erase(*, actor: Actor, person_id: int, reason: str) -> None:
    """Erase a person: profile key, profile, timeline, appointments and every search value go now.

    What law makes us keep (messages sent, consents) stays under the record key. Suppressions stay, by mailbox token,
    so that the address is not mailed again. Raises ``Refused`` for an unknown or erased person.
    """
    row = Person.objects.select_for_update().filter(pk=person_id, erased_at__isnull=True).first()
    if row is None:
        raise Refused("There is no such person any more.")
    PersonSearch.objects.filter(person=row).delete()
    PersonIdentity.objects.filter(person=row).delete()
    TimelineEvent.objects.filter(person=row).delete()
    TimelineSummary.objects.filter(person_id=row.pk).delete()
    Appointment.objects.filter(person=row).delete()
    HeldChange.objects.filter(person=row).delete()
    MovedMailbox.objects.filter(person=row).delete()
    row.wrapped_profile, row.sealed, row.erased_at = None, None, clock.now()
    row.version += 1
    row.save(update_fields=["wrapped_profile", "sealed", "erased_at", "version"])
    # Before the commit: an erasure that a restore cannot know of would be undone by it.
    ledger.add(person_id, row.erased_at)
    record(
        actor=actor,
        action=Action.CONTACT_ERASE,
        kind="person",
        subject=person_id,
        people=[person_id],
        reason=reason,
    )
