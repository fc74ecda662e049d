"""The portal's numbers and pure decisions, as tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.portal import policy
from apps.portal.policy import EndedWhy

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locks", "minutes"), [(0, 15), (1, 30), (2, 60), (3, 120), (6, 960), (7, 1440), (8, 1440), (500, 1440)]
)
def test_locks_double_up_to_a_day(locks: int, minutes: int) -> None:
    assert policy.lock_length(locks) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("began", "seen", "why"),
    [
        (1, 0, None),
        (14 * 60 + 59, 14 * 60 + 59, None),
        (15 * 60, 15 * 60, EndedWhy.IDLE),
        (8 * 3600 - 1, 5, None),
        (8 * 3600, 5, EndedWhy.WHOLE),
    ],
)
def test_a_session_ends_when_idle_or_old(began: int, seen: int, why: EndedWhy | None) -> None:
    at = [NOW - timedelta(seconds=seconds) for seconds in (began, seen)]
    assert policy.session_end(*at, NOW) is why
    assert (policy.seconds_left(*at, NOW) == 0) == (why is not None)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("12345678", "12345678"),
        (" 1234 5678 ", "12345678"),
        ("1234-5678", "12345678"),
        ("1234–5678.", "12345678"),
        ("1234567", ""),
        ("123456789", ""),
        ("1234567a", ""),
        ("١٢٣٤٥٦٧٨", ""),
        ("", ""),
    ],
)
def test_codes_are_read_as_people_paste_them(typed: str, code: str) -> None:
    assert policy.bare_code(typed) == code


def test_codes_are_eight_digits_and_secrets_are_256_bits() -> None:
    codes = {policy.new_code() for _ in range(200)}
    assert all(len(code) == 8 and code.isdigit() for code in codes)
    assert len(codes) > 190
    assert len(policy.new_secret()) == 43
    assert len(policy.hashed("x")) == 32


@pytest.mark.parametrize(
    ("ends", "apart"),
    [
        ([{"1111"}, {"2222"}], True),
        ([{"1111", "3333"}, {"2222"}], True),
        ([{"1111"}, {"1111"}], False),
        ([{"1111", "2222"}, {"2222", "3333"}], False),
        ([{"1111"}, set()], False),
    ],
)
def test_last_digits_tell_people_apart_or_do_not(ends: list[set[str]], apart: bool) -> None:
    assert policy.told_apart([frozenset(own) for own in ends]) is apart


@given(st.text())
def test_a_reply_holds_no_control_characters_and_stays_a_reply(text: str) -> None:
    clean = policy.clean_reply(text)
    assert policy.clean_reply(clean) == clean
    assert not any(character < " " and character not in "\n\t" for character in clean)
    clean.encode("utf-8")


@given(st.text())
def test_a_title_is_one_line(text: str) -> None:
    assert not set(policy.one_line(text)) & set("\r\n\t\x00")
    assert len(policy.one_line(text)) <= 200


def test_the_inbox_is_ordered_by_unread_then_time() -> None:
    later = NOW + timedelta(days=3650)
    read, unread = policy.inbox_place(False, later, 5), policy.inbox_place(True, NOW, 7)
    assert unread > read > policy.inbox_place(False, NOW, 9) > 0
    assert policy.inbox_place(True, later, 2**40) < 2**63
    assert policy.inbox_place(True, NOW, 1) != policy.inbox_place(True, NOW, 2)


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        (("1961", "4", "3"), date(1961, 4, 3)),
        (("1961", "2", "30"), None),
        (("", "1", "1"), None),
        (("9" * 30, "1", "1"), None),
    ],
)
def test_birth_dates_come_from_three_fields(fields: tuple[str, str, str], day: date | None) -> None:
    assert policy.birth_date(*fields) == day
