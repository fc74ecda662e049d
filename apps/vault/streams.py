"""Sealing of files that are too large for one piece: uploads, exports. Nothing is ever written in plain.

A sealed file is ``CLS1`` and then pieces: length (4, big endian), ciphertext and tag. Each file has a key of its
own, so the piece's number is its nonce. Name, number and "last" are bound to each piece: none can be moved,
dropped, repeated, or cut off at the end without ``SealBroken``.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.vault.sealing import SealBroken

MAGIC = b"CLS1"
PIECE = 256 * 1024


def new_key() -> bytes:
    """A key for one file; the caller keeps it sealed in the row that names the file."""
    return os.urandom(32)


def sealed_pieces(key: bytes, name: str, source: Iterable[bytes]) -> Iterator[bytes]:
    """The sealed form of ``source`` (blocks of any size), block by block."""
    cipher = AESGCM(key)
    number, waiting = 0, bytearray()
    yield MAGIC
    for block in source:
        waiting += block
        # One full piece always waits, because only the end knows which piece is the last.
        while len(waiting) > PIECE:
            yield _piece(cipher, name, number, bytes(waiting[:PIECE]), last=False)
            del waiting[:PIECE]
            number += 1
    yield _piece(cipher, name, number, bytes(waiting), last=True)


def open_stream(key: bytes, name: str, sealed: BinaryIO) -> io.BufferedReader:
    """A reader of the plain bytes, opened piece by piece in memory. Closing it closes ``sealed``.

    Reading raises ``SealBroken`` when a piece was altered, moved or is missing.
    """
    return io.BufferedReader(_Opened(key, name, sealed), buffer_size=PIECE)


def _piece(cipher: AESGCM, name: str, number: int, plain: bytes, *, last: bool) -> bytes:
    body = cipher.encrypt(_nonce(number), plain, _bound_to(name, number, last))
    return struct.pack(">I", len(body)) + body


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _bound_to(name: str, number: int, last: bool) -> bytes:
    return b"stream|%s|%d|%d" % (name.encode(), number, last)


class _Opened(io.RawIOBase):
    def __init__(self, key: bytes, name: str, sealed: BinaryIO) -> None:
        self._cipher = AESGCM(key)
        self._name = name
        self._sealed = sealed
        self._number = 0
        self._plain = b""
        self._at = 0
        self._ended = False
        if sealed.read(len(MAGIC)) != MAGIC:
            raise SealBroken(f"The sealed file {name} is not one of ours.")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        while self._at >= len(self._plain):
            if self._ended:
                return 0
            self._next()
        view = memoryview(buffer)  # type: ignore[arg-type]
        part = self._plain[self._at : self._at + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _next(self) -> None:
        head = self._sealed.read(4)
        length = struct.unpack(">I", head)[0] if len(head) == 4 else -1
        body = self._sealed.read(length) if 16 <= length <= PIECE + 16 else b""
        if length < 0 or len(body) != length:
            raise SealBroken(f"The sealed file {self._name} is cut off.")
        for last in (False, True):
            try:
                self._plain = self._cipher.decrypt(
                    _nonce(self._number), body, _bound_to(self._name, self._number, last)
                )
            except InvalidTag:
                continue
            self._at, self._ended = 0, last
            self._number += 1
            return
        raise SealBroken(f"The sealed file {self._name} was altered.")

    def close(self) -> None:
        self._sealed.close()
        super().close()
