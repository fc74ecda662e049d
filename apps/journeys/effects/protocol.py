"""What a kind of effect is given, and what it does with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from apps.core.actors import Actor
from apps.journeys.protocol import Effect


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One effect on one person: by which step of which journey, at which visit of it, and the journey's level."""

    effect: Effect
    journey: int
    person: int
    step: str
    visit: int
    level: int


class EffectKind(Protocol):
    """Does one kind of effect for thousands of people at once."""

    def apply(self, *, actor: Actor, rows: Sequence[EffectRow], now: datetime) -> None:
        """Do it, in the caller's transaction: with a number of statements that does not grow with the rows.

        Raises ``Refused`` when it cannot be done; then nothing of the chunk is stored, and the runs are tried one by
        one.
        """
