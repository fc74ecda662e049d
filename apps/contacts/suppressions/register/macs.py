"""What binds a suppression: the MAC of its row, and its share in the sum over all rows of a bucket.

Under the audit key, which the database has not. A MAC shows that a row was edited; the sum shows that one is missing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apps.audit import marks
from apps.core import keyed

MAC_LENGTH = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SUM = 1 << 256


def row_mac(mailbox: bytes, scope: str, reason: str, since: datetime, source: str) -> bytes:
    """The MAC of a row's content; 16 bytes of HMAC-SHA256 (RFC 2104)."""
    at = (since - _EPOCH) // timedelta(microseconds=1)
    content = b"%b%b\x1f%b\x1f%d\x1f%b" % (mailbox, scope.encode(), reason.encode(), at, source.encode())
    return keyed.digest(marks.key(), b"suppression|", content)[:MAC_LENGTH]


def share(mailbox: bytes, scope: str) -> int:
    """What a row adds to the sum of its bucket. Reason and day may change; which mail stops for whom is what counts."""
    return int.from_bytes(keyed.digest(marks.key(), b"suppression share|", mailbox + scope.encode()), "big")


def plus(total: bytes, *amounts: int) -> bytes:
    """A sum of 32 bytes after some amounts, which may be negative."""
    return ((int.from_bytes(total, "big") + sum(amounts)) % _SUM).to_bytes(32, "big")


def sum_mac(place: str, number: int, bucket: int, members: int, total: bytes, facts: str = "") -> bytes:
    """The MAC of a sum or a change of one; ``place`` says which of them, ``number`` which row."""
    content = b"%b\x1f%d\x1f%d\x1f%d\x1f%b%b" % (place.encode(), number, bucket, members, total, facts.encode())
    return keyed.digest(marks.key(), b"suppression sum|", content)
