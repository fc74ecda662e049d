"""The one clock. Only views, tasks and commands ask it; decisions take ``now`` as an argument."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def now() -> datetime:
    """The current time, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


def today(zone: str) -> date:
    """The current date in the zone with the IANA name ``zone``."""
    return now().astimezone(ZoneInfo(zone)).date()


@contextlib.contextmanager
def frozen(at: datetime) -> Iterator[datetime]:
    """Within the block the clock stands at ``at`` (aware): for tests and for ``journey_tick --now``."""
    if at.tzinfo is None:
        raise ValueError("The clock needs an aware time.")
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield at
    finally:
        _frozen.reset(token)
