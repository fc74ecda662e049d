"""What the editor does to a design: pure functions from blocks JSON to blocks JSON.

A place is a list of blocks: "" for the top, ``ID:n`` for the n-th list inside block ID (a column, a branch).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Json, Place
from apps.core.errors import Refused
from apps.core.numbers import whole


class NoSuchBlock(Refused):
    """The block or place is not there (any more): another tab removed it."""

    def __init__(self) -> None:
        super().__init__("block.unknown", "That block is not there any more. Load the newest version, then try again.")


def lists_of(block: Json) -> list[list[Json]]:
    """The nested lists of a block, in order."""
    return KINDS[block["type"]].lists_of(block)


def every(blocks: list[Json], place: str = "") -> Iterator[tuple[Json, list[Json], int, str]]:
    """Every block with the list it stands in, its index there, and the name of that place."""
    for index, block in enumerate(blocks):
        yield block, blocks, index, place
        for number, inner in enumerate(lists_of(block)):
            yield from every(inner, f"{block['id']}:{number}")


def find(design: Json, block_id: str) -> tuple[Json, list[Json], int, str]:
    """The block, its list, its index and its place. Raises `NoSuchBlock`."""
    for found in every(design["blocks"]):
        if found[0]["id"] == block_id:
            return found
    raise NoSuchBlock


def place(design: Json, name: str) -> list[Json]:
    """The list of blocks that `name` means. Raises `NoSuchBlock`."""
    if not name:
        blocks: list[Json] = design["blocks"]
        return blocks
    block_id, _, number = name.rpartition(":")
    inner = lists_of(find(design, block_id)[0])
    chosen = whole(number, len(inner))
    if chosen >= len(inner):
        raise NoSuchBlock
    return inner[chosen]


def fresh_id(design: Json) -> str:
    """An id no block has."""
    taken = {block["id"] for block, *_ in every(design["blocks"])}
    number = len(taken) + 1
    while f"b{number}" in taken:
        number += 1
    return f"b{number}"


def add(design: Json, kind: str, where: str = "", index: int | None = None) -> tuple[Json, str]:
    """A new block of `kind`; returns the design and the new id. At the top it stays above what ends the mail."""
    if kind not in KINDS:
        raise Refused("block.kind_unknown", "There is no such kind of block.")
    after = copy.deepcopy(design)
    block = KINDS[kind].new(fresh_id(after))
    target = place(after, where)
    target.insert(_clamp(target, index, kind), block)
    return after, block["id"]


def _clamp(target: list[Json], index: int | None, kind: str) -> int:
    last = len(target)
    if not _ends(kind) and target and _ends(target[-1]["type"]):
        last -= 1
    if _ends(kind) or index is None:
        return last
    return max(0, min(index, last))


def _ends(kind: str) -> bool:
    """Whether it stands once and last."""
    return KINDS[kind].place is Place.END


def move(design: Json, block_id: str, where: str, index: int) -> Json:
    """Put a block at `index` of the list `where` (counted without the block itself)."""
    after = copy.deepcopy(design)
    block, source, position, _ = find(after, block_id)
    if where:
        inside = {found[0]["id"] for found in every([block])}
        if where.rpartition(":")[0] in inside:
            raise Refused("block.into_itself", "A block cannot be moved into itself.")
    target = place(after, where)
    source.pop(position)
    target.insert(_clamp(target, index, block["type"]), block)
    return after


def step(design: Json, block_id: str, direction: int) -> Json:
    """Move a block one up (-1) or down (+1) among its neighbors, or out of its list at either end."""
    _, source, position, name = find(design, block_id)
    target = position + direction
    if 0 <= target < len(source):
        return move(design, block_id, name, target)
    if not name:
        return copy.deepcopy(design)
    parent_id, _, number = name.rpartition(":")
    parent, _, parent_at, outer = find(design, parent_id)
    beside = int(number) + direction
    inner = lists_of(parent)
    if 0 <= beside < len(inner):
        return move(design, block_id, f"{parent_id}:{beside}", 0 if direction > 0 else len(inner[beside]))
    return move(design, block_id, outer, parent_at if direction < 0 else parent_at + 1)


def delete(design: Json, block_id: str) -> Json:
    """Take a block away, with what stands in it."""
    after = copy.deepcopy(design)
    _, source, position, _ = find(after, block_id)
    source.pop(position)
    return after


def duplicate(design: Json, block_id: str) -> tuple[Json, str]:
    """A copy of a block right behind it, with ids of its own; returns the design and the copy's id."""
    after = copy.deepcopy(design)
    block, source, position, _ = find(after, block_id)
    if _ends(block["type"]):
        raise Refused("block.only_one", f"A mail has one {KINDS[block['type']].label.lower()}.")
    twin = copy.deepcopy(block)
    source.insert(position + 1, twin)
    taken = {found[0]["id"] for found in every(design["blocks"])}
    number = len(taken)
    for inner, *_ in every([twin]):
        number += 1
        while f"b{number}" in taken:
            number += 1
        taken.add(f"b{number}")
        inner["id"] = f"b{number}"
    return after, twin["id"]


def update(design: Json, block_id: str, settings: Mapping[str, Any]) -> Json:
    """Other settings for a block; unknown names are refused by `blocks.parse` later."""
    after = copy.deepcopy(design)
    block, *_ = find(after, block_id)
    kind = KINDS[block["type"]]
    names = {setting.name for setting in kind.settings}
    block.update({name: value for name, value in settings.items() if name in names})
    kind.settle(block)
    return after
