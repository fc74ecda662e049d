"""Wait: for a duration. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.journeys import localtime
from apps.journeys.fields import Field, duration
from apps.journeys.protocol import Go, Here, Labels, Stay, StepDefaults, StepWords
from apps.journeys.vocabulary import Unit, amount


@dataclass(frozen=True)
class Wait(StepDefaults):
    """Wait for a duration."""

    amount: int = 1
    unit: Unit = Unit.DAYS

    kind: ClassVar[str] = "wait"
    label: ClassVar[str] = "Wait"
    icon: ClassVar[str] = "hourglass"
    accent: ClassVar[str] = "amber"
    fields: ClassVar[tuple[Field, ...]] = duration("Wait")

    def decide(self, here: Here) -> Stay | Go:
        """See ``Step``."""
        if here.resumed and here.facts.due_at is not None:
            due = here.facts.due_at
        else:
            due = localtime.after(here.now, self.amount, self.unit, here.facts.zone)
        return Stay(due) if due > here.now else Go()

    def words(self, labels: Labels) -> StepWords:
        """See ``Step``."""
        return StepWords(f"Wait {amount(self.amount, self.unit)}")
