"""Packed values are what PostgreSQL sends for the same ones."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection

from apps.core import wire

pytestmark = pytest.mark.django_db


def sent(value: str) -> bytes:
    """A value in the binary form of the database itself, its length in front."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection).copy(f"COPY (SELECT {value}) TO STDOUT (FORMAT BINARY)") as out:
        whole = b"".join(bytes(piece) for piece in out)
    assert whole.startswith(wire.HEAD + b"\0\1")
    assert whole.endswith(wire.END)
    return whole[len(wire.HEAD) + 2 : -len(wire.END)]


@pytest.mark.parametrize("numbers", [[], [0], [7, -1, 2**63 - 1], list(range(300))])
def test_arrays(numbers: list[int]) -> None:
    assert sent(f"'{{{','.join(map(str, numbers))}}}'::bigint[]") == wire.int8s(numbers)


def test_numbers_bytes_and_times() -> None:
    assert sent("42::bigint") == wire.int8(42)
    assert sent("NULL::bigint") == wire.int8(None)
    assert sent("'\\x00ff'::bytea") == wire.raw(b"\0\xff")
    assert sent("'née'::text") == wire.raw("née".encode())
    at = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert sent("timestamptz '1999-12-31 23:59:59.999999+00'") == wire.int8(wire.time(at))
