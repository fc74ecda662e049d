"""Sealed files in the storage: uploads, lists, exports. The row that names a file keeps the way to open it, sealed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

from django.core.files.storage import default_storage

from apps.core.generated_file import Pieces
from apps.vault import streams


def file_keep(place: str, blocks: Iterable[bytes]) -> dict[str, str]:
    """Seal ``blocks`` into the storage while they come; returns how to open them again: ``stored``, ``bound``, ``key``.

    ``place`` is where, and the beginning of the name ("exports/17"). When ``blocks`` raises, nothing is kept.
    """
    key, bound = streams.new_key(), f"{place}-{secrets.token_hex(12)}"
    try:
        stored = default_storage.save(bound, Pieces(streams.sealed_pieces(key, bound, blocks)))
    except BaseException:
        # The storage may have begun a file under this name.
        default_storage.delete(bound)
        raise
    return {"stored": stored, "bound": bound, "key": key.hex()}


def file_open(file: dict[str, Any]) -> BinaryIO:
    """The plain bytes of a kept file as a stream; it is opened piece by piece."""
    sealed = cast(BinaryIO, default_storage.open(file["stored"], "rb"))
    return streams.open_stream(bytes.fromhex(file["key"]), file["bound"], sealed)


def file_blocks(file: dict[str, Any]) -> Iterator[bytes]:
    """The plain bytes of a kept file, block by block; it is opened at once."""
    return _blocks(file_open(file))


def _blocks(plain: BinaryIO) -> Iterator[bytes]:
    with plain:
        while block := plain.read(streams.PIECE):
            yield block
