"""Values as PostgreSQL's binary COPY has them: big endian, their length in front. Pure."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# Signature, flags, length of the header's extension; a field count of -1 ends it (PostgreSQL manual, COPY).
HEAD = b"PGCOPY\n\xff\r\n\0" + b"\0" * 8
END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
_INT8 = 20
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ONE = struct.Struct(">iq")
_LENGTH = struct.Struct(">i")


def int8s(numbers: Sequence[int]) -> bytes:
    """A ``bigint[]`` as COPY's binary form has it, its elements in the given order."""
    count = len(numbers)
    if not count:
        return b"\0\0\0\x0c" + b"\0" * 8 + b"\0\0\0\x14"
    items = [8] * (2 * count)
    items[1::2] = numbers
    return _array(count).pack(20 + 12 * count, 1, 0, _INT8, count, 1, *items)


@lru_cache(maxsize=1_000)
def _array(count: int) -> struct.Struct:
    return struct.Struct(">iiiiii" + "iq" * count)


def time(at: datetime) -> int:
    """A ``timestamptz`` as the binary form has it: microseconds since 2000."""
    return (at - _EPOCH) // _MICROSECOND


def int8(number: int | None) -> bytes:
    """A ``bigint``, or NULL."""
    return NULL if number is None else _ONE.pack(8, number)


def raw(data: bytes) -> bytes:
    """A ``bytea``, or a ``text`` in UTF-8."""
    return _LENGTH.pack(len(data)) + data
