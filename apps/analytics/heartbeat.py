"""When the schedule last rang and a worker carried it out. Kept in the cache: it is worth nothing tomorrow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.core.cache import cache

from apps.core import clock

KEY = "status:heartbeat"
LATE = timedelta(seconds=100)  # the schedule rings every 30 seconds


def note() -> None:
    """Remember that the schedule rang now."""
    cache.set(KEY, clock.now().timestamp(), timeout=24 * 3600)


def last() -> datetime | None:
    """When it last rang, or None when it did not in the last day."""
    stamp = cache.get(KEY)
    return datetime.fromtimestamp(stamp, UTC) if stamp is not None else None


def is_late(now: datetime) -> bool:
    """Whether worker or schedule must be taken as standing still."""
    heard = last()
    return heard is None or now - heard > LATE
