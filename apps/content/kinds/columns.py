"""Two or three lists of blocks side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.content.block_settings import Choice, Say
from apps.content.design import Block
from apps.content.kinds.protocol import Blocks, Inside, Json, Kind, Place
from apps.content.mail_look import SOFT_INK, Mail, tag

_SHARES = {"1-1": (1, 1), "1-2": (1, 2), "2-1": (2, 1), "1-1-1": (1, 1, 1)}
"""How the width is divided, by layout."""


class Columns(Kind):
    """Parts beside each other; on a phone one below the other."""

    name = "columns"
    label = "Columns"
    icon = "columns-2"
    settings = (
        Choice(
            "layout",
            "Layout",
            "1-1",
            choices=(("1-1", "Two equal"), ("1-2", "Narrow, wide"), ("2-1", "Wide, narrow"), ("1-1-1", "Three")),
        ),
    )
    lists = ("columns",)
    list_labels = ("Column 1", "Column 2", "Column 3")
    place = Place.ROW

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        shares = _SHARES[block.settings["layout"]]
        columns = ""
        for share, blocks in zip(shares, block.lists, strict=True):
            width = {"width": f"{100 * share / sum(shares):.4f}%"}
            body = inside(blocks)
            if mail.mark and not blocks:  # in the editor alone: a column nobody sees is a column nobody fills
                empty = {"color": SOFT_INK, "align": "center", "css-class": "soft"}
                body = tag("mj-text", empty, mail.tokens.hold("Empty column"))
            columns += tag("mj-column", width, body)
        return mail.section(columns, mail.classes(block, "card"))

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        return "".join(inside(blocks) for blocks in block.lists)

    def draft(self, block: Block, inside: Inside) -> str:
        return "".join(inside(blocks) for blocks in block.lists)

    # Unlike other nested lists these stand in one list of lists, as many as the layout has columns.

    def new(self, block_id: str) -> Json:
        return {**super().new(block_id), "columns": [[], []]}

    def read_lists(
        self, raw: Mapping[str, Any], settings: Mapping[str, Any], read: Callable[[Any], Blocks], say: Say
    ) -> tuple[Blocks, ...]:
        columns, wanted = raw.get("columns", []), len(_SHARES[settings["layout"]])
        if not isinstance(columns, list) or not 1 <= len(columns) <= 3:
            say("Columns need two or three lists of blocks.")
            return ((),) * wanted
        return tuple(_fitted([read(column) for column in columns], wanted, ()))

    def dump_lists(self, block: Block, dump: Callable[[Blocks], list[Json]]) -> Json:
        return {"columns": [dump(column) for column in block.lists]}

    def lists_of(self, data: Json) -> list[list[Json]]:
        columns: list[list[Json]] = data["columns"]
        return columns

    def settle(self, data: Json) -> None:
        data["columns"] = _fitted(data["columns"], len(data["layout"].split("-")), [])


def _fitted(columns: list[Any], wanted: int, empty: Any) -> list[Any]:
    """As many columns as wanted. What stood in a column that goes moves to the last one that stays."""
    kept = list(columns)
    while len(kept) > wanted:
        extra = kept.pop()
        kept[-1] = kept[-1] + extra
    return kept + [empty[:] for _ in range(wanted - len(kept))]
