"""What every kind of block can do. A kind is a class in a file of its own beside this one, registered in ``KINDS``.

The bodies here are what most kinds want; a kind writes down where it differs. `settings` is its schema: JSON, form,
limits and translations follow from it (`apps.content.block_settings`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from apps.content.block_settings import Say, Setting
from apps.content.brands import BrandFacts
from apps.content.design import Block, Design, Finding
from apps.content.fields import MergeField
from apps.content.mail_look import Mail

Json = dict[str, Any]
Blocks = tuple[Block, ...]
Inside = Callable[[Blocks], str]
"""Writes a nested list of blocks, in the part of the mail that is being written."""


class Place(Enum):
    """Where a block may stand."""

    COLUMN = "anywhere, beside others in one column"
    ROW = "over the whole width, and so not inside columns"
    END = "once in a mail, and last"


@dataclass(frozen=True, slots=True)
class Checked:
    """The mail that is checked. `commercial`: its purpose needs an unsubscribe link and a postal address."""

    design: Design
    brand: BrandFacts
    commercial: bool


class Kind(Protocol):
    """One kind of block: its schema, how it is written into the mail and checked, and how the editor shows it."""

    name: str
    """The code word in JSON (``type``). Never changed: designs are kept."""
    label: str
    icon: str
    """A name of ``frontend/icons.txt``."""
    hint: str = ""
    settings: tuple[Setting, ...] = ()
    lists: tuple[str, ...] = ()
    """The JSON keys of its nested lists of blocks."""
    list_labels: tuple[str, ...] = ()
    """What the structure list calls those."""
    place: Place = Place.COLUMN
    has_text: bool = False
    """Whether it says something to people who see no images."""

    # in the mail

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        """The block as MJML of tokens: what an author wrote goes through ``mail.tokens``, never in as it is."""
        ...

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        """The block in the text part, without an empty line after it; "" for what needs no words."""
        ...

    def draft(self, block: Block, inside: Inside) -> str:
        """As `text`, the way an author would type it, merge fields and all."""
        ...

    # its schema beyond the settings

    def new(self, block_id: str) -> Json:
        """A fresh block as JSON."""
        data: Json = {"id": block_id, "type": self.name}
        data.update({setting.name: to_json(setting.default) for setting in self.settings})
        data.update({name: [] for name in self.lists})
        return data

    def read_lists(
        self, raw: Mapping[str, Any], settings: Mapping[str, Any], read: Callable[[Any], Blocks], say: Say
    ) -> tuple[Blocks, ...]:
        """Its nested lists from JSON; `read` reads one list."""
        return tuple(read(raw.get(name, [])) for name in self.lists)

    def dump_lists(self, block: Block, dump: Callable[[Blocks], list[Json]]) -> Json:
        """Its nested lists as JSON, by key."""
        return {name: dump(blocks) for name, blocks in zip(self.lists, block.lists, strict=True)}

    def lists_of(self, data: Json) -> list[list[Json]]:
        """The nested lists in the JSON of a block, in order, to change them in place."""
        return [data[name] for name in self.lists]

    def settle(self, data: Json) -> None:
        """Bring the nested lists in line after the settings in `data` changed."""
        return

    # what it means

    def summary(self, block: Block, catalog: Mapping[str, MergeField]) -> str:
        """The first words of the block, for the structure list."""
        return ""

    def unread(self, block: Block) -> frozenset[str]:
        """Names of settings that nobody reads as the others are set: they need no translation."""
        return frozenset()

    def scope(self, block: Block) -> dict[str, str]:
        """Names that merge fields inside the block may begin with, each with the list it goes through."""
        return {}

    def links(self, block: Block) -> list[tuple[str, str]]:
        """Its links as (target, words), for the checks every link has to pass."""
        return []

    def check(self, block: Block) -> Iterator[Finding]:
        """What a careful colleague would notice about this block."""
        yield from ()

    def check_all(self, found: Sequence[Block], mail: Checked) -> Iterator[Finding]:
        """What would be noticed about all blocks of this kind together, or about there being none."""
        yield from ()


def to_json(value: Any) -> Any:
    """The value of a setting as JSON: tuples become lists."""
    return [to_json(item) for item in value] if isinstance(value, tuple) else value


def field_label(name: str, catalog: Mapping[str, MergeField]) -> str:
    """A merge field in words, or its name when there is no such field."""
    return catalog[name].label if name in catalog else name
