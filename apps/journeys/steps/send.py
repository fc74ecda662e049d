"""Send: hand one message to delivery. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar

from apps.core.purposes import Purpose
from apps.journeys import localtime
from apps.journeys.fields import Field, Handle, Name, Option
from apps.journeys.protocol import (
    Effect,
    Go,
    Here,
    Labels,
    Mail,
    Place,
    Reason,
    Stay,
    StepDefaults,
    StepOutcome,
    StepWords,
)
from apps.journeys.vocabulary import PURPOSES, date_word

LOOK_AGAIN = timedelta(days=7)
"""How long a message about a visit in doubt that has no latest date stands before the run is looked at again."""


@dataclass(frozen=True)
class Send(StepDefaults):
    """Hand one message to delivery. `before` names a date after which it must not be sent."""

    template: Handle = ""
    purpose: Purpose = Purpose.TREATMENT
    sender: Handle = ""
    before: str = ""

    kind: ClassVar[str] = "send"
    label: ClassVar[str] = "Send"
    icon: ClassVar[str] = "send"
    accent: ClassVar[str] = "blue"
    fields: ClassVar[tuple[Field, ...]] = (
        Name(
            "template",
            "template",
            "Template",
            lambda offer: [(name, name) for name in offer.templates],
            empty="Choose a template",
            help="Its text is edited under Templates.",
            refers="template",
        ),
        Option(
            "purpose",
            "purpose",
            "Legal purpose",
            Purpose,
            Purpose.TREATMENT,
            [(each.value, each.word) for each in Purpose],
            help="Decides which consent it needs and which opt-out stops it.",
        ),
        Name(
            "sender",
            "sender",
            "Sender",
            lambda offer: [(name, name) for name in offer.senders],
            empty="The usual sender",
            refers="brand",
        ),
        Name(
            "before",
            "latest date",
            "Never send after",
            lambda offer: offer.dates,
            empty="No limit",
            missing="",
            left_out=True,
        ),
    )

    @classmethod
    def fresh(cls, dates: Sequence[str]) -> dict[str, Any]:
        """Of an appointment's journey it never comes after the appointment."""
        first = dates[0] if dates else ""
        return {"before": first if first.startswith("appointment") else ""}

    @property
    def mail(self) -> Mail:
        """See ``Step``."""
        return Mail(self.template, self.purpose.value, self.sender, self.before)

    @property
    def dates(self) -> tuple[str, ...]:
        """See ``Step``."""
        return (self.before,) if self.before else ()

    def check(self, place: Place) -> Iterator[str]:
        """See ``Step``."""
        known, label = place.known, place.label
        if not self.template:
            yield f"{label} sends a message but has no template. Choose one."
        elif self.template not in known.templates:
            yield f"{label}: there is no template “{self.template}”. Choose another or create it."
        if self.sender and self.sender not in known.senders:
            yield f"{label}: there is no sender “{self.sender}”. Choose another."
        if self.before and self.before not in place.dates:
            yield f"{label}: this journey has no date “{self.before}”. Choose another."

    def decide(self, here: Here) -> Stay | Go:
        """See ``Step``. About a visit in doubt nobody is told: the run stands here until it is sure
        (``intake.sure_again`` wakes it), or until it is too late.
        """
        limit = None
        if self.before:
            limit = here.facts.dates.get(self.before)
            if limit is None:
                return Go(StepOutcome.SKIPPED, Reason.NO_DATE)
            if here.now >= localtime.as_moment(limit, here.facts.zone):
                return Go(StepOutcome.SKIPPED, Reason.DATE_PASSED)
        if here.facts.in_doubt:
            until = localtime.as_moment(limit, here.facts.zone) if limit is not None else here.now + LOOK_AGAIN
            return Stay(until, Reason.VISIT_IN_DOUBT)
        return self._sent

    @cached_property
    def _sent(self) -> Go:
        """The same for everybody: made once for the thousands of a tick."""
        return Go(StepOutcome.SENT, effects=(Effect("send_mail", {"purpose": self.purpose}),))

    def words(self, labels: Labels) -> StepWords:
        """See ``Step``."""
        title = f"Send “{self.template}”" if self.template else "Send a message (choose a template)"
        line = f"Purpose: {PURPOSES[self.purpose]}"
        if self.before:
            line += f". Never after {date_word(self.before, labels.dates)}"
        return StepWords(title, line)
