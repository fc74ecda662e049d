"""Lets a storage save what a generator yields."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from django.core.files.base import File


class Pieces(File):
    """A file of blocks that are made while it is saved: neither its bytes nor its size are known before.

    A folder asks for ``chunks``. Object storage reads, and must not try to measure: ``seekable`` says that nobody can.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__(io.BytesIO(), name="sealed")
        self._pieces = iter(pieces)
        self._waiting = bytearray()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return self._pieces

    def seekable(self) -> bool:
        return False

    def read(self, size: int | None = -1) -> bytes:
        """The next ``size`` bytes, fewer only at the end; all that is left when negative or None."""
        everything = size is None or size < 0
        while everything or len(self._waiting) < size:  # type: ignore[operator]
            block = next(self._pieces, None)
            if block is None:
                break
            self._waiting += block
        taken = bytes(self._waiting if everything else self._waiting[:size])
        del self._waiting[: len(taken)]
        return taken

    @property
    def size(self) -> int:
        return 0
