"""Mailboxes that were away: providers give the name of a dead or silent mailbox to somebody else. Pure.

Nothing in a mail tells the new owner from the old one, and a server that says 250 does not know either. So health
information goes there by the portal alone: the notice says nothing, and the code that is sent to the mailbox opens
nothing without the person's date of birth. Whoever signs in so has proven that the mailbox is theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from apps.core.levels import Level

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "dead": "This mailbox did not exist for a time and works again",
        "away": "This mailbox was dead or silent for a long time",
        "silent": "Nothing was delivered to this mailbox, and nothing was heard of it, for a long time",
    }
)
DAYS_IN_A_MONTH = 30.44


def portal_only(level: Level, unproven: str) -> bool:
    """Whether a message of ``level`` may go by the portal alone. ``unproven`` is why the mailbox is in question, or "".

    What is no health information goes as ever: the portal's own notices among it, by which somebody proves it.
    """
    return bool(unproven) and level >= Level.HEALTH


def silent_before(now: datetime, months: int) -> datetime | None:
    """The moment since which a mailbox must have shown itself; None when silence counts for nothing (0 months)."""
    return now - timedelta(days=months * DAYS_IN_A_MONTH) if months > 0 else None


def reason(unproven: str) -> str:
    """Why the message waits in the portal, as a sentence."""
    return (
        f"{WORDS[unproven]}: somebody else may have it now. The message waits in the portal until "
        "the person signs in there, or staff confirms the mailbox."
    )
