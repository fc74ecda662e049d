"""Update an attribute: give one of the organization's own attributes a value, for everybody who gets here. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any, ClassVar

from apps.contacts.changes import identity_facts
from apps.core.levels import Level
from apps.journeys.fields import Field, Input, InputRefused, Known, KnownAttribute, Name, Offer, Say
from apps.journeys.protocol import Effect, Go, Here, Labels, Place, StepDefaults, StepWords

LONGEST = 1000


@dataclass(frozen=True)
class Value:
    """The value, as profiles hold it: text, a number, true or false, or a day (2026-11-22). Empty is a blank."""

    name: str = "value"

    def parse(self, document: Mapping[str, Any], where: str, say: Say) -> str | int | float | bool:
        """See ``Field``."""
        value = document.get(self.name, "")
        if isinstance(value, str) and len(value) <= LONGEST:
            return value.strip()
        if isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value)):
            return value
        say(f"{where.capitalize()}: the value is a number, true, false, or a text of at most {LONGEST} characters.")
        return ""

    def dump(self, step: Any) -> dict[str, Any]:
        """See ``Field``."""
        return {self.name: step.value}

    def inputs(self, step: Any, offer: Offer) -> list[Input]:
        """What the chosen attribute takes; nothing until one is chosen."""
        attribute = offer.attributes.get(step.attribute)
        if attribute is None:
            return []
        shown = str(step.value).lower() if isinstance(step.value, bool) else step.value
        if attribute.choices:
            choices = [("", "Choose a value"), *attribute.choices]
            known = shown if shown in dict(attribute.choices) else ""
            return [Input(self.name, "choice", "Value", known, required=False, choices=choices)]
        if attribute.type == "date":
            return [Input(self.name, "date", "Value", shown, required=False)]
        hint = "A number, as 7 or 7.5." if attribute.type == "number" else ""
        return [Input(self.name, "text", "Value", shown, hint, required=False, high=LONGEST)]

    def collect(self, typed: Mapping[str, Any], step: Any, offer: Offer) -> dict[str, Any]:
        """See ``Field``. The value of another attribute is none of the one that was chosen now."""
        attribute = offer.attributes.get(step.attribute)
        if typed["attribute"] != step.attribute or attribute is None or self.name not in typed:
            return {self.name: "" if typed["attribute"] != step.attribute else step.value}
        return {self.name: self._typed(attribute, typed[self.name])}

    def _typed(self, attribute: KnownAttribute, typed: Any) -> Any:
        if typed in (None, ""):
            return ""
        if attribute.type == "yes_no":
            return typed == "true"
        if attribute.type == "date":
            return typed.isoformat()
        if attribute.type != "number":
            return typed
        try:
            number = float(typed)
        except ValueError:
            number = float("nan")
        if not isfinite(number):
            raise InputRefused(self.name, "Give a number, as 7 or 7.5.")
        return int(number) if number.is_integer() else number


@dataclass(frozen=True)
class UpdateAttribute(StepDefaults):
    """Give the own attribute called ``attribute`` a value."""

    attribute: str = ""
    value: str | int | float | bool = ""

    kind: ClassVar[str] = "update_attribute"
    label: ClassVar[str] = "Update an attribute"
    icon: ClassVar[str] = "tag"
    accent: ClassVar[str] = "teal"
    fields: ClassVar[tuple[Field, ...]] = (
        Name(
            "attribute",
            "attribute",
            "Attribute",
            lambda offer: [(name, each.label) for name, each in offer.attributes.items()],
            empty="Choose an attribute",
            help="One of your organization's own. Everybody who gets here has this value from then on.",
            saves=True,
        ),
        Value(),
    )

    @property
    def writes(self) -> tuple[str, ...]:
        """See ``Step``."""
        return (self.attribute,) if self.attribute else ()

    def level(self, known: Known) -> Level:
        """A journey that writes an attribute says as much as the attribute does."""
        attribute = known.attributes.get(self.attribute)
        return attribute.level if attribute is not None else Level.PUBLIC

    def check(self, place: Place) -> Iterator[str]:
        """See ``Step``."""
        label, attribute = place.label, place.known.attributes.get(self.attribute)
        if not self.attribute:
            yield f"{label} updates an attribute but has none. Choose one."
        elif self.attribute in identity_facts.FACTS:
            fact = identity_facts.named([self.attribute])
            yield f"{label} would change the {fact}, which leads to a person's mail. Choose an attribute of your own."
        elif attribute is None:
            yield f"{label}: there is no attribute “{self.attribute}” of your own. Choose another or add it."
        elif self.value == "":
            yield f"{label} has no value for “{attribute.label}”. Give one."
        elif misfit := attribute.fits(self.value):
            yield f"{label}: the value for “{attribute.label}” {misfit}. Give another."
        elif attribute.level < place.level:
            # What a journey looks at flows into what it writes (docs/architecture.md, Levels and purposes).
            yield (
                f"{label} would write what this journey knows ({place.level.word.lower()}) into “{attribute.label}” "
                f"({attribute.level.word.lower()}), which is protected less. Choose another attribute."
            )

    def decide(self, here: Here) -> Go:
        """See ``Step``."""
        values = {"attribute": self.attribute, "value": self.value}
        return Go(effects=(Effect("update_attribute", values, changes_person=True),))

    def words(self, labels: Labels) -> StepWords:
        """See ``Step``."""
        if not self.attribute:
            return StepWords("Update an attribute (choose one)")
        attribute = labels.attributes.get(self.attribute)
        name = attribute.label if attribute is not None else self.attribute
        if self.value == "":
            return StepWords(f"Set “{name}” (give a value)")
        return StepWords(f"Set “{name}” to {self._spoken(attribute)}", "For everybody who gets here")

    def _spoken(self, attribute: KnownAttribute | None) -> str:
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        if attribute is not None and attribute.type == "date":
            try:
                day = date.fromisoformat(str(self.value))
            except ValueError:
                return f"“{self.value}”"
            return f"{day:%b} {day.day}, {day.year}"
        return f"“{self.value}”" if isinstance(self.value, str) else str(self.value)
