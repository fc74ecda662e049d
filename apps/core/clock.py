"""The one clock. Only views, tasks and commands ask it; decisions take ``now`` as an argument."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)
_outside: ContextVar[datetime | None] = ContextVar("outside", default=None)

# The app that knows where the clinic is answers; it lies above the apps that have to ask.
_clinic: list[Callable[[], tzinfo]] = [lambda: UTC]


def now() -> datetime:
    """The current time, aware, in UTC."""
    return _frozen.get() or datetime.now(UTC)


def wall() -> datetime:
    """The time outside of ``frozen``, also within it: when what was decided "as if" can really happen."""
    return _outside.get() or datetime.now(UTC)


def today(zone: str) -> date:
    """The current date in the zone with the IANA name ``zone``."""
    return now().astimezone(ZoneInfo(zone)).date()


def register_clinic(zone: Callable[[], tzinfo]) -> None:
    """Called once, when the app that knows the clinic's time zone is ready."""
    _clinic[0] = zone


def clinic_zone() -> tzinfo:
    """The clinic's time zone: whose days are meant wherever somebody says a day."""
    return _clinic[0]()


def clinic_day(at: datetime | None = None) -> date:
    """The clinic's day at an aware moment, without one today: what is meant by the day of something that happened."""
    return (at or now()).astimezone(clinic_zone()).date()


def clinic_midnight(at: datetime | None = None) -> datetime:
    """The moment at which the clinic's day of ``at`` (without one, today) began."""
    return datetime.combine(clinic_day(at), time(), clinic_zone())


@contextlib.contextmanager
def frozen(at: datetime) -> Iterator[datetime]:
    """Within the block the clock stands at ``at`` (aware): for tests and for ``journey_tick --now``."""
    if at.tzinfo is None:
        raise ValueError("The clock needs an aware time.")
    before = _outside.set(_frozen.get())
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield at
    finally:
        _frozen.reset(token)
        _outside.reset(before)
