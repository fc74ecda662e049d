"""From a decision to send to a row of the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.core.actors import Actor
from apps.journeys.definition import Send


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of a run: to whom, by which step, in which round, about what."""

    run: int
    journey: int
    person: int
    subject: int | None
    step: Send
    round: int
    level: int

    @property
    def origin(self) -> str:
        """What makes it once, and what its click or read is known by: run, step and round."""
        return f"journey:{self.run}:{self.step.id}:{self.round}"


def enqueue(*, actor: Actor, letters: Sequence[Letter], now: datetime) -> int:
    """Hand the letters of one chunk to delivery, in the caller's transaction; returns how many were new."""
    raise NotImplementedError
