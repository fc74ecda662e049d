"""Opt-outs outlive the restore of a backup that is older than they are: noted in a ledger, and done again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.contacts.models import ConsentState
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.vault import ledger

DENIED = "denied"


def mailboxes_note(mailboxes: Iterable[bytes], scope: str, reason: str) -> None:
    """Note suppressed mailboxes, or lifted ones (``reason`` ""), once this is committed. Caller's transaction."""
    _note([{"mailbox": bytes(mailbox).hex(), "scope": scope, "reason": reason} for mailbox in mailboxes])


def consents_note(states: Mapping[tuple[int, str], str]) -> None:
    """Note consents by (person, purpose) that are denied, or granted where they were denied. Before they are written.

    Others need no note: without a denial there is nothing that a backup could undo. Caller's transaction.
    """
    granted = {person for (person, _), state in states.items() if state != DENIED}
    before: set[tuple[int, str]] = set()
    if granted:
        rows = ConsentState.objects.filter(person_id__in=granted, state=DENIED)
        before = set(rows.values_list("person_id", "purpose"))
    _note(
        [
            {"person": person, "purpose": purpose, "state": state}
            for (person, purpose), state in states.items()
            if state == DENIED or (person, purpose) in before
        ]
    )


def _note(lines: Sequence[Mapping[str, Any]]) -> None:
    if lines:
        at = clock.now()
        transaction.on_commit(lambda: ledger.opt_outs_add(lines, at), robust=True)


def opt_outs_replay(*, actor: Actor, since: datetime) -> int:
    """Do again what was noted since a backup was made; returns how many opt-outs the backup had not.

    The last word counts. What was lifted or granted since is not done again: its evidence was in the database.
    """
    from apps.contacts.consent.services import consent_record, suppress_many

    mailboxes: dict[tuple[str, str], str] = {}
    consents: dict[tuple[int, str], tuple[str, datetime]] = {}
    for line in ledger.opt_outs(since):
        if "mailbox" in line:
            mailboxes[str(line["mailbox"]), str(line["scope"])] = str(line["reason"])
        else:
            at = datetime.fromisoformat(line["at"])
            consents[int(line["person"]), str(line["purpose"])] = (str(line["state"]), at)
    again = 0
    for (mailbox, scope), reason in mailboxes.items():
        if reason:
            again += suppress_many(
                actor=actor, mailboxes=[bytes.fromhex(mailbox)], scope=scope, reason=reason, source="before a restore"
            )
    for (person, purpose), (state, at) in consents.items():
        if state != DENIED or ConsentState.objects.filter(person_id=person, purpose=purpose, state=DENIED).exists():
            continue
        try:
            consent_record(
                actor=actor, person_id=person, purpose=purpose, state=DENIED, on=at.date(), method="before a restore"
            )
        except Refused:
            continue  # erased, or came after the backup
        again += 1
    return again
