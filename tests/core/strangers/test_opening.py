"""A stranger's file is opened where there is nothing to take, and costs no more than one file may."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from apps.core.strangers import inside
from apps.core.strangers.opening import Limits, Trouble, Unopened, open_file

WORK = "tests.core.strangers.hostile"
MB = 1024 * 1024
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's walls are Linux's")


def trouble(work: str, data: bytes = b"", **given) -> Trouble:
    with pytest.raises(Unopened) as caught:
        open_file(f"{WORK}:{work}", data, **given)
    return caught.value.trouble


def test_bytes_go_in_and_values_and_bytes_come_out():
    data = bytes(range(256)) * 8000
    opened = open_file(f"{WORK}:echo", data, page=3)
    assert (opened.value, opened.blob) == ({"page": 3}, data)


def test_it_sees_no_environment_no_open_file_and_no_database(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgres://planted")
    monkeypatch.setenv("CARELANE_KEYS", "/planted")
    with (tmp_path / "held").open("w") as held:
        os.set_inheritable(held.fileno(), True)
        seen = open_file(f"{WORK}:surroundings", b"").value
    assert seen["environment"].keys() <= {"LC_CTYPE"}  # the interpreter's own
    assert "planted" not in str(seen)
    assert not any("held" in each for each in seen["files"])
    assert seen["modules"] == []
    assert seen["session"]


@linux
def test_it_reaches_no_key_no_network_no_program_and_no_process(settings, tmp_path):
    settings.SANDBOX = "full"
    key = tmp_path / "service.key"
    key.write_bytes(b"key")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1]).encode()
        found = open_file(f"{WORK}:attempts", port, key=str(key), parent=os.getpid()).value
    assert {name for name, outcome in found.items() if outcome == "done"} == set()
    assert len(found) == 11


def test_a_memory_bomb_ends_with_its_reason():
    assert trouble("memory", limits=Limits(memory=256 * MB)) is Trouble.MEMORY


def test_an_endless_loop_and_a_sleeper_end_with_their_reason():
    assert trouble("endless", limits=Limits(computing=1)) is Trouble.TIME
    assert trouble("asleep", limits=Limits(seconds=1.0)) is Trouble.TIME


def test_output_over_the_limit_is_refused():
    assert trouble("much", size=2 * MB, limits=Limits(output=MB)) is Trouble.OUTPUT
    assert len(open_file(f"{WORK}:much", b"", size=MB, limits=Limits(output=MB)).blob) == MB


def test_a_crash_and_an_error_cost_one_file_and_tell_nothing_of_it():
    assert trouble("crash") is Trouble.BROKEN
    with pytest.raises(Unopened) as caught:
        open_file(f"{WORK}:raises", b"Dennis Ames has HIV")
    assert caught.value.trouble is Trouble.BROKEN
    assert "Dennis" not in f"{caught.value!r} {caught.value}"


def test_what_a_library_prints_is_no_answer():
    assert open_file(f"{WORK}:talks", b"").value == "quiet"


def test_questions_are_answered_outside_and_counted():
    limits = Limits(questions=3)
    opened = open_file(f"{WORK}:questions", b"", number=3, limits=limits, answer=lambda asked: asked["name"] + "!")
    assert opened.value == ["0!", "1!", "2!"]
    assert trouble("questions", number=4, limits=limits, answer=str) is Trouble.QUESTIONS
    assert trouble("questions", number=1) is Trouble.QUESTIONS


def test_where_the_kernel_offers_no_walls_nothing_is_opened_in_production(settings, monkeypatch, tmp_path):
    settings.SANDBOX = "full"
    text = (
        Path(inside.__file__)
        .read_text()
        .replace("Path(__file__).resolve().parents[3]", f"Path({str(inside._PRODUCT)!r})")
    )
    script = tmp_path / "inside.py"
    script.write_text(text.replace("state = walls.shut(_libraries())", 'state = {"network": False, "files": False}'))
    monkeypatch.setattr("apps.core.strangers.opening._INSIDE", str(script))
    assert trouble("echo", b"x" * MB) is Trouble.WALLS
    settings.SANDBOX = "best"
    assert open_file(f"{WORK}:echo", b"x").blob == b"x"
