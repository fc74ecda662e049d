"""The structure list: the blocks of a mail as nested rows, with what is wrong or missing in each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apps.content.design import Block, Finding
from apps.content.fields import MergeField
from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Place


def tree(
    items: Iterable[Block],
    findings: list[Finding],
    catalog: Mapping[str, MergeField],
    place: str = "",
    gaps: Collection[str] = (),
    older: Collection[str] = (),
) -> list[dict[str, Any]]:
    """The structure list: nested rows with what is needed to draw and name them.

    ``gaps``: blocks that lack words; ``older``: blocks whose translation is older than the main words.
    """
    wrong = {finding.block for finding in findings if finding.error}
    blocks = list(items)
    rows = []
    for index, block in enumerate(blocks):
        kind = KINDS[block.type]
        lists = []
        for number, inner in enumerate(block.lists):
            where = f"{block.id}:{number}"
            inside = tree(inner, findings, catalog, where, gaps, older)
            lists.append({"place": where, "name": kind.list_labels[number], "rows": inside})
        rows.append(
            {
                "block": block,
                "kind": kind,
                "words": " ".join(kind.summary(block, catalog).split())[:60],
                "lists": lists,
                "wrong": block.id in wrong,
                "lacks": block.id in gaps,
                "older": block.id in older,
                "first": index == 0 and not place,
                "last": index == len(blocks) - 1 and not place,
                "fixed": kind.place is Place.END,
            }
        )
    return rows
