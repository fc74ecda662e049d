"""Doing again, after a restore, the opt-outs that the backup had not."""

from __future__ import annotations

from datetime import datetime

from apps.contacts.consent.opt_outs import DENIED
from apps.contacts.consent.services import consent_record, suppress_many
from apps.contacts.models import ConsentState
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.vault import ledger


def opt_outs_replay(*, actor: Actor, since: datetime) -> int:
    """Do again what was noted since a backup was made; returns how many opt-outs the backup had not.

    The last word counts. What was lifted or granted since is not done again: its evidence was in the database.
    """
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
                actor=actor,
                person_id=person,
                purpose=purpose,
                state=DENIED,
                on=clock.clinic_day(at),
                method="before a restore",
            )
        except Refused:
            continue  # erased, or came after the backup
        again += 1
    return again
