"""How days, numbers and lists are said in the sentences of conditions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from apps.segments.conditions.base.windows import DAYS


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
