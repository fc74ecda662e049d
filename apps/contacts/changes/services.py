"""Deciding about identity facts that wait: somebody who may see them confirms or declines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.changes.pending import values_of
from apps.contacts.models import PendingChange, Person
from apps.contacts.person import selectors
from apps.contacts.person.services import contacts_change
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.permissions import Permission, allows

State = PendingChange.State


def changes_decide(*, actor: Actor, ids: Sequence[int], confirm: bool, seen: Mapping[int, int] | None = None) -> int:
    """Confirm (write) or decline changes that wait; returns how many were still open.

    ``seen`` (id to version) is what whoever decides had before their eyes: what another list changed meanwhile stays
    open, because nobody may confirm an address that they never saw.
    Raises ``Refused`` for a role that may not see these facts, and when a record number is another person's.
    """
    if actor.kind == "staff" and not (
        allows(actor.role, Permission.CONTACT_REVEAL) and allows(actor.role, Permission.CONTACT_EDIT)
    ):
        raise Refused(
            "pending_change.not_allowed",
            "Only somebody who may see these facts can decide about them: care staff or an administrator.",
        )
    try:
        with transaction.atomic():
            return _decide(actor, ids, confirm, seen)
    except IntegrityError:
        raise Refused(
            "person.number_taken", "Another person has this record number. Decline the change, or correct that person."
        ) from None


def _decide(actor: Actor, ids: Sequence[int], confirm: bool, seen: Mapping[int, int] | None) -> int:
    # People before their changes, as an import locks them.
    wanted = PendingChange.objects.filter(pk__in=ids, state=State.OPEN).values_list("person_id", flat=True)
    locked = {
        row.pk: row
        for row in Person.objects.select_for_update().filter(pk__in=wanted, erased_at__isnull=True).order_by("pk")
    }
    rows = [
        row
        for row in PendingChange.objects.select_for_update().filter(pk__in=ids, state=State.OPEN, person__in=locked)
        if seen is None or row.version == seen.get(row.pk)
    ]
    people = {person: selectors.opened(row) for person, row in locked.items()}
    profiles: dict[int, dict[str, Any]] = {}
    names: set[str] = set()
    for row in rows:
        facts = values_of(row, people[row.person_id].profile_key)
        names |= set(facts)
        profile = dict(people[row.person_id].profile)
        for name, value in facts.items():
            if value is None:
                profile.pop(name, None)
            else:
                profile[name] = value
        profiles[row.person_id] = profile
    if confirm and profiles:
        contacts_change(actor=actor, profiles=profiles)
    PendingChange.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=State.CONFIRMED if confirm else State.DECLINED,
        decided_at=clock.now(),
        decided_by=int(actor.id) if actor.kind == "staff" and actor.id.isdigit() else None,
    )
    if rows:
        record(
            actor=actor,
            action=Action.CONTACT_CONFIRM if confirm else Action.CONTACT_DECLINE,
            kind="person",
            people=sorted(profiles),
            fields=sorted(names),
        )
    return len(rows)
