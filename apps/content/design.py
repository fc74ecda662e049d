"""What a template is: a `Design` of blocks, and what can be wrong with one. Pure data.

What a block of some kind holds, how it is read, written and checked is in `apps.content.kinds`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.core.errors import Refused

LANGUAGES = {"en": "English", "es": "Spanish"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a template. `block` is a block id, or "" for the template as a whole."""

    message: str
    block: str = ""
    setting: str = ""


class BadTemplate(Refused):
    """A template that cannot be saved or compiled; `problems` has all that was found."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("template.unusable", problems[0].message if problems else "The template cannot be read.")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check noticed. `rule` is a stable code word; `block` and `setting` say where, "" for the whole."""

    rule: str
    message: str
    error: bool = True
    block: str = ""
    setting: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """One block, checked. `type` names its kind in ``kinds.KINDS``; all settings of that kind are there; `lists` are
    its nested lists in order of the kind.
    """

    id: str
    type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    lists: tuple[tuple[Block, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Design:
    """A whole template, checked. `text` is the author's own text part, or None to generate it."""

    subject: str
    preheader: str
    language: str
    blocks: tuple[Block, ...]
    text: str | None = None
    level: int = 0
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The words in further languages: code to ``subject, preheader, text, blocks`` (block id to settings). Only what
    is written stands there; `apps.content.variants` says what is missing. ``older`` has the same shape and holds the
    main words that a translation was made from, where those have changed since.
    """

    def walk(self) -> Iterator[Block]:
        """Every block, outer before inner."""
        yield from walk(self.blocks)

    def find(self, block_id: str) -> Block | None:
        """The block of that id."""
        return next((block for block in self.walk() if block.id == block_id), None)


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Every block of a list, outer before inner."""
    for block in blocks:
        yield block
        for inner in block.lists:
            yield from walk(inner)
