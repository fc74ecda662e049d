"""Wait for an answer: until the person clicks, reads or replies, or the time is over. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from apps.journeys import localtime
from apps.journeys.fields import Field, Input, Name, Offer, Say, duration
from apps.journeys.protocol import (
    BranchName,
    Go,
    Here,
    Labels,
    Place,
    Reason,
    Stay,
    StepDefaults,
    StepOutcome,
    StepWords,
)
from apps.journeys.vocabulary import SIGNAL_NOUNS, SIGNAL_VERBS, SIGNALS, Unit, amount, join

ANSWERED, SILENT = "then", "otherwise"


@dataclass(frozen=True)
class Signals:
    """The answers that count, in one order."""

    name: str = "signals"

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> tuple[str, ...]:
        """See ``Field``."""
        signals = document.get(self.name, [])
        if not isinstance(signals, list):
            signals = [signals]
        for each in signals:
            if each in ("opened", "open"):
                say(
                    f"{where.capitalize()} waits for an open. Mail programs open mail by themselves: "
                    "wait for a click, a reply or a read in the portal."
                )
            elif each not in SIGNALS:
                say(f"{where.capitalize()}: {each!r} is none of {', '.join(SIGNALS)}.")
        return tuple(each for each in SIGNALS if each in signals)

    def dump(self, step: Any) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: list(getattr(step, self.name))}

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """See ``Field``."""
        return [
            Input(
                self.name,
                "choices",
                "Answers that count",
                list(getattr(step, self.name)),
                "Opens do not count: mail programs open mail by themselves.",
                choices=[(each, SIGNAL_NOUNS[each].capitalize()) for each in SIGNALS],
            )
        ]

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: typed[self.name]}


@dataclass(frozen=True)
class WaitFor(StepDefaults):
    """Wait for a signal about the message of `of` (the nearest send before, if empty), or a timeout."""

    signals: tuple[str, ...] = ("clicked", "read")
    of: str = ""
    amount: int = 24
    unit: Unit = Unit.HOURS

    kind: ClassVar[str] = "wait_for"
    label: ClassVar[str] = "Wait for an answer"
    icon: ClassVar[str] = "mail-opened"
    accent: ClassVar[str] = "violet"
    BRANCHES: ClassVar[tuple[BranchName, ...]] = (
        BranchName(ANSWERED, "yes", "answered"),
        BranchName(SILENT, "no", "unanswered"),
    )
    fields: ClassVar[tuple[Field, ...]] = (
        Signals(),
        Name("of", "message", "About which message", lambda offer: offer.messages_before, missing="", optional=True),
        *duration("Wait up to"),
    )

    @classmethod
    def fresh(cls, dates: Sequence[str]) -> dict[str, Any]:
        """A day for a click or a read of the message before."""
        return {"signals": ["clicked", "read"], "of": "", "amount": 24, "unit": Unit.HOURS.value}

    def without_messages(self, gone: set[str]) -> Self:
        """A wait for a deleted message waits for the nearest send instead."""
        return replace(self, of="") if self.of in gone else self

    def check(self, place: Place) -> Iterator[str]:
        """See ``Step``."""
        if not self.signals:
            yield f"{place.label} waits for nothing. Choose a click, a reply or a read."
        if not place.sent:
            yield f"{place.label} waits for an answer, but nothing is sent before. Move it down."
        elif self.of and self.of not in place.sent:
            yield f"{place.label} waits for an answer to a message that is not sent before it."

    def decide(self, here: Here) -> Stay | Go:
        """See ``Step``."""
        watched = here.message(self.of)
        if not here.was_sent(watched):
            # Nothing went out, so silence means nothing: neither path is right.
            return Go(StepOutcome.SKIPPED, Reason.NOT_SENT)
        if any((signal, watched) in here.facts.signals for signal in self.signals):
            return Go(reason=Reason.SIGNAL, branch=ANSWERED)
        if here.resumed and here.facts.due_at is not None:
            due = here.facts.due_at
        else:
            due = localtime.after(here.now, self.amount, self.unit, here.facts.zone)
        return Stay(due) if due > here.now else Go(reason=Reason.TIMEOUT, branch=SILENT)

    def words(self, labels: Labels) -> StepWords:
        """See ``Step``."""
        signals = join([SIGNAL_NOUNS[each] for each in self.signals]) or "an answer"
        time_words = amount(self.amount, self.unit)
        verbs = join([SIGNAL_VERBS[each].lower() for each in self.signals]).capitalize() or "Answered"
        return StepWords(
            f"Wait up to {time_words} for {signals}",
            "Goes on at once when it comes",
            {ANSWERED: verbs, SILENT: f"Not within {time_words}"},
        )
