"""What the editor does to a design: pure, and always a design again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.content import blocks
from apps.content.editor import changes
from apps.content.kinds import KINDS
from apps.core.errors import Refused
from tests.refusals import refused

START = {
    "subject": "s",
    "preheader": "",
    "language": "en",
    "blocks": [
        {"id": "a", "type": "text"},
        {"id": "b", "type": "columns", "layout": "1-1", "columns": [[{"id": "c", "type": "text"}], []]},
        {"id": "d", "type": "condition", "then": [{"id": "e", "type": "text"}], "otherwise": []},
        {"id": "f", "type": "footer"},
    ],
}


def start() -> dict:
    return blocks.dump(blocks.parse(START))


def shape(design: dict) -> list:
    def of(items: list) -> list:
        return [[item["id"], *[of(inner) for inner in changes.lists_of(item)]] for item in items]

    return of(design["blocks"])


def test_add_stays_above_the_footer_and_takes_a_place() -> None:
    after, new = changes.add(start(), "button")
    assert [item[0] for item in shape(after)] == ["a", "b", "d", new, "f"]
    after, new = changes.add(start(), "button", "b:1")
    assert shape(after)[1] == ["b", [["c"]], [[new]]]
    after, new = changes.add(start(), "button", "", 1)
    assert [item[0] for item in shape(after)] == ["a", new, "b", "d", "f"]
    with refused("block.kind_unknown"):
        changes.add(start(), "video")
    with pytest.raises(changes.NoSuchBlock):
        changes.add(start(), "text", "b:7")


def test_moving() -> None:
    assert shape(changes.move(start(), "a", "b:0", 1))[0] == ["b", [["c"], ["a"]], []]
    assert [item[0] for item in shape(changes.move(start(), "a", "", 99))] == ["b", "d", "a", "f"]
    with refused("block.into_itself"):
        changes.move(start(), "d", "d:0", 0)


def test_steps_leave_a_list_at_its_ends() -> None:
    assert [item[0] for item in shape(changes.step(start(), "a", 1))] == ["b", "a", "d", "f"]
    assert shape(changes.step(start(), "c", 1))[1] == ["b", [], [["c"]]]
    assert [item[0] for item in shape(changes.step(start(), "c", -1))] == ["a", "c", "b", "d", "f"]
    assert changes.step(start(), "a", -1) == start()


def test_delete_duplicate_update() -> None:
    assert [item[0] for item in shape(changes.delete(start(), "b"))] == ["a", "d", "f"]
    after, twin = changes.duplicate(start(), "d")
    assert len({found[0]["id"] for found in changes.every(after["blocks"])}) == 8
    assert shape(after)[3][0] == twin
    with refused("block.only_one"):
        changes.duplicate(start(), "f")
    wide = changes.update(start(), "b", {"layout": "1-1-1", "unknown": 1})
    assert shape(wide)[1] == ["b", [["c"]], [], []]
    narrow = changes.update(changes.move(wide, "a", "b:2", 0), "b", {"layout": "1-1"})
    assert shape(narrow)[0] == ["b", [["c"]], [["a"]]]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(0, 40), st.integers(0, 6)), max_size=25))
def test_any_sequence_of_operations_leaves_a_design(operations: list[tuple[int, int, int, int]]) -> None:
    design = start()
    kinds = list(KINDS)
    for op, one, two, index in operations:
        found = list(changes.every(design["blocks"]))
        places = ["", *[f"{b['id']}:{n}" for b, *_ in found for n, _ in enumerate(changes.lists_of(b))]]
        chosen = found[one % len(found)][0]["id"] if found else ""
        try:
            if op == 0:
                after, _ = changes.add(design, kinds[one % len(kinds)], places[two % len(places)], index)
            elif op == 1:
                after = changes.move(design, chosen, places[two % len(places)], index)
            elif op == 2:
                after = changes.step(design, chosen, 1 if two % 2 else -1)
            elif op == 3:
                after = changes.delete(design, chosen)
            elif op == 4:
                after, _ = changes.duplicate(design, chosen)
            else:
                after = changes.update(design, chosen, {"layout": "1-1-1", "text": "x"})
            blocks.parse(after)
        except Refused:
            continue  # refused whole: the design before it stands
        design = after
    ids = [found[0]["id"] for found in changes.every(design["blocks"])]
    assert len(ids) == len(set(ids))
