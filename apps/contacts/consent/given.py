"""A consent as somebody states it: in a list, a form or a message. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

NO_END = 9999
"""The year that other systems write for "no end"."""


@dataclass(frozen=True, slots=True, repr=False)
class ConsentCell:
    """A consent as a row states it. `on` is the day it was given or withdrawn, `expires` the moment it runs out."""

    purpose: str
    state: str
    on: date
    method: str
    wording: str
    by: str
    expires: datetime | None = None


def standing(consents: Iterable[ConsentCell], now: datetime) -> dict[str, str]:
    """Purpose to state, of those that have not run out by `now`."""
    return {cell.purpose: cell.state for cell in consents if cell.expires is None or cell.expires > now}
