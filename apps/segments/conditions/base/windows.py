"""The calendar conditions count on: shifts, horizons, anniversaries.

Each kind says which days it means in one method, read by its evaluator and by its SQL. All windows are inclusive pairs
of days on the clinic's calendar. A side left open reaches to a fixed horizon, because a searchable day is one keyed
value and a range is the list of all its days; so the two cannot disagree about a record dated 1753 or 2100.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

Window = tuple[date, date]

#: What a number of "last" or "next" days may count instead; rules that name no unit count days.
UNITS = ("days", "weeks", "months", "years")
DAYS = UNITS[0]

#: The first day anything can be dated: earlier dates are typing errors and match no range.
BEGINNING = date(1880, 1, 1)
#: How far a window without an end reaches past today.
HORIZON_YEARS = 3
#: The same for dates the organization defined: contracts and memberships end decades ahead.
OWN_HORIZON_YEARS = 50
#: The longest "last N" and "next N" anyone may ask for, by unit: ten years, for a range is the list of its days.
MOST = {"days": 3660, "weeks": 522, "months": 120, "years": 10}


def years_before(day: date, years: int) -> date:
    """The day ``years`` earlier; Feb 29 becomes Feb 28, so that age turns the day after it, on Mar 1."""
    year = day.year - years
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def shifted(day: date, number: int, unit: str) -> date:
    """The day ``number`` units later (earlier for a negative one), on the calendar: a month after Jan 31 is the last
    day of February, as people count.
    """
    if unit in ("days", "weeks"):
        return day + timedelta(days=number * (7 if unit == "weeks" else 1))
    months = day.year * 12 + day.month - 1 + number * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def horizon(today: date) -> date:
    """The last day of a window that has no end."""
    return years_before(today, -HORIZON_YEARS)


#: How far the clocks of the world stand behind and ahead of UTC.
BEHIND, AHEAD = timedelta(hours=12), timedelta(hours=14)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Moments:
    """A window of moments as what is keyed of a visit can say it, exact to the minute wherever the visit is.

    A visit in it has its day, at its place, in ``days``. On most of them every visit is in it; on one of ``edges``
    those are whose start lies in one of ``hours`` or ``minutes`` (of UTC, by their beginnings).
    """

    days: Window
    edges: tuple[date, ...]
    hours: tuple[datetime, ...]
    minutes: tuple[datetime, ...]


def to_minute(moment: datetime) -> datetime:
    """The minute (UTC) that a moment lies in."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def moments(first: datetime, last: datetime) -> Moments:
    """From a minute to a minute (UTC, both included). A day begins at one place 26 hours before it does at another, so
    two or three days at each end are edges.
    """
    days = (first - BEHIND).date(), (last + AHEAD).date()
    # Days that are wholly inside at every place on earth.
    sure = (first + AHEAD).date() + timedelta(days=1), (last - BEHIND - timedelta(days=1)).date()
    if sure[0] > sure[1]:
        edges, spans = _days(days[0], days[1]), [(first, last)]
    else:
        one = timedelta(days=1)
        edges = _days(days[0], sure[0] - one) + _days(sure[1] + one, days[1])
        spans = [(first, _midnight(sure[0]) + BEHIND - MINUTE), (_midnight(sure[1] + one) - AHEAD, last)]
    hours: dict[datetime, None] = {}
    minutes: dict[datetime, None] = {}
    for at, end in spans:
        while at <= end:
            if at.minute == 0 and at + HOUR - MINUTE <= end:
                hours[at] = None
                at += HOUR
            else:
                minutes[at] = None
                at += MINUTE
    return Moments(days, edges, tuple(hours), tuple(minutes))


def _days(first: date, last: date) -> tuple[date, ...]:
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def age_on(birth: date, today: date) -> int:
    """Completed years; who was born on Feb 29 turns a year older on Mar 1 of a common year."""
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def anniversary_days(days: int, today: date, unit: str = DAYS) -> list[tuple[int, int]]:
    """Months and days that come up from today to ``days`` (or what ``unit`` says) ahead, both included.

    Feb 29 is kept on Feb 28 in common years: a birthday greeting comes once a year, not once in four.
    """
    found: dict[tuple[int, int], None] = {}
    reach = (shifted(today, days, unit) - today).days
    for ahead in range(min(reach, 366) + 1):
        day = today + timedelta(days=ahead)
        found[day.month, day.day] = None
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
            found[2, 29] = None
    return list(found)


def unit_part(unit: str) -> dict[str, str]:
    """The part of a document that names the unit: none for days, so that older rules stay what they were."""
    return {} if unit == DAYS else {"unit": unit}


# -- How days, numbers and lists are said ------------------------------------------------------------------------


def spoken_day(day: date) -> str:
    """``Jan 1, 1952``; independent of the process locale, because sentences are compared and hashed."""
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{months[day.month - 1]} {day.day}, {day.year}"


def counted(number: int, noun: str) -> str:
    """``1 day``, ``2 days``, ``1,000 days``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def counted_in(number: int, unit: str) -> str:
    """What stands behind "the last" and "the next": ``30 days``, ``3 months``, ``year``; ``unit`` is of ``UNITS``."""
    noun = unit.removesuffix("s")
    return noun if number == 1 and unit != DAYS else counted(number, noun)


def listed(values: Sequence[str]) -> str:
    """``a``, ``a or b``, ``one of a, b or c``; long lists name the first three."""
    if len(values) == 1:
        return values[0]
    if len(values) == 2:
        return f"{values[0]} or {values[1]}"
    if len(values) > 6:
        return f"one of {', '.join(values[:3])} and {len(values) - 3} more"
    return f"one of {', '.join(values[:-1])} or {values[-1]}"
