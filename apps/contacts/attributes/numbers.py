"""Searchable numbers: declared bounds and a step, so that a range is a list of keyed steps. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

WIDER = 4
"""How many times larger than the largest number known so far the next ones may be, at least."""
MOST_DECIMALS = 3
MOST_STEPS = 20_000
"""A range is the list of its steps, as a range of days is the list of its days; 50 years are 18,263 of those."""


@dataclass(frozen=True)
class NumberRange:
    """``low``, ``high`` and ``step`` are whole numbers of ``10 ** -scale``: 4.0 to 15.0 by 0.1 is (40, 150, 1, 1).

    A number is compared by the step it falls into: with a step of 5, 37 counts as 35. Numbers outside the bounds are
    kept, but no range finds them.
    """

    low: int
    high: int
    step: int = 1
    scale: int = 0

    def at(self, value: object) -> int | None:
        """The number of the step ``value`` falls into, from 0; None when it is no number, or out of bounds."""
        scaled = self.scaled(value)
        if scaled is None or not self.low <= scaled <= self.high:
            return None
        return (scaled - self.low) // self.step

    def scaled(self, value: object) -> int | None:
        """``value`` in units of ``10 ** -scale``, rounded down; None when it is no number."""
        if isinstance(value, bool):
            return None
        try:
            found = Decimal(str(value).strip())
            return int(found.scaleb(self.scale).to_integral_value(ROUND_FLOOR)) if found.is_finite() else None
        except (ArithmeticError, ValueError):
            # "1e999999" is a number to the library, until somebody counts with it.
            return None

    def steps(self, first: object, last: object) -> range:
        """The numbers of the steps from that of ``first`` to that of ``last``; an open side (None) is a bound."""
        low = self.low if first is None else self.scaled(first)
        high = self.high if last is None else self.scaled(last)
        if low is None or high is None or high < self.low or low > self.high:
            return range(0)
        return range((max(low, self.low) - self.low) // self.step, (min(high, self.high) - self.low) // self.step + 1)

    @property
    def count(self) -> int:
        """How many steps there are."""
        return (self.high - self.low) // self.step + 1

    def spoken(self, scaled: int) -> str:
        """A bound or step as a person writes it: 40 with scale 1 is "4.0"."""
        return f"{Decimal(scaled).scaleb(-self.scale):f}"

    def words(self) -> str:
        """For a sentence: "0 to 19,999", "0.0 to 1,999.9", "0 to 999,999 in steps of 50"."""
        low, high = (f"{Decimal(each).scaleb(-self.scale):,f}" for each in (self.low, self.high))
        steps = f" in steps of {Decimal(self.step).scaleb(-self.scale):,f}" if self.step != 1 else ""
        return f"{low} to {high}{steps}"

    def __str__(self) -> str:
        return f"{self.spoken(self.low)} to {self.spoken(self.high)} in steps of {self.spoken(self.step)}"


def wide(known: Iterable[str]) -> NumberRange:
    """Bounds for an attribute of which only a few numbers are ``known``, as a file writes them ("7.5", "1,200").

    As many steps as a range may have, of the decimals that are known: whole numbers are found from 0 to 19,999. The
    step grows (2, 5, 10, 20, ...) only until the bounds are ``WIDER`` times the largest number; bounds reach below
    zero when a number does. Whatever is no number is passed over.
    """
    found = []
    for text in known:
        try:
            value = Decimal(text.strip().replace(",", ""))
            if value.is_finite() and abs(value) <= 100_000_000:
                found.append(value)
        except ArithmeticError:
            continue
    scale = min(MOST_DECIMALS, max((max(0, -int(value.normalize().as_tuple().exponent)) for value in found), default=0))
    largest = max((abs(int(value.scaleb(scale))) for value in found), default=0)
    below = any(value < 0 for value in found)
    steps = MOST_STEPS // 2 if below else MOST_STEPS
    while scale and largest * WIDER > steps:
        # Cents of an amount in the thousands tell nothing; room to grow does.
        scale, largest = scale - 1, largest // 10 + 1
    nice = (each * 10**power for power in range(10) for each in (1, 2, 5))
    step = next(each for each in nice if each * steps > largest * WIDER)
    return NumberRange(-step * steps if below else 0, step * steps - 1, step, scale)
