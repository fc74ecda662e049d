"""Wait until: some days before or after a date, at a time on the clinic's wall. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, ClassVar

from apps.journeys import localtime
from apps.journeys.fields import ClockTime, Field, Input, InputRefused, Name, Offer, Option, Say, Whole
from apps.journeys.protocol import Go, Here, Labels, Place, Reason, Stay, StepDefaults, StepOutcome, StepWords
from apps.journeys.vocabulary import APPOINTMENT_START, Direction, Unit, amount, clock, date_word

MOST_DAYS = 730
MOST_LATE_HOURS = 720


@dataclass(frozen=True)
class LateHours:
    """Whole hours that must remain, or None: a switch and a number in the builder."""

    name: str = "late_hours"

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> int | None:
        """See ``Field``."""
        late = document.get(self.name)
        if late is None:
            return None
        if not isinstance(late, int) or isinstance(late, bool) or not 0 <= late <= MOST_LATE_HOURS:
            say(f"{where.capitalize()}: late hours is a whole number from 0 to {MOST_LATE_HOURS}, or empty.")
            return None
        return late

    def dump(self, step: Any) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: getattr(step, self.name)}

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """See ``Field``."""
        late = getattr(step, self.name)
        return [
            Input(
                "late",
                "switch",
                "Skip the next message when it is too late",
                late is not None,
                "For people who come in after this moment.",
                required=False,
            ),
            Input(
                self.name,
                "whole",
                "Hours that must remain",
                24 if late is None else late,
                "With more than this left until the date the message goes at once.",
                required=False,
                low=0,
                high=MOST_LATE_HOURS,
            ),
        ]

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """See ``Field``."""
        if typed.get("late") and self.name in typed and typed[self.name] is None:
            raise InputRefused(self.name, "Say how many hours must remain, or switch the skipping off.")
        return {self.name: typed.get(self.name) if typed.get("late") else None}


@dataclass(frozen=True)
class WaitUntil(StepDefaults):
    """Wait until `days` before or after a date, at a local clock time.

    `late_hours`: when the moment has passed on arrival, go on at once if more than this many hours
    remain until the date, else skip up to and including the next send. None: always go on at once.
    """

    field: str = APPOINTMENT_START
    days: int = 3
    direction: Direction = Direction.BEFORE
    at: time = time(9, 0)
    late_hours: int | None = 24

    kind: ClassVar[str] = "wait_until"
    label: ClassVar[str] = "Wait until"
    icon: ClassVar[str] = "calendar-event"
    accent: ClassVar[str] = "amber"
    fields: ClassVar[tuple[Field, ...]] = (
        Whole("days", "Days", 0, MOST_DAYS, 3),
        Option(
            "direction",
            "direction",
            "On which side",
            Direction,
            Direction.BEFORE,
            [(Direction.BEFORE.value, "before"), (Direction.AFTER.value, "after")],
            beside="days",
        ),
        Name("field", "date", "Date", lambda offer: offer.dates, missing="not in this journey"),
        ClockTime(
            "at", "Clock time", "09:00", help="On the clinic's clock; for an appointment elsewhere, on the clock there."
        ),
        LateHours(),
    )

    @classmethod
    def fresh(cls, dates: Sequence[str]) -> dict[str, Any]:
        """The day before the first date there is."""
        return {"field": dates[0] if dates else "", "days": 1, "at": "09:00", "late_hours": 24}

    @property
    def dates(self) -> tuple[str, ...]:
        """See ``Step``."""
        return (self.field,) if self.field else ()

    def check(self, place: Place) -> Iterator[str]:
        """See ``Step``."""
        if self.field not in place.dates:
            yield f"{place.label} waits for a date this journey lacks. Choose another."

    def decide(self, here: Here) -> Stay | Go:
        """See ``Step``."""
        zone = here.facts.zone
        value = here.facts.dates.get(self.field)
        if value is None:
            return Go(StepOutcome.SKIPPED, Reason.NO_DATE, skip=self._up_to_mail(here))
        due = localtime.near_date(value, days=self.days, direction=self.direction, at=self.at, zone=zone)
        if due > here.now:
            return Stay(due)
        if here.resumed or due == here.now or self.late_hours is None:
            return Go()
        left = localtime.as_moment(value, zone) - here.now
        if left.total_seconds() > self.late_hours * 3600:
            return Go(reason=Reason.LATE_AT_ONCE)
        return Go(StepOutcome.SKIPPED, Reason.BOOKED_TOO_LATE, skip=self._up_to_mail(here))

    def _up_to_mail(self, here: Here) -> tuple[str, ...]:
        """What is too late with it: the steps behind up to the first that sends, all if none does."""
        skipped = []
        for step in here.behind():
            skipped.append(step.id)
            if step.mail is not None:
                break
        return tuple(skipped)

    def words(self, labels: Labels) -> StepWords:
        """See ``Step``."""
        return StepWords(self._until(labels.dates), self._late(labels.dates))

    def _until(self, dates: Mapping[str, str]) -> str:
        """ "Wait until 3 days before the appointment, 9:00 AM clinic time"."""
        word = date_word(self.field, dates)
        if not self.days:
            return f"Wait until the day of {word}, {clock(self.at)} clinic time"
        side = "before" if self.direction is Direction.BEFORE else "after"
        return f"Wait until {amount(self.days, Unit.DAYS)} {side} {word}, {clock(self.at)} clinic time"

    def _late(self, dates: Mapping[str, str]) -> str:
        """What happens to somebody who arrives after the moment."""
        if self.late_hours is None:
            return "If that moment has passed: goes on at once"
        return (
            f"If that moment has passed: goes on at once while more than {amount(self.late_hours, Unit.HOURS)} remain "
            f"until {date_word(self.field, dates)}, else skips the next message"
        )
