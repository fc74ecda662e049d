"""Two people start the demo in one checkout; a third stops it from another shell."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from apps.demo import supervisor
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
    waits = [sys.executable, "-c", "print('ready', flush=True); input()"]
    with subprocess.Popen(
        waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as part:
        assert part.stdout.readline() == "ready\n"
        (home / "demo.json").write_text(json.dumps({"web": part.pid}))
        assert Supervisor("127.0.0.1:8766").stop_other()
        assert part.wait(10) == -signal.SIGTERM


LEADER = """
import subprocess, sys
helper = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
print(helper.pid, helper.stdout.readline(), end="", flush=True)
input()
"""
# It has the port, and lets go of it only after it has thought about the signal.
HELPER = """
import signal, socket, time
door = socket.create_server(("127.0.0.1", 0))
def end(*_):
    time.sleep(0.5)
    raise SystemExit
signal.signal(signal.SIGTERM, end)
print(door.getsockname()[1], flush=True)
while True:
    signal.pause()
"""


@pytest.mark.parametrize("another_shell", [False, True])
def test_the_helpers_of_a_killed_part_are_gone_too_when_it_says_stopped(home, another_shell) -> None:
    """The web process was killed; its workers hold the port, which the next start wants."""
    with subprocess.Popen(
        [sys.executable, "-c", LEADER, HELPER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as leader:
        port = int(leader.stdout.readline().split()[1])
        leader.kill()
        leader.wait()
        owner = Supervisor("127.0.0.1:8766")
        if another_shell:
            (home / "demo.json").write_text(json.dumps({"web": leader.pid}))
            assert owner.stop_other()
        else:
            owner.running["web"] = leader
            owner.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)


def test_a_number_that_is_somebody_elses_by_now_is_left_alone(home) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
        (home / "demo.json").write_text(json.dumps({"web": stranger.pid}))
        Supervisor("127.0.0.1:8766").stop_other()
        assert stranger.poll() is None
        stranger.kill()


def test_a_closed_terminal_is_what_ctrl_c_is() -> None:
    with terminate_as_interrupt(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_a_part_that_stops_says_why_in_one_line(home, monkeypatch, capsys) -> None:
    """Somebody's other program has the port: the line on the screen says which, not only where a log lies."""
    said = "print('noise'); import sys; sys.exit('CommandError: Port 8024 on 127.0.0.1 is in use. Set another.')"
    part = supervisor.Part("receiver", (sys.executable, "-c", said))
    monkeypatch.setattr(supervisor, "parts", lambda address: [part])
    (home / "logs").mkdir()
    (home / "logs" / "receiver.log").write_text("what yesterday's demo said\n")
    owner = Supervisor("127.0.0.1:8766")
    with pytest.raises(RuntimeError, match="'receiver' did not start: Port 8024 on"):
        owner.start()
    owner.watch()
    told = capsys.readouterr().err
    assert "Port 8024" in told
    assert "yesterday" not in told
    assert str(home / "logs" / "receiver.log") in told


def test_a_command_in_another_shell_sends_to_where_the_mail_servers_of_the_demo_are(
    home, settings, monkeypatch
) -> None:
    """The usual ports were taken, so it gave way; once it is stopped, the usual ones count again."""
    settings.DEMO_MAIL_PORT = 2621
    monkeypatch.setattr(supervisor, "parts", lambda address: [])
    owner = Supervisor("127.0.0.1:8766")
    monkeypatch.setattr(owner, "_wait_for_web", lambda: None)
    said = {**os.environ, "CARELANE_HOME": str(home), "CARELANE_KEYS": str(home / "keys"), "CARELANE_MODE": "demo"}
    asked = [sys.executable, "-c", "from config import settings as s; print(s.DEMO_MAIL_PORT, s.TRANSPORT_MAP)"]

    def told() -> str:
        return subprocess.check_output(asked, cwd=settings.BASE_DIR, env=said, text=True)

    owner.start()
    assert told().startswith("2621 goodmail.test=mx.goodmail.test@127.0.0.1:2621,")
    owner.stop()
    assert told().startswith("2601 ")


def test_the_receiver_names_the_port_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CommandError, match=rf"Port {place.rpartition(':')[2]} .* CARELANE_LMTP_ADDRESS"):
            call_command("receive_mail", lmtp=place, smtp="")
