"""Geometry of charts: zero is the baseline, steps are round, nothing leaves the box."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from apps.ui import charts


@pytest.mark.parametrize(
    ("highest", "labels"),
    [
        (0, [1, 0]),
        (3, [3, 2, 1, 0]),
        (4, [4, 3, 2, 1, 0]),
        (97, [100, 75, 50, 25, 0]),
        (310, [400, 300, 200, 100, 0]),
        (1_000_000, [1_000_000, 750_000, 500_000, 250_000, 0]),
    ],
)
def test_steps_are_round(highest, labels) -> None:
    assert [value for value, _ in charts.axis(highest).ticks] == labels


@given(some.lists(some.integers(0, 10**7), min_size=1, max_size=60))
def test_columns_stay_in_the_box(values) -> None:
    drawn, _ = charts.columns([str(number) for number in range(len(values))], values)
    for column in drawn:
        assert 0 <= column.y <= 100
        assert column.y + column.height == pytest.approx(100)
        assert column.x + column.width <= 100.001


@given(some.lists(some.floats(0, 1e6), min_size=1, max_size=60))
def test_lines_stay_in_the_box(values) -> None:
    drawn, _ = charts.lines([str(number) for number in range(len(values))], [("One", values)])
    assert all(-0.001 <= y <= 100.001 and 0 <= x <= 100.001 for x, y, _ in drawn[0].points)
    assert "e" not in drawn[0].path


def test_a_funnel_is_measured_against_its_first_bar() -> None:
    drawn = charts.bars([{"label": "Planned", "value": 200}, {"label": "Sent", "value": 150}], funnel=True)
    assert [(bar.length, bar.share) for bar in drawn] == [(100, 100.0), (75, 75.0)]


def test_nothing_at_all_draws_nothing() -> None:
    assert charts.bars([]) == []
    assert charts.bars([{"label": "Planned", "value": 0}], funnel=True)[0].share is None


def test_seven_series_are_too_many() -> None:
    with pytest.raises(ValueError, match="six"):
        charts.lines(["a"], [(str(number), [1]) for number in range(7)])


@pytest.mark.parametrize(("value", "text"), [(0.1 + 0.2, "0.3"), (100.0, "100"), (1e-9, "0"), (1234.5, "1234.5")])
def test_numbers_in_attributes_have_no_exponent(value, text) -> None:
    assert charts.plain(value) == text
