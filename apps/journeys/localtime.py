"""Clock times on the wall of the clinic, safe across daylight saving changes. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apps.journeys.vocabulary import Direction, Unit


def instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment (UTC) when the wall clock of `zone` shows `at` on `day`.

    A time the clock skips in spring is taken as many minutes later as it skips (2:30 becomes
    3:30); of a time it shows twice in autumn, the first is taken.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def local_day(value: datetime | date, zone: ZoneInfo) -> date:
    """The calendar day of a moment in `zone`; a plain date is itself."""
    return value.astimezone(zone).date() if isinstance(value, datetime) else value


def near_date(value: datetime | date, *, days: int, direction: Direction, at: time, zone: ZoneInfo) -> datetime:
    """The moment (UTC) `days` calendar days before or after `value`, when the clock shows `at`."""
    offset = timedelta(days=-days if direction is Direction.BEFORE else days)
    return instant(local_day(value, zone) + offset, at, zone)


def after(start: datetime, amount: int, unit: Unit, zone: ZoneInfo) -> datetime:
    """The moment (UTC) `amount` units after `start`: days and weeks keep the time on the wall clock."""
    if unit in (Unit.DAYS, Unit.WEEKS):
        local = start.astimezone(zone)
        return instant(local.date() + timedelta(**{unit.value: amount}), local.time(), zone)
    return start.astimezone(UTC) + timedelta(**{unit.value: amount})


def as_moment(value: datetime | date, zone: ZoneInfo) -> datetime:
    """The moment a date begins (midnight on the wall clock); a moment is itself, in UTC."""
    return value.astimezone(UTC) if isinstance(value, datetime) else instant(value, time(0, 0), zone)
