"""Waking those who wait for something in the database, by NOTIFY."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, cast

import psycopg
from django.db import connection


def tell(channel: str) -> None:
    """Wake whoever listens to ``channel``, once the caller's transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [channel])


@contextlib.contextmanager
def listening(channel: str) -> Iterator[Callable[[float], None]]:
    """Gives a function that waits until somebody tells, for that many seconds at most. Outside transactions only.

    A pooler between us and the database may swallow what is told: look again after each wait, whatever woke you.
    """
    name = connection.ops.quote_name(channel)
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {name}")
    raw = cast(psycopg.Connection[Any], connection.connection)

    def wait(seconds: float) -> None:
        for _ in raw.notifies(timeout=seconds, stop_after=1):
            pass

    try:
        yield wait
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"UNLISTEN {name}")
