"""Which days of birth and death are possible. Pure."""

from __future__ import annotations

from datetime import date

EARLIEST = date(1880, 1, 1)
"""No living or lately deceased person was born before; an earlier date is a typing error."""


def life_problem(born: date | None, died: date | None, today: date) -> str | None:
    """What is impossible about these two days, in words, or `None`."""
    if born and born > today:
        return "The birth date is in the future"
    if born and born < EARLIEST:
        return "The birth date is before 1880"
    if died and died > today:
        return "The date of death is in the future"
    if born and died and died < born:
        return "The date of death is before the birth date"
    return None
