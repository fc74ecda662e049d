"""Starts the processes of the demo, watches them, and stops them all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from django.conf import settings

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Part:
    """A process of the product; ``command`` is run from the checkout, output goes to ``logs/NAME.log``."""

    name: str
    command: tuple[str, ...] = field(repr=False)


def parts(address: str) -> list[Part]:
    """The processes of the demo: web, worker, beat, receiver of inbound mail, demo mail servers."""
    manage = (sys.executable, str(settings.BASE_DIR / "manage.py"))
    celery = (str(BIN / "celery"), "--app", "config", "--quiet")
    return [
        Part(
            "web",
            (str(BIN / "gunicorn"), "config.wsgi", "--bind", address, "--workers", "2", "--threads", "4")
            + ("--worker-tmp-dir", "/dev/shm" if Path("/dev/shm").is_dir() else "/tmp", "--log-level", "warning"),  # noqa: S108
        ),
        Part(
            "worker",
            (*celery, "worker", "--queues", "default,imports,journeys,send", "--concurrency", "4")
            + ("--loglevel", "warning", "--without-gossip", "--without-mingle"),
        ),
        Part(
            "beat",
            (*celery, "beat", "--loglevel", "warning", "--pidfile", "")
            + ("--schedule", str(settings.CARELANE_HOME / "celerybeat-schedule")),
        ),
        Part("receiver", (*manage, "receive_mail")),
        Part("mailboxes", (*manage, "demo_mail")),
    ]


class Supervisor:
    """Owns the demo's processes. Their pids stand in a file, so that another shell can stop them.

    A lock, which ends with this process however it ends, tells the other shell whether there is somebody to ask.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.pid_file = Path(settings.CARELANE_HOME) / "demo.json"
        self.lock_file = Path(settings.CARELANE_HOME) / "demo.lock"
        # Read by the settings of commands in another shell: they send to where the mail servers are, and their links
        # lead to this demo, not to the usual places.
        self.mail_file = Path(settings.CARELANE_HOME) / "demo-mail-port"
        self.address_file = Path(settings.CARELANE_HOME) / "demo-address"
        self._lock: IO[str] | None = None
        self.logs = Path(settings.CARELANE_HOME) / "logs"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.errands: dict[str, subprocess.Popen[bytes]] = {}
        self._began: dict[str, int] = {}

    def take(self) -> bool:
        """Become the one demo of this home; False when another process is it."""
        file = self.lock_file.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "address": self.address}))
        file.flush()
        self._lock = file
        return True

    def other(self) -> tuple[int, str]:
        """Pid and address of the demo that holds the lock. (0, "") in the moment in which it takes it."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            found = json.loads(self.lock_file.read_text())
            return int(found["pid"]), str(found["address"])
        return 0, ""

    def start(self) -> None:
        """Start every part and wait until the web process answers. Raises ``RuntimeError`` naming a part's log."""
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.mail_file.write_text(str(settings.DEMO_MAIL_PORT))
        self.address_file.write_text(self.address)
        for part in parts(self.address):
            self.running[part.name] = self._run(part)
        self._remember()
        self._wait_for_web()

    def errand(self, name: str, command: str) -> None:
        """Run a management command in the background that ends by itself; it is stopped with the parts."""
        self.errands[name] = self._run(Part(name, (sys.executable, str(settings.BASE_DIR / "manage.py"), command)))
        self._remember()

    def _run(self, part: Part) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "CARELANE_MODE": "demo",
            "CARELANE_URL": f"http://{self.address}",
            "PYTHONUNBUFFERED": "1",
        }
        with (self.logs / f"{part.name}.log").open("ab") as log:
            self._began[part.name] = log.tell()
            return subprocess.Popen(
                part.command,
                cwd=settings.BASE_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _remember(self) -> None:
        everything = {**self.running, **self.errands}
        self.pid_file.write_text(json.dumps({name: process.pid for name, process in everything.items()}))

    def watch(self) -> None:
        """Return when a part has died; its name and its last words are printed."""
        while True:
            for name, process in self.running.items():
                if process.poll() is not None:
                    sys.stderr.write(f"The part {name!r} stopped by itself: {self.last_words(name)}\n")
                    return
            time.sleep(0.5)

    def last_words(self, name: str) -> str:
        """The last line that a part wrote since it was started, and where the rest stands."""
        log = self.logs / f"{name}.log"
        with contextlib.suppress(OSError), log.open("rb") as file:
            file.seek(self._began.get(name, 0))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
            if lines:
                return f"{lines[-1].removeprefix('CommandError: ')} (see {log})"
        return f"see {log}"

    def stop(self) -> None:
        """Stop what this supervisor started."""
        children = {**self.running, **self.errands}
        _stop([process.pid for process in children.values()], children)
        self._forget()

    def stop_other(self) -> bool:
        """Stop the demo of another shell, and whatever a killed one left behind; whether there was any."""
        if self.take():
            return self.stop_recorded()
        pid, _ = self.other()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if pid:
                os.kill(pid, signal.SIGTERM)
        # It gives its parts fifteen seconds, and its servers as long as they need.
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not self.take():
            time.sleep(0.1)
        self.stop_recorded()
        return True

    def stop_recorded(self) -> bool:
        """Stop the parts that a killed demo left behind; whether there were any."""
        try:
            pids = json.loads(self.pid_file.read_text())
        except (FileNotFoundError, ValueError):
            return False
        _stop([pid for pid in pids.values() if _is_ours(pid)], {})
        self._forget()
        return True

    def _forget(self) -> None:
        for file in (self.pid_file, self.mail_file, self.address_file):
            file.unlink(missing_ok=True)

    def _wait_for_web(self) -> None:
        host, _, port = self.address.rpartition(":")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for name, process in self.running.items():
                if process.poll() is not None:
                    raise RuntimeError(f"The part {name!r} did not start: {self.last_words(name)}")
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
                return
            time.sleep(0.1)
        raise RuntimeError(f"The web process does not answer; see {self.logs / 'web'}.log")


def _stop(pids: list[int], children: dict[str, subprocess.Popen[bytes]]) -> None:
    """End the groups that these processes lead, and wait until nobody is left: the helpers of a killed one too."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        for process in children.values():
            process.poll()
        if not any(_members(pid) for pid in pids):
            return
        time.sleep(0.05)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _members(group: int) -> list[int]:
    """The living processes of a process group; the dead that nobody has buried yet do not count."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return []
    except PermissionError:
        return [group]
    if not Path("/proc/self/stat").exists():
        return [group]
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        # It may end while we look.
        with contextlib.suppress(OSError, IndexError):
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(int(path.parent.name))
    return found


def _is_ours(pid: int) -> bool:
    # The machine may have restarted and given the number to somebody else. A killed leader leaves its helpers.
    for member in _members(pid):
        with contextlib.suppress(OSError):
            command = Path(f"/proc/{member}/cmdline").read_bytes()
            if str(BIN).encode() in command or str(settings.BASE_DIR).encode() in command:
                return True
    return False


@contextlib.contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Within the block SIGTERM (``make stop``, a closed session) is what Ctrl-C is."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
