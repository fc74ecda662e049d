"""Condition: branch on a question about the person or about this run (``conditions``). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from apps.core.levels import Level
from apps.journeys import conditions
from apps.journeys.conditions.protocol import RunCondition
from apps.journeys.fields import Field, Input, Known, Offer, Say
from apps.journeys.protocol import BranchName, Go, Here, Labels, Place, StepDefaults, StepWords

YES, NO = "then", "otherwise"


@dataclass(frozen=True)
class Question:
    """What is asked: in the builder a kind of question and what that kind wants to know."""

    name: str = "question"

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> RunCondition | None:
        """See ``Field``."""
        rule = document.get("rule") or {}
        if not isinstance(rule, dict):
            say(f"{where.capitalize()}: the rule is a JSON object, as in a segment.")
            return None
        try:
            return conditions.from_document(rule)
        except ValueError as error:
            say(f"{where.capitalize()}: {error}")
            return None

    def dump(self, step: Any) -> dict[str, Any]:
        """See ``Field``."""
        question: RunCondition | None = step.question
        return {"rule": question.to_document() if question is not None else {}}

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """See ``Field``."""
        present: RunCondition | None = step.question
        asked = present.kind if present is not None else next(iter(conditions.KINDS))
        offered = [kind for kind in conditions.KINDS.values() if kind.is_offered(offer) or kind.kind == asked]
        found = [Input("ask", "choice", "Ask about", asked, choices=[(kind.kind, kind.label) for kind in offered])]
        for kind in conditions.KINDS.values():
            found += [only(each, kind.kind) for each in kind.inputs(present, offer)]
        return found

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """See ``Field``."""
        return {"rule": conditions.KINDS[typed["ask"]].collect(typed)} if "ask" in typed else {}


def only(given: Input, asked: str) -> Input:
    """The input, shown only while a kind of question is asked."""
    return replace(given, only_with=("ask", asked))


@dataclass(frozen=True)
class Condition(StepDefaults):
    """Branch on a question. None is a blank."""

    question: RunCondition | None = None

    kind: ClassVar[str] = "condition"
    label: ClassVar[str] = "Condition"
    icon: ClassVar[str] = "filter"
    accent: ClassVar[str] = "violet"
    BRANCHES: ClassVar[tuple[BranchName, ...]] = (BranchName(YES, "yes", "yes"), BranchName(NO, "no", "no"))
    fields: ClassVar[tuple[Field, ...]] = (Question(),)

    @property
    def rule(self) -> dict[str, Any]:
        """See ``Step``."""
        return self.question.rule if self.question is not None else {}

    @property
    def asks_visit(self) -> bool:
        """See ``Step``."""
        return self.question is not None and self.question.asks_visit

    def level(self, known: Known) -> Level:
        """See ``Step``."""
        return self.question.level(known) if self.question is not None else Level.PUBLIC

    def check(self, place: Place) -> Iterator[str]:
        """See ``Step``."""
        if self.question is None:
            yield f"{place.label} has no condition. Say what to ask about the person."
        elif problem := self.question.problem(place):
            yield f"{place.label}{problem}"

    def decide(self, here: Here) -> Go:
        """See ``Step``."""
        return Go(branch=YES if self.holds(here) else NO)

    def holds(self, here: Here) -> bool:
        """The answer. A blank one cannot be active, see ``check``; for a draft the facts say what it comes to."""
        return self.question.holds(here) if self.question is not None else here.facts.holds("")

    def words(self, labels: Labels) -> StepWords:
        """See ``Step``."""
        sides = {YES: "Yes", NO: "No"}
        if self.question is None:
            return StepWords("Ask something about the person", branches=sides)
        return StepWords(self.question.words(labels), "Asked when the person gets here", sides)
