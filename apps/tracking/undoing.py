"""How long an unsubscribe can be taken back from the page that answered it. Pure but for the link key.

Whoever finds the mail later has the same link as its reader, so the link alone must not subscribe anybody again:
undoing needs the answer page of a few minutes ago, and lifts only what is as young. After that, mail needs a new,
explicit consent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from datetime import UTC, datetime, timedelta

from apps.vault import keys

TAKE_BACK_WITHIN = timedelta(minutes=10)
_LENGTH = 8 + 16


def ticket(now: datetime) -> str:
    """What the answer page carries: the moment, signed. It names nobody, so that unknown links get the same."""
    stamp = struct.pack(">q", int(now.timestamp()))
    return base64.urlsafe_b64encode(stamp + _mac(stamp)).decode("ascii")


def is_young(given: str, now: datetime) -> bool:
    """Whether ``given`` is a ticket of the last minutes."""
    try:
        raw = base64.urlsafe_b64decode(given.encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        return False
    if len(raw) != _LENGTH or not hmac.compare_digest(raw[8:], _mac(raw[:8])):
        return False
    made = datetime.fromtimestamp(struct.unpack(">q", raw[:8])[0], UTC)
    return made <= now < made + TAKE_BACK_WITHIN


def _mac(stamp: bytes) -> bytes:
    return hmac.digest(keys.ring().link, b"unsubscribe undo\0" + stamp, hashlib.sha256)[:16]
