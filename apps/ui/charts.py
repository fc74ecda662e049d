"""Geometry of the charts that the server draws as SVG. Pure: numbers in, numbers out.

Plots have no text inside: labels are HTML around them, so that they keep their size on a phone. All
coordinates are in a box of 100 by 100 that is stretched to the place the page gives it; lines keep their
thickness by `vector-effect`. The baseline is always zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

MAX_SERIES = 6


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar: its share of the longest (0..100) and of the first (in percent, or None)."""

    label: str
    value: float
    length: float
    share: float | None
    url: str = ""
    tone: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One vertical bar as a rectangle in the box."""

    label: str
    value: float
    x: float
    y: float
    width: float
    height: float
    tone: int


@dataclass(frozen=True, slots=True)
class Line:
    """One series as SVG path data, with its points for the tooltips."""

    name: str
    path: str
    points: tuple[tuple[float, float, str], ...]
    last: float
    tone: int


@dataclass(frozen=True, slots=True)
class Axis:
    """Round steps from zero: labels from the top down, with the height of each grid line in the box."""

    top: float
    ticks: tuple[tuple[float, float], ...]


def plain(value: float) -> str:
    """A number for SVG attributes: at most two decimals, no exponent, no trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return text or "0"


def axis(highest: float, steps: int = 4) -> Axis:
    """Round steps (1, 2, 2.5, 5 times a power of ten) that hold ``highest``; zero data gives an axis to 1."""
    if highest < 1e-9:
        return Axis(1, ((1, 0), (0, 100)))
    rough = highest / steps
    power = 10 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    if highest >= steps:  # counts have no halves
        step = ceil(step)
    count = ceil(highest / step)
    top = step * count
    ticks = tuple((step * n, 100 - 100 * n / count) for n in range(count, -1, -1))
    return Axis(top, ticks)


def bars(rows: Sequence[dict], *, funnel: bool = False) -> list[Bar]:
    """Horizontal bars from ``{"label", "value", "url"?, "tone"?, "note"?}``; a funnel adds shares of the first."""
    longest = max((float(row["value"]) for row in rows), default=0) or 1
    first = float(rows[0]["value"]) if rows else 0
    return [
        Bar(
            label=str(row["label"]),
            value=row["value"],
            length=100 * float(row["value"]) / longest,
            share=(round(100 * float(row["value"]) / first, 1) if first else None) if funnel else None,
            url=str(row.get("url", "")),
            tone=int(row.get("tone", 1)),
            note=str(row.get("note", "")),
        )
        for row in rows
    ]


def columns(labels: Sequence[str], values: Sequence[float], *, tone: int = 1) -> tuple[list[Column], Axis]:
    """Vertical bars of one series over labels (days, hours)."""
    scale = axis(max(values, default=0))
    width = 100 / max(len(values), 1)
    gap = width * 0.25
    drawn = []
    for number, (label, value) in enumerate(zip(labels, values, strict=True)):
        height = 100 * value / scale.top
        drawn.append(Column(label, value, number * width + gap / 2, 100 - height, width - gap, height, tone))
    return drawn, scale


def lines(labels: Sequence[str], series: Sequence[tuple[str, Sequence[float]]]) -> tuple[list[Line], Axis]:
    """Lines over labels. Raises ValueError for more than six series: nobody can tell them apart."""
    if len(series) > MAX_SERIES:
        raise ValueError("A chart shows at most six series.")
    scale = axis(max((value for _, values in series for value in values), default=0))
    across = 100 / max(len(labels) - 1, 1)
    drawn = []
    for number, (name, values) in enumerate(series, start=1):
        points = tuple(
            (index * across, 100 - 100 * value / scale.top, f"{labels[index]}: {plain(value)}")
            for index, value in enumerate(values)
        )
        path = "M" + " L".join(f"{plain(x)} {plain(y)}" for x, y, _ in points) if points else ""
        drawn.append(Line(name, path, points, values[-1] if values else 0, number))
    return drawn, scale
