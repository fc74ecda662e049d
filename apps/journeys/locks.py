"""The locks of journeys, in the order in which they are taken: intake, then runs by number."""

from __future__ import annotations

from django.db import connection

INTAKE = 0x6A726E01


def try_intake() -> bool:
    """Whether this transaction may let people in; a second beat tick finds the lock taken and leaves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [INTAKE])
        return bool(cursor.fetchone()[0])


def intake() -> None:
    """Wait for the lock of the intake: for staff who add a person or activate while beat ticks."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [INTAKE])
