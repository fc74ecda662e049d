"""Open a stranger's file in a process without keys, network and database; what goes wrong costs this one file.

The process is a fresh interpreter with an empty environment and a session of its own. It is told which function of the
product to call, shuts itself in (``walls``), gets the bytes by standard input, and answers on standard output. It may
ask questions (a DNS name, say) that ``answer`` may answer: it has no way of its own to anywhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import IO, Any

from django.conf import settings

# So many at once in this process; the others wait, for no longer than those may take.
_AT_ONCE = threading.BoundedSemaphore(3)
_INSIDE = str(Path(__file__).with_name("inside.py"))
_HEAD = struct.Struct("=cI")
_MB = 1024 * 1024


class Trouble(StrEnum):
    """Why a file was not opened."""

    MEMORY = "memory"
    TIME = "time"
    OUTPUT = "output"
    QUESTIONS = "questions"
    BROKEN = "broken"
    WALLS = "walls"

    @property
    def words(self) -> str:
        """The reason in words for whoever wanted to see it."""
        return _WORDS[self]


_WORDS = {
    Trouble.MEMORY: "It needs more memory than a file of a stranger is given.",
    Trouble.TIME: "It took longer than a file of a stranger may take.",
    Trouble.OUTPUT: "It unpacks to more than a file of a stranger may hand back.",
    Trouble.QUESTIONS: "It asked for more than a file of a stranger may ask for.",
    Trouble.BROKEN: "It is damaged, or not what it claims to be.",
    Trouble.WALLS: "This server cannot open files of strangers safely: see CARELANE_SANDBOX in the documentation.",
}


class Unopened(Exception):
    """A file was not opened, and nothing of it was used. ``detail``: a class name or a signal, never its content."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(trouble.value, detail)
        self.trouble, self.detail = trouble, detail


@dataclass(frozen=True)
class Limits:
    """What one file may cost: bytes of memory, seconds (computing, and in all), bytes handed back, questions asked."""

    memory: int = 768 * _MB
    computing: int = 10
    seconds: float = 20.0
    output: int = 32 * _MB
    questions: int = 0


USUAL = Limits()


@dataclass(frozen=True)
class Opened:
    """What a file was found to be: plain values, and bytes (pixels, a part) where there are any."""

    value: Any
    blob: bytes


def open_file(
    work: str,
    data: bytes,
    *,
    limits: Limits = USUAL,
    answer: Callable[[Any], Any] | None = None,
    **given: Any,
) -> Opened:
    """Call ``work`` ("package.module:function") on ``data`` inside. Raises ``Unopened``, and nothing else.

    The function takes ``(data, *, ask, **given)`` and returns (what JSON can say, bytes). ``given`` is JSON too.
    """
    request = {
        "work": work,
        "given": given,
        "memory": limits.memory,
        "seconds": limits.computing,
        "strict": settings.SANDBOX == "full",
    }
    with _AT_ONCE:
        return _open(request, data, limits, answer)


def _open(request: dict[str, Any], data: bytes, limits: Limits, answer: Callable[[Any], Any] | None) -> Opened:
    process = subprocess.Popen(
        [sys.executable, "-I", _INSIDE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        close_fds=True,
        start_new_session=True,
    )
    late = threading.Event()

    def end() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(limits.seconds, end)
    timer.daemon = True
    timer.start()
    try:
        return _talk(process, request, data, limits, answer)
    except (OSError, ValueError, RecursionError, _Ended) as error:
        raise _why(_code(process), late, error) from None
    finally:
        timer.cancel()
        _kill(process)
        for pipe in (process.stdin, process.stdout):
            # What was not written yet is of no use to anybody.
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        process.wait()


@cache
def can_open() -> bool:
    """Whether this machine opens files of strangers at all, as CARELANE_SANDBOX asks; a process asks once."""
    try:
        return open_file("apps.core.strangers.inside:nothing", b"").value is None
    except Unopened:
        return False


class _Ended(Exception):
    """The process said no more."""


def _talk(
    process: subprocess.Popen[bytes],
    request: dict[str, Any],
    data: bytes,
    limits: Limits,
    answer: Callable[[Any], Any] | None,
) -> Opened:
    coming, out = process.stdout, process.stdin
    assert coming is not None
    assert out is not None
    _send(out, json.dumps(request).encode())
    with contextlib.suppress(BrokenPipeError):
        # It may have said already that it will not look at them.
        _send(out, data)
    asked, value = 0, None
    while True:
        kind, body = _receive(coming, limits.output)
        if kind == b"Q":
            asked += 1
            if answer is None or asked > limits.questions:
                raise Unopened(Trouble.QUESTIONS)
            _send(out, json.dumps(answer(json.loads(body))).encode())
        elif kind == b"V":
            value = json.loads(body)
        elif kind == b"B":
            return Opened(value, body)
        elif kind == b"M":
            raise Unopened(Trouble.MEMORY)
        elif kind == b"W":
            raise Unopened(Trouble.WALLS)
        else:
            raise Unopened(Trouble.BROKEN, body[:60].decode("ascii", "replace"))


def _send(out: IO[bytes], body: bytes) -> None:
    out.write(_HEAD.pack(b"R", len(body)))
    out.write(body)
    out.flush()


def _receive(coming: IO[bytes], most: int) -> tuple[bytes, bytes]:
    head = coming.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise _Ended
    kind, length = _HEAD.unpack(head)
    if length > most:
        raise Unopened(Trouble.OUTPUT)
    body = coming.read(length)
    if len(body) < length:
        raise _Ended
    return kind, body


def _code(process: subprocess.Popen[bytes]) -> int:
    """How it ended by itself; 0 when it had to be ended."""
    try:
        return process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        _kill(process)
        return 0


def _why(code: int, late: threading.Event, error: Exception) -> Unopened:
    """What ended it: the clock, the limit of computing, the kernel for want of memory, or a fault of its own."""
    if late.is_set() or code == -signal.SIGXCPU:
        return Unopened(Trouble.TIME)
    if code == -signal.SIGKILL:
        return Unopened(Trouble.MEMORY)
    if not isinstance(error, _Ended | BrokenPipeError):
        return Unopened(Trouble.BROKEN, type(error).__name__)
    return Unopened(Trouble.BROKEN, f"signal {-code}" if code < 0 else f"exit {code}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        # Its session is its own, so its number is that of its group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
