"""What runs in the process that opens strangers' files. Started as a script by ``opening``; imports nothing of Django.

It reads one request from standard input, imports the function that is asked for, shuts itself in, and only then reads
the stranger's bytes. What the function returns goes to standard output: (something JSON can say, bytes).
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

_HEAD = struct.Struct("=cI")
_PRODUCT = Path(__file__).resolve().parents[3]

Ask = Callable[[Any], Any]
"""Asks the process outside a question that needs the network; it answers what it likes, and so often as it likes."""
Work = Callable[..., "tuple[Any, bytes]"]


def main() -> None:
    """Serve one request, and end."""
    out = os.fdopen(os.dup(1), "wb")
    coming = os.fdopen(os.dup(0), "rb")
    # What a library prints goes nowhere, and cannot be taken for an answer.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.closerange(3, min(out.fileno(), coming.fileno(), nowhere))
    request = json.loads(_read(coming))
    sys.path.insert(0, str(_PRODUCT))
    walls = _walls()
    work = _function(request["work"])
    walls.limit(memory=request["memory"], seconds=request["seconds"])
    state = walls.shut(_libraries())
    if request["strict"] and not all(state.values()):
        _write(out, b"W", json.dumps(state).encode())
        return
    data = _read(coming)

    def ask(question: Any) -> Any:
        _write(out, b"Q", json.dumps(question).encode())
        return json.loads(_read(coming))

    try:
        value, blob = work(data, ask=ask, **request["given"])
        said = json.dumps(value).encode()
    except MemoryError:
        # Whatever was built is given up with the frames; saying so needs a few hundred bytes.
        data = b""
        _write(out, b"M", b"")
        return
    except Exception as error:  # noqa: BLE001  (a stranger's file may raise anything; its text never leaves)
        _write(out, b"E", type(error).__name__.encode())
        return
    _write(out, b"V", said)
    _write(out, b"B", blob)


def nothing(data: bytes, *, ask: Ask) -> tuple[Any, bytes]:
    """Open nothing: shows whether the process can be shut in."""
    return None, b""


def _walls() -> Any:
    return importlib.import_module("apps.core.strangers.walls")


def _function(name: str) -> Work:
    module, _, function = name.partition(":")
    found: Work = getattr(importlib.import_module(module), function)
    return found


def _libraries() -> list[Path]:
    """Where Python and libraries lie, and the product's code: never its data, keys or settings."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {entry for entry in sys.path if entry and Path(entry) != _PRODUCT and Path(entry).is_dir()}
    paths |= {
        str(Path(sys.base_prefix) / "lib"),
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/usr/share/zoneinfo",
    }
    return [Path(each) for each in sorted(paths)] + [_PRODUCT / "apps"]


def _read(coming: BinaryIO) -> bytes:
    head = coming.read(_HEAD.size)
    if len(head) < _HEAD.size:
        os._exit(0)
    return coming.read(_HEAD.unpack(head)[1])


def _write(out: BinaryIO, kind: bytes, body: bytes) -> None:
    out.write(_HEAD.pack(kind, len(body)))
    out.write(body)
    out.flush()


if __name__ == "__main__":
    main()
