"""Exit: leave the journey. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from apps.journeys.protocol import Here, Labels, Leave, Reason, StepDefaults, StepWords


@dataclass(frozen=True)
class Exit(StepDefaults):
    """Leave the journey here."""

    kind: ClassVar[str] = "exit"
    label: ClassVar[str] = "Exit"
    icon: ClassVar[str] = "logout"
    accent: ClassVar[str] = "slate"
    about: ClassVar[str] = "Whoever gets here leaves the journey. There is nothing to set."

    def decide(self, here: Here) -> Leave:
        """See ``Step``."""
        return Leave(Reason.EXIT_STEP)

    def words(self, labels: Labels) -> StepWords:
        """See ``Step``."""
        return StepWords("Leave the journey")
