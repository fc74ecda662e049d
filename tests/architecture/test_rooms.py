"""Twenty questions to the tree: a fresh reader finds eighteen rooms by the names of the files alone.

`questions.md` has the questions, as they were written before the rooms moved. `rooms.json` has for each: `right`, where
it stands now (a folder counts for what is in it); `right_before`, where it stood in 0.3.0; and two answers, at most two
places each, of readers who saw nothing but the list of files: `before` and `after`. A question whose answer lay in more
places than anybody may name (`right_before` empty) could not be answered before.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
ROOMS = json.loads((HERE / "rooms.json").read_text())
ENOUGH = 18


def found(answers: list[str], right: list[str]) -> bool:
    return any(answer == place or answer.startswith(f"{place}/") for answer in answers[:2] for place in right)


def test_every_question_has_an_answer_and_a_room() -> None:
    asked = re.findall(r"^(\d+)\. ", (HERE / "questions.md").read_text(), re.MULTILINE)
    assert asked == list(ROOMS)
    assert len(asked) == 20


@pytest.mark.parametrize("number", ROOMS)
def test_the_room_is_there(number: str) -> None:
    for place in ROOMS[number]["right"]:
        assert (REPOSITORY / place).exists(), f"Question {number}: {place} has moved; say where it is now."


def test_a_fresh_reader_finds_eighteen() -> None:
    missed = [number for number, room in ROOMS.items() if not found(room["after"], room["right"])]
    assert len(ROOMS) - len(missed) >= ENOUGH, f"Not found: {missed}"
