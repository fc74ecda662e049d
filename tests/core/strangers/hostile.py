"""What a stranger's file could make a library do. Runs inside, where each has to fail or to cost nothing."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any


def echo(data: bytes, *, ask: Any, **given: Any) -> tuple[Any, bytes]:
    return given, data


def surroundings(data: bytes, *, ask: Any) -> tuple[Any, bytes]:
    """Everything of the world outside that can be seen from here."""
    return {
        "environment": dict(os.environ),
        "arguments": sys.argv,
        "files": sorted(os.readlink(f"/proc/self/fd/{n}") for n in _listed("/proc/self/fd")),
        "modules": sorted(name for name in sys.modules if name.startswith(("django", "psycopg", "celery", "redis"))),
        "session": os.getsid(0) == os.getpid(),
    }, b""


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def attempts(data: bytes, *, ask: Any, key: str, parent: int) -> tuple[Any, bytes]:
    """Name and outcome of what must not be possible: the class of the error, or "done"."""
    tries = {
        "read a key": lambda: Path(key).read_bytes(),
        "read the environment outside": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
        "read /etc": lambda: Path("/etc/passwd").read_bytes(),
        "write a file": lambda: Path("/tmp/carelane-stranger").write_bytes(b"x"),
        "connect by IPv4": lambda: socket.create_connection(("127.0.0.1", int(data)), timeout=2),
        "ask the DNS": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 53)),
        "connect to a socket": lambda: socket.socket(socket.AF_UNIX).connect("/var/run/docker.sock"),
        "start a program": lambda: subprocess.run(["/bin/true"], check=True),
        "fork": os.fork,
        "end its parent": lambda: os.kill(parent, 0),
        "look into its parent": lambda: _trace(parent),
    }
    found = {}
    for name, attempt in tries.items():
        try:
            attempt()
            found[name] = "done"
        except OSError as error:
            found[name] = type(error).__name__
    return found, b""


def _trace(pid: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def memory(data: bytes, *, ask: Any) -> tuple[Any, bytes]:
    held = [bytearray(64 * 1024 * 1024) for _ in range(1000)]
    return len(held), b""


def endless(data: bytes, *, ask: Any) -> tuple[Any, bytes]:
    while True:
        pass


def asleep(data: bytes, *, ask: Any) -> tuple[Any, bytes]:
    import signal

    signal.pause()
    return None, b""


def much(data: bytes, *, ask: Any, size: int) -> tuple[Any, bytes]:
    return None, b"x" * size


def crash(data: bytes, *, ask: Any) -> tuple[Any, bytes]:
    ctypes.string_at(0)
    return None, b""


def raises(data: bytes, *, ask: Any) -> tuple[Any, bytes]:
    raise ValueError(data.decode())


def talks(data: bytes, *, ask: Any) -> tuple[Any, bytes]:
    """A library that prints: it must not be taken for the answer."""
    print("V" * 100)
    os.write(1, b"V" * 100)
    os.write(2, b"V" * 100)
    return "quiet", b""


def questions(data: bytes, *, ask: Any, number: int) -> tuple[Any, bytes]:
    return [ask({"name": str(n)}) for n in range(number)], b""
