"""Two people start the demo in one checkout; a third stops it from another shell."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
from django.core.management import call_command

from apps.demo.supervisor import Supervisor, terminate_as_interrupt

HOLDS = """
import fcntl, json, os, sys
file = open(sys.argv[1], "a+")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(json.dumps({"pid": os.getpid(), "address": "127.0.0.1:8765"}))
file.flush()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(settings, tmp_path):
    settings.CARELANE_HOME = tmp_path
    settings.EMBEDDED = None
    return tmp_path


@pytest.fixture
def running(home):
    """A demo of another shell, as far as another shell can tell."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(home / "demo.lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "ready\n"
        yield other
        other.kill()


def test_a_second_demo_says_where_the_first_one_runs(running, capsys) -> None:
    call_command("demo", "--address", "127.0.0.1:8766")
    assert "Carelane runs already at http://127.0.0.1:8765/" in capsys.readouterr().out
    assert running.poll() is None


def test_stopping_asks_the_running_one_and_waits_for_it(running, capsys) -> None:
    call_command("demo", "--stop")
    assert running.poll() == -signal.SIGTERM
    assert capsys.readouterr().out == "Stopped.\n"


def test_with_nothing_running_that_is_said(home, capsys) -> None:
    call_command("demo", "--stop")
    assert capsys.readouterr().out == "Nothing was running.\n"


def test_what_a_killed_demo_left_behind_is_stopped(home) -> None:
    # A session of its own, as the supervisor starts its parts; the program is this checkout's Python.
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as part:
        (home / "demo.json").write_text(json.dumps({"web": part.pid}))
        assert Supervisor("127.0.0.1:8766").stop_other()
        assert part.wait(10) == -signal.SIGTERM


def test_a_number_that_is_somebody_elses_by_now_is_left_alone(home) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        (home / "demo.json").write_text(json.dumps({"web": stranger.pid}))
        Supervisor("127.0.0.1:8766").stop_other()
        assert stranger.poll() is None
        stranger.kill()


def test_a_closed_terminal_is_what_ctrl_c_is() -> None:
    with terminate_as_interrupt(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
