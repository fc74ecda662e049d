"""Does the person fit a rule? The segment builder's JSON, asked of the opened record. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from apps.core.levels import Level
from apps.journeys.conditions.protocol import RunCondition
from apps.journeys.fields import Input, Known, Offer
from apps.journeys.protocol import Here, Labels, Place


def canonical(rule: Mapping[str, Any]) -> str:
    """The one text of a rule, which stands for it in facts."""
    return json.dumps(rule, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class AboutPerson:
    """A segment rule, as canonical JSON."""

    rule_json: str

    kind: ClassVar[str] = "person"
    label: ClassVar[str] = "The person"

    @classmethod
    def is_in(cls, document: Mapping[str, Any]) -> bool:
        """Whatever is no question of another kind."""
        return True

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """See ``RunCondition``."""
        return cls(canonical(document))

    def to_document(self) -> dict[str, Any]:
        """See ``RunCondition``."""
        return self.rule

    @classmethod
    def is_offered(cls, offer: Offer) -> bool:
        """See ``RunCondition``."""
        return True

    @classmethod
    def inputs(cls, present: RunCondition | None, offer: Offer) -> list[Input]:
        """See ``RunCondition``."""
        return [Input("rule", "rule", "", present.rule if isinstance(present, cls) else {})]

    @classmethod
    def collect(cls, typed: Mapping[str, Any]) -> dict[str, Any]:
        """See ``RunCondition``."""
        rule: dict[str, Any] = typed["rule"]
        return rule

    @property
    def rule(self) -> dict[str, Any]:
        """The rule as a fresh dictionary."""
        rule: dict[str, Any] = json.loads(self.rule_json)
        return rule

    @property
    def asks_visit(self) -> bool:
        """See ``RunCondition``."""
        return False

    def level(self, known: Known) -> Level:
        """See ``RunCondition``."""
        return known.rule_level(self.rule)

    def problem(self, place: Place) -> str:
        """See ``RunCondition``."""
        problem = place.known.rule_problem(self.rule)
        return f": {problem}" if problem else ""

    def holds(self, here: Here) -> bool:
        """See ``RunCondition``."""
        return here.facts.holds(self.rule_json)

    def words(self, labels: Labels) -> str:
        """See ``RunCondition``."""
        return labels.rule(self.rule) if labels.rule else "The condition holds"
