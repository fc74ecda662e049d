"""Files of an import: sealed as they arrive, opened again piece by piece, recognized.

Of a workbook one sheet is kept beside it as CSV, so that every pass reads it like any other list.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath
from typing import Any, BinaryIO

from apps.imports.readers import tables, workbooks
from apps.imports.readers.tables import Table
from apps.vault import stored_files, streams


@dataclass(frozen=True)
class Upload:
    """A file as it came in; ``stream`` is read once."""

    name: str
    stream: BinaryIO


def keep(upload: Upload, job_id: int) -> dict[str, Any]:
    """Seal an upload into the storage piece by piece; returns how to open it again."""
    size = 0

    def blocks() -> Iterator[bytes]:
        nonlocal size
        while block := upload.stream.read(streams.PIECE):
            size += len(block)
            yield block

    file = stored_files.file_keep(f"imports/{job_id}", blocks())
    return {"name": PurePath(upload.name).name[:120], **file, "bytes": size}


def opener(item: dict[str, Any]) -> tables.Opener:
    """Opens a kept file: plain bytes in memory, piece by piece."""
    return partial(stored_files.file_open, item)


def table_of(item: dict[str, Any]) -> Table:
    """The table of a recognized file, without looking at it again."""
    return Table(
        item["name"],
        opener(item),
        item["encoding"],
        item["delimiter"],
        tuple(item["headers"]),
        item["first_line"],
    )


def stored_names(item: dict[str, Any]) -> list[str]:
    """The names of everything kept of a file in the storage."""
    return [part["stored"] for part in (item, item.get("workbook")) if part]


def forget(item: dict[str, Any]) -> None:
    """Take the keys of a kept file away: it cannot be opened any more."""
    item.pop("key", None)
    item.pop("workbook", None)


def read_as(item: dict[str, Any], wanted: dict[str, Any]) -> Table:
    """Recognize a kept file, in the reading that was asked for, and note in ``item`` how it is read.

    Raises `Unreadable` with what to do.
    """
    _take_sheet(item, wanted.get("sheet", ""))
    table = tables.recognize(
        opener(item), item["name"], encoding=wanted.get("encoding", ""), header_line=wanted.get("header_line")
    )
    item.update(
        encoding=table.encoding,
        delimiter=table.delimiter,
        headers=list(table.headers),
        first_line=table.first_line,
    )
    return table


def _take_sheet(item: dict[str, Any], sheet: str) -> None:
    """Of a workbook, keep the sheet that was asked for as CSV."""
    whole = item.get("workbook") or item
    if item.get("workbook") and sheet in ("", item["sheet"]):
        return
    with opener(whole)() as stream:
        start = stream.read(4)
        if start != b"PK\x03\x04":
            return
        data = start + stream.read(workbooks.MAX_BYTES + 1)
    if not workbooks.is_workbook(data):
        return
    sheets, name, text = workbooks.as_csv(data, sheet)
    original = {part: whole[part] for part in ("stored", "bound", "key")}
    job_id = int(PurePath(item["bound"]).name.partition("-")[0])
    kept = keep(Upload(item["name"], io.BytesIO(text)), job_id)
    item.update(kept, bytes=item["bytes"], workbook=original, sheets=sheets, sheet=name)
