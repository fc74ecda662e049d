"""Packed values are what PostgreSQL sends for the same ones."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection

from apps.core import copy_format

pytestmark = pytest.mark.django_db


def sent(value: str) -> bytes:
    """A value in the binary form of the database itself, its length in front."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection).copy(f"COPY (SELECT {value}) TO STDOUT (FORMAT BINARY)") as out:
        whole = b"".join(bytes(piece) for piece in out)
    assert whole.startswith(copy_format.HEAD + b"\0\1")
    assert whole.endswith(copy_format.END)
    return whole[len(copy_format.HEAD) + 2 : -len(copy_format.END)]


@pytest.mark.parametrize("numbers", [[], [0], [7, -1, 2**63 - 1], list(range(300))])
def test_arrays(numbers: list[int]) -> None:
    assert sent(f"'{{{','.join(map(str, numbers))}}}'::bigint[]") == copy_format.int8s(numbers)


def test_numbers_bytes_and_times() -> None:
    assert sent("42::bigint") == copy_format.int8(42)
    assert sent("NULL::bigint") == copy_format.int8(None)
    assert sent("'\\x00ff'::bytea") == copy_format.raw(b"\0\xff")
    assert sent("'née'::text") == copy_format.raw("née".encode())
    at = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    assert sent("timestamptz '1999-12-31 23:59:59.999999+00'") == copy_format.int8(copy_format.time(at))
