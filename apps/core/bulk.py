"""Bulk writing by binary COPY, bulk look-ups, and statements that run thousands of times an hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from django.db import connection

from apps.core import copy_format


def copy_rows(target: str, types: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """COPY ``rows`` into ``target`` ("table (column, ...)"); ``types`` are PostgreSQL type names, one a column.

    Raises Django's ``IntegrityError`` where a constraint says no.
    """
    if not rows:
        return
    with connection.cursor() as cursor, connection.wrap_database_errors:
        with cursor.copy(f"COPY {target} FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


def copy_packed(target: str, rows: Iterable[bytes]) -> None:
    """COPY rows that are in the binary form already, in pieces of one row or many; see ``core.wire``.

    Raises Django's ``IntegrityError`` where a constraint says no.
    """
    data = b"".join(rows)
    if not data:
        return
    with connection.cursor() as cursor, connection.wrap_database_errors:
        with cursor.copy(f"COPY {target} FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(copy_format.HEAD)
            copy.write(data)
            copy.write(copy_format.END)


def int8_array(values: Iterable[int]) -> str:
    """Whole numbers as the text of a PostgreSQL array, for ``%s::bigint[]``: thousands of ids as one plain string cost
    a tenth of what the driver's array writer takes.
    """
    return f"{{{','.join(map(str, values))}}}"


def bytea_array(values: Iterable[bytes]) -> str:
    """Byte strings as the text of a PostgreSQL array, for ``%s::bytea[]``."""
    words = ",".join(f'"\\\\x{value.hex()}"' for value in values)
    return f"{{{words}}}"


def run(
    statement: str, parameters: Sequence[Any] | dict[str, Any] = (), *, planned_once: bool = True
) -> list[tuple[Any, ...]]:
    """Run a fixed statement in the current transaction; its rows, or none.

    Its values are bound by the server and its rows come in binary: Django's own cursor writes every value into the
    text of the statement, which for the lists of a claim costs more than the query. ``planned_once`` keeps its plan
    for the connection: say no where a good plan depends on the values.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=planned_once, binary=True)
        return cursor.fetchall() if cursor.description is not None else []


def next_ids(table: str, count: int) -> list[int]:
    """``count`` fresh ids of a table, in one query: a sealed row must know its id before it is written."""
    with connection.cursor() as cursor:
        # The sequence's name is looked up once, not for each number.
        cursor.execute(
            "SELECT nextval((SELECT pg_get_serial_sequence(%s, 'id')::regclass)) FROM generate_series(1, %s)",
            [table, count],
        )
        return [row[0] for row in cursor.fetchall()]
