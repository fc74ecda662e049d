"""Who may lift what stops a mailbox, and with what. Pure.

What its person chose (they unsubscribed, called our mail spam, opted out in a former tool) is lifted by a new consent
of theirs and by nobody's wish: whoever prepares mailings never lifts it, care staff and administrators do once the
consent is on record. What was found out about the mailbox or entered by staff is lifted with a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from apps.core.purposes import Purpose

CHOSEN = frozenset({"unsubscribed", "complaint", "former_tool"})
"""Reasons that are the person's own wish."""
_COMMERCIAL = frozenset({Purpose.MARKETING, Purpose.FUNDRAISING, Purpose.B2B})


class Obstacle(StrEnum):
    """Why a stop is not lifted."""

    ROLE = "role"
    NOBODY = "nobody"
    CONSENT = "consent"


@dataclass(frozen=True)
class Stop:
    """One row: why, which mail, since when."""

    reason: str
    scope: str
    since: datetime


def obstacle(
    stops: Iterable[Stop], *, speaks_with_patients: bool, people: Collection[int], granted: Mapping[str, datetime]
) -> Obstacle | None:
    """What stands in the way of lifting ``stops`` of one mailbox, or None.

    ``people`` have the mailbox; ``granted`` is since when which purposes are consented to by any of them. A stop that
    leaves reminders alone needs a consent to optional mail, one that stops reminders too a consent to any purpose.
    """
    chosen = [stop for stop in stops if stop.reason in CHOSEN]
    if not chosen:
        return None
    if not speaks_with_patients:
        return Obstacle.ROLE
    if not people:
        return Obstacle.NOBODY
    since = max(stop.since for stop in chosen)
    purposes = {purpose for purpose, at in granted.items() if at >= since}
    if any(stop.scope == "commercial" for stop in chosen):
        purposes &= {purpose.value for purpose in _COMMERCIAL}
    return None if purposes else Obstacle.CONSENT
