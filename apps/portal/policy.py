"""What the portal allows, as numbers and pure functions: locks that grow, sessions that end, codes.

Pure: no ORM, no clock. Sources: NIST SP 800-63B-4 sections 2.2 and 3.2.2 (session limits, throttling), ASVS 5.0
6.5.5 (out-of-band codes live at most ten minutes), WCAG 2.2 3.3.8 (codes may be pasted).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

TRIES = 5
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)
TRIES_ARE_FORGOTTEN = timedelta(hours=24)
CODE_DIGITS = 8
CODE_LIFE = timedelta(minutes=10)
IDLE = timedelta(minutes=15)
WHOLE = timedelta(hours=8)
MESSAGE_LIFE = timedelta(days=180)
LOST_LINK_LIFE = timedelta(days=7)
# A reply that comes after its session ended is kept as a draft, if the session ended by itself and lately.
DRAFT_GRACE = timedelta(hours=24)
REPLY_LENGTH = 5_000
REPLIES_PER_HOUR = 10
REPLIES_PER_DAY = 30
NOT_ME = "not_me"  # the kind of task that "This is not me" makes
PASSWORD_LENGTH = 15  # the least for a password without a second factor, NIST SP 800-63B-4 section 3.1.1.2


@dataclass(frozen=True)
class Limit:
    """At most ``count`` within ``window``."""

    count: int
    window: timedelta


# One mailbox asks for a handful of codes; a clinic's waiting room may share one network address.
LIMITS = {
    "code": Limit(6, timedelta(hours=1)),
    "code.ip": Limit(60, timedelta(hours=1)),
    "lost": Limit(3, timedelta(hours=1)),
    "lost.day": Limit(6, timedelta(days=1)),
    "lost.ip": Limit(30, timedelta(hours=1)),
    "lost.ip.day": Limit(100, timedelta(days=1)),
    "password.ip": Limit(60, timedelta(hours=1)),
}


class EndedWhy(StrEnum):
    """Why a session ended."""

    SIGNED_OUT = "signed_out"
    IDLE = "idle"
    WHOLE = "whole"
    STAFF = "staff"
    REPLACED = "replaced"
    PASSWORD = "password"  # noqa: S105
    NOT_ME = "not_me"


def lock_length(locks: int) -> timedelta:
    """How long the lock after ``locks`` earlier ones lasts: 15 minutes, doubled each time, at most a day."""
    return min(FIRST_LOCK * 2 ** min(locks, 10), LONGEST_LOCK)


def tries_so_far(tries: int, last_failed_at: datetime | None, now: datetime) -> int:
    """Wrong answers that still count: a day without one forgets them."""
    if last_failed_at is None or now - last_failed_at > TRIES_ARE_FORGOTTEN:
        return 0
    return tries


def session_end(began_at: datetime, seen_at: datetime, now: datetime) -> EndedWhy | None:
    """Why a session that nobody ended is over now, or None."""
    if now - began_at >= WHOLE:
        return EndedWhy.WHOLE
    if now - seen_at >= IDLE:
        return EndedWhy.IDLE
    return None


def seconds_left(began_at: datetime, seen_at: datetime, now: datetime) -> int:
    """Seconds until the session ends by itself; 0 when it has."""
    until = min(seen_at + IDLE, began_at + WHOLE)
    return max(0, int((until - now).total_seconds()))


def new_secret() -> str:
    """A fresh 256-bit secret in 43 characters that may stand in an address or a cookie."""
    return secrets.token_urlsafe(32)


def hashed(secret: str) -> bytes:
    """SHA-256 of a 256-bit secret; 32 bytes. It needs no salt and no stretching: nobody guesses it."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def new_code() -> str:
    """Eight random digits."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def spoken_code(code: str) -> str:
    """``1234 5678``, as it stands in the mail."""
    half = CODE_DIGITS // 2
    return f"{code[:half]} {code[half:]}"


def bare_code(typed: str) -> str:
    """What was typed or pasted, without the spaces and dashes that mail programs put in; "" when not a code."""
    digits = "".join(character for character in typed if not character.isspace() and character not in "-–—.")
    return digits if len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit() else ""


def last_digits(value: str) -> str:
    """The last four digits of a phone or record number; "" when it has fewer."""
    digits = "".join(character for character in value if character.isascii() and character.isdigit())
    return digits[-4:] if len(digits) >= 4 else ""


def told_apart(ends: Sequence[frozenset[str]]) -> bool:
    """Whether last digits can tell these people apart: each has some, and nobody shares any."""
    seen: set[str] = set()
    for own in ends:
        if not own or own & seen:
            return False
        seen |= own
    return True


def clean_reply(text: str) -> str:
    """A reply as it is kept: line ends made one, control characters and surrounding space gone."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in plain if c in "\n\t" or (c >= " " and c not in "\x7f" and not 0xD800 <= ord(c) <= 0xDFFF))
    return kept.strip()


def one_line(text: str, length: int = 200) -> str:
    """Text for a header or a title: no line break, no control character, at most ``length`` characters."""
    return " ".join(clean_reply(text).split())[:length]


def inbox_place(unread: bool, at: datetime, row: int) -> int:
    """Where a conversation stands in the inbox, highest first: unread before read, then the latest. Unique."""
    milliseconds = int(at.timestamp() * 1000)
    return (int(unread) << 61) | (milliseconds << 19) | (row & 0x7FFFF)


def birth_date(year: str, month: str, day: str) -> date | None:
    """A date from three fields; None when there is no such day."""
    try:
        return date(int(year), int(month), int(day))
    except (ValueError, OverflowError):
        return None
