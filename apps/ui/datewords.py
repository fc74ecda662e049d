"""Dates and times in words, as look.md asks. Pure: the moment "now" and the zone are arguments."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


# What people call the zones of the United States; the others keep their place's name.
ZONES = {
    "America/New_York": "Eastern time",
    "America/Detroit": "Eastern time",
    "America/Kentucky/Louisville": "Eastern time",
    "America/Indiana/Indianapolis": "Eastern time",
    "America/Chicago": "Central time",
    "America/Denver": "Mountain time",
    "America/Phoenix": "Arizona time",
    "America/Los_Angeles": "Pacific time",
    "America/Anchorage": "Alaska time",
    "Pacific/Honolulu": "Hawaii time",
    "America/Puerto_Rico": "Atlantic time",
    "UTC": "UTC",
}


def zone(name: str) -> str:
    """The everyday name of an IANA zone: "Eastern time"; "Berlin time" for one outside the United States."""
    return ZONES.get(name) or f"{name.rpartition('/')[2].replace('_', ' ')} time"


def day(value: date) -> str:
    """``Nov 22, 2026``."""
    return f"{MONTHS[value.month - 1]} {value.day}, {value.year}"


def weekday(value: date) -> str:
    """``Sunday, Nov 22``."""
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{days[value.weekday()]}, {MONTHS[value.month - 1]} {value.day}"


def clock_time(value: datetime) -> str:
    """``9:00 AM``."""
    return f"{value.hour % 12 or 12}:{value.minute:02d} {'AM' if value.hour < 12 else 'PM'}"


def soon(value: datetime, now: datetime, zone: tzinfo) -> str:
    """For the week ahead: "Today, 9:00 AM", "Tomorrow, 4:00 PM", "Tuesday, 1:00 PM"; later the date."""
    local, today = value.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    if not 0 <= days < 7:
        return moment(value, zone)
    name = ("Today", "Tomorrow")[days] if days < 2 else weekday(local).partition(",")[0]
    return f"{name}, {clock_time(local)}"


def moment(value: datetime, zone: tzinfo, *, with_zone: bool = False) -> str:
    """``Nov 22, 2026, 9:00 AM`` in ``zone``; with ``with_zone`` also the zone's short name."""
    local = value.astimezone(zone)
    words = f"{day(local)}, {clock_time(local)}"
    return f"{words} {local.tzname()}" if with_zone else words


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 minute``, ``2 minutes``, ``2,013 people``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def span(length: timedelta) -> str:
    """A length in its largest unit: ``45 seconds``, ``3 minutes``, ``2 hours``, ``5 days``."""
    seconds = int(abs(length.total_seconds()))
    if seconds < 60:
        return count(seconds, "second")
    if seconds < 3600:
        return count(seconds // 60, "minute")
    if seconds < 86400:
        return count(seconds // 3600, "hour")
    return count(seconds // 86400, "day")


def relative(value: datetime, now: datetime, zone: tzinfo) -> str:
    """Within 24 hours "3 minutes ago" or "in 2 hours"; otherwise the day, with the time if it is to come."""
    distance = value - now
    if abs(distance) < timedelta(seconds=45):
        return "just now" if distance <= timedelta(0) else "in a moment"
    if abs(distance) < timedelta(hours=24):
        return f"in {span(distance)}" if distance > timedelta(0) else f"{span(distance)} ago"
    return moment(value, zone) if distance > timedelta(0) else day(value.astimezone(zone))
