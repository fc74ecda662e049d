"""Ask clamd about a file: INSTREAM of its protocol (man clamd), on a Unix socket or a host and port.

Twenty lines of our own: the clients there are for it were last kept in 2014 and 2017.
"""

from __future__ import annotations

import socket
import struct
from enum import StrEnum

SECONDS = 20.0
_CHUNK = 256 * 1024


class Scan(StrEnum):
    """What the scanner said."""

    CLEAN = "clean"
    INFECTED = "infected"
    OFF = "off"
    FAILED = "failed"

    @property
    def words(self) -> str:
        """In words, for whoever wants the file."""
        return _WORDS[self]


_WORDS = {
    Scan.CLEAN: "Scanned: nothing found",
    Scan.INFECTED: "Scanned: malware found",
    Scan.OFF: "Not scanned: no virus scanner is set up",
    Scan.FAILED: "Not scanned: the virus scanner did not answer",
}


def scan(data: bytes, place: str, *, seconds: float = SECONDS) -> Scan:
    """What clamd at ``place`` (a path, or ``host:port``; empty: none) says of ``data``. Raises nothing.

    An answer that is neither "OK" nor "FOUND" (a limit of size, an error) is no answer.
    """
    if not place:
        return Scan.OFF
    try:
        with _connect(place, seconds) as connection:
            connection.sendall(b"zINSTREAM\0")
            for start in range(0, len(data), _CHUNK):
                chunk = data[start : start + _CHUNK]
                connection.sendall(struct.pack("!I", len(chunk)) + chunk)
            connection.sendall(struct.pack("!I", 0))
            answer = b""
            while not answer.endswith(b"\0") and len(answer) < 4096:
                more = connection.recv(4096)
                if not more:
                    break
                answer += more
    except (OSError, ValueError):
        return Scan.FAILED
    said = answer.rstrip(b"\0\n ")
    if said.endswith(b" FOUND"):
        return Scan.INFECTED
    return Scan.CLEAN if said == b"stream: OK" else Scan.FAILED


def _connect(place: str, seconds: float) -> socket.socket:
    if place.startswith("/"):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(seconds)
        try:
            connection.connect(place)
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = place.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)
