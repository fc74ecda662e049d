"""Add or remove a tag, for everybody who gets here. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from apps.core.levels import Level
from apps.journeys.fields import Field, Handle, Known, Name, Option
from apps.journeys.protocol import Effect, Go, Here, Labels, Place, StepDefaults, StepWords


class TagAct(StrEnum):
    """What is done with the tag."""

    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True)
class Tag(StepDefaults):
    """Add the tag, or remove it."""

    act: TagAct = TagAct.ADD
    tag: Handle = ""

    kind: ClassVar[str] = "tag"
    label: ClassVar[str] = "Add or remove a tag"
    icon: ClassVar[str] = "tags"
    accent: ClassVar[str] = "teal"
    fields: ClassVar[tuple[Field, ...]] = (
        Option(
            "act",
            "act",
            "What to do",
            TagAct,
            TagAct.ADD,
            ((TagAct.ADD.value, "Add the tag"), (TagAct.REMOVE.value, "Remove the tag")),
        ),
        Name(
            "tag",
            "tag",
            "Tag",
            lambda offer: [(name, name) for name in offer.tags],
            empty="Choose a tag",
            help="Everybody who gets here has it, or has it no more, from then on.",
            refers="tag",
        ),
    )

    def level(self, known: Known) -> Level:
        """A journey that writes a tag says as much as the tag does."""
        return known.tags.get(str(self.tag), Level.PUBLIC)

    def check(self, place: Place) -> Iterator[str]:
        """See ``Step``."""
        label, level = place.label, place.known.tags.get(str(self.tag))
        if not self.tag:
            yield f"{label} adds or removes a tag but has none. Choose one."
        elif level is None:
            yield f"{label}: there is no tag “{self.tag}”. Choose another or add it."
        elif level < place.level:
            # What a journey looks at flows into what it writes (docs/architecture.md, Levels and purposes).
            yield (
                f"{label} would write what this journey knows ({place.level.word.lower()}) into the tag “{self.tag}” "
                f"({level.word.lower()}), which is protected less. Choose another tag."
            )

    def decide(self, here: Here) -> Go:
        """See ``Step``."""
        return Go(effects=(Effect("tag", {"act": self.act.value, "tag": self.tag}, changes_person=True),))

    def words(self, labels: Labels) -> StepWords:
        """See ``Step``."""
        done = "Add" if self.act is TagAct.ADD else "Remove"
        if not self.tag:
            return StepWords(f"{done} a tag (choose one)")
        return StepWords(f"{done} the tag “{self.tag}”", "For everybody who gets here")
