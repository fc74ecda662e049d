"""The trail as a file: CSV that no spreadsheet runs, or JSON lines. Pure.

A row holds what an entry holds: ids, code words, field names, a sentence. Never names, never sealed bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from apps.core.cells import line

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One entry as exported. ``sequence`` and ``link`` (hex) are empty until the sequencer numbered it."""

    sequence: int | None
    entry: int
    at: datetime
    actor: str
    role: str
    action: str
    what: str
    kind: str
    subject: str
    purpose: str
    people: int
    fields: list[str]
    codes: dict[str, Any]
    link: str


def lines(rows: Iterable[ExportRow], format: str) -> Iterator[bytes]:
    """The file in UTF-8, one line a piece. ``format`` is csv or jsonl."""
    if format == "jsonl":
        for row in rows:
            data = asdict(row) | {"at": _moment(row.at)}
            yield json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        return
    names = list(ExportRow.__slots__)
    yield _csv(names)
    for row in rows:
        yield _csv([_cell(getattr(row, name)) for name in names])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
    return str(value)


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _csv(cells: list[str]) -> bytes:
    return line(cells).encode("utf-8", "replace")
