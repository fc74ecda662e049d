"""Children and their guardians, by the keys of a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.audit.actions import Action
from apps.contacts.changes import identity_facts
from apps.contacts.changes.pending import corresponding, news, pending_changes_add
from apps.contacts.person.search_values import match_token
from apps.contacts.person.services import contacts_change
from apps.core.actors import Actor
from apps.imports.services.people import open_many, owners_of
from apps.imports.services.writes import Before


def guardians_link(
    *,
    actor: Actor,
    pairs: Sequence[tuple[str, str]],
    match_on: str,
    source: str,
    write: bool = True,
    subject: str | int | None = None,
    wait: bool = False,
    before: list[Before] | None = None,
) -> tuple[int, int]:
    """Point children at their guardians by (child's key, guardian's key).

    Returns how many changed, and of how many the change waits for confirmation (identity facts, or ``wait``: whoever
    ``actor`` is); ``before`` is given what was there. Pairs of which one is unknown, or shared by several people, are
    left alone.
    """
    kind, _ = match_token(match_on, source, "")
    token_of = {key: match_token(match_on, source, key)[1] for pair in pairs for key in pair}
    owners = owners_of(kind, set(token_of.values()))
    wanted: dict[int, int] = {}
    for child, guardian in pairs:
        mine, theirs = owners.get(token_of[child], []), owners.get(token_of[guardian], [])
        if len(mine) == 1 and len(theirs) == 1 and mine != theirs:
            wanted[mine[0]] = theirs[0]
    people = open_many(actor, sorted(wanted), subject)
    profiles = {
        person.id: {**person.profile, "guardian_id": wanted[person.id]}
        for person in people.values()
        if person.profile.get("guardian_id") != wanted[person.id]
    }
    to_confirm: dict[int, dict[str, Any]] = {}
    if wait or identity_facts.must_wait(actor):
        # A child's mail goes to the guardian: replacing one is replacing the mailbox.
        behind = corresponding(sorted(profiles))
        facts = {
            person: {"guardian_id": wanted[person]}
            for person in profiles
            if people[person].profile.get("guardian_id") or person in behind
        }
        profiles = {person: profile for person, profile in profiles.items() if person not in facts}
        to_confirm = news(people, facts)
    if write:
        pending_changes_add(actor=actor, people=people, facts=to_confirm, job=None if subject is None else int(subject))
        if before is not None:
            before += [
                Before(
                    person,
                    people[person].profile_key,
                    {"fields": {"guardian_id": [people[person].profile.get("guardian_id"), wanted[person]]}},
                    people[person].version + 1,
                )
                for person in profiles
            ]
        if profiles:
            contacts_change(actor=actor, profiles=profiles, action=Action.CONTACT_IMPORT, subject=subject)
    return len(profiles), len(to_confirm)
