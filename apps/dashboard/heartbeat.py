"""When the schedule last beat, a worker carried it out, and how many workers there were.

Kept in the cache: it is worth nothing tomorrow.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery import current_app as app
from django.core.cache import cache

from apps.core import clock

KEY = "status:heartbeat"
WORKERS = "status:workers"
ANSWER_WITHIN = 0.8  # seconds; a worker answers from its main process, busy or not
LATE = timedelta(seconds=100)  # the schedule beats every 30 seconds


def note() -> None:
    """Remember that the schedule beat now."""
    cache.set(KEY, clock.now().timestamp(), timeout=24 * 3600)


def last() -> datetime | None:
    """When it last beat, or None when it did not in the last day."""
    stamp = cache.get(KEY)
    return datetime.fromtimestamp(stamp, UTC) if stamp is not None else None


def is_late(now: datetime) -> bool:
    """Whether worker or schedule must be taken as standing still."""
    heard = last()
    return heard is None or now - heard > LATE


def call_workers(limit: int | None = None) -> int:
    """How many workers answer a call; with ``limit`` the call ends with that many answers."""
    return len(app.control.inspect(timeout=ANSWER_WITHIN, limit=limit).ping() or {})


def note_workers() -> None:
    """Call every worker and remember how many answered."""
    cache.set(WORKERS, call_workers(), timeout=24 * 3600)


def workers_known() -> int:
    """How many workers answered the schedule's last call; 0 when it never called."""
    return int(cache.get(WORKERS) or 0)
