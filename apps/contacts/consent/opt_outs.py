"""Opt-outs outlive the restore of an older backup: noted in a ledger, from which ``replay`` does them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction

from apps.contacts.models import ConsentState
from apps.core import clock
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
