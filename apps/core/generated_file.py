"""Lets a storage save what a generator yields."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator

from django.core.files.base import File


class Pieces(File):
    """A file of blocks that are made while it is saved: neither its bytes nor its size are known before."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        super().__init__(io.BytesIO(), name="sealed")
        self._pieces = pieces

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        return iter(self._pieces)

    @property
    def size(self) -> int:
        return 0
