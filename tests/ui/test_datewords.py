"""Dates as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from apps.ui import datewords

EASTERN = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)  # 9:00 AM in New York


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=-10), "just now"),
        (timedelta(seconds=10), "in a moment"),
        (timedelta(minutes=-1), "1 minute ago"),
        (timedelta(minutes=-59), "59 minutes ago"),
        (timedelta(hours=-2), "2 hours ago"),
        (timedelta(hours=3), "in 3 hours"),
        (timedelta(hours=-24), "Nov 21, 2026"),
        (timedelta(days=10), "Dec 2, 2026, 9:00 AM"),
    ],
)
def test_relative_within_a_day_otherwise_the_date(distance, words) -> None:
    assert datewords.relative(NOW + distance, NOW, EASTERN) == words


@pytest.mark.parametrize(
    ("hour", "words"), [(5, "12:00 AM"), (6, "1:00 AM"), (17, "12:00 PM"), (18, "1:00 PM"), (4, "11:00 PM")]
)
def test_the_twelve_hour_clock(hour, words) -> None:
    local = datetime(2026, 11, 22, hour, tzinfo=UTC).astimezone(EASTERN)
    assert datewords.clock_time(local) == words


def test_a_moment_is_in_the_zone_with_its_name() -> None:
    assert datewords.moment(NOW, EASTERN, with_zone=True) == "Nov 22, 2026, 9:00 AM EST"
    summer = datetime(2026, 7, 1, 13, 5, tzinfo=UTC)
    assert datewords.moment(summer, EASTERN, with_zone=True) == "Jul 1, 2026, 9:05 AM EDT"


def test_words_for_days_lengths_and_zones() -> None:
    assert datewords.day(date(2026, 3, 4)) == "Mar 4, 2026"
    assert datewords.weekday(date(2026, 11, 22)) == "Sunday, Nov 22"
    assert datewords.span(timedelta(seconds=61)) == "1 minute"
    assert datewords.count(2013, "person", "people") == "2,013 people"
    assert datewords.zone("America/Chicago") == "Central time"
    assert datewords.zone("Europe/Isle_of_Man") == "Isle of Man time"


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(hours=1), "Today, 10:00 AM"),
        (timedelta(hours=15), "Tomorrow, 12:00 AM"),
        (timedelta(days=2), "Tuesday, 9:00 AM"),
        (timedelta(days=6), "Saturday, 9:00 AM"),
        (timedelta(days=7), "Nov 29, 2026, 9:00 AM"),
        (timedelta(days=-1), "Nov 21, 2026, 9:00 AM"),
    ],
)
def test_the_week_ahead_has_names(distance, words) -> None:
    assert datewords.soon(NOW + distance, NOW, EASTERN) == words
