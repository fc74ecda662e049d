"""A list of addresses from another tool: which column has them, and what a cell says. Pure but for the opened file.

Any text will do: an address a line, a CSV with or without a header, cells such as ``Ana Ortiz <ana@x.test>`` or
``mailto:ana@x.test``, several addresses in a cell. Nothing is left out in silence: what has no address is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from apps.contacts import cell_text, values
from apps.imports.readers import tables

SAMPLE = 200
_HEADERS = re.compile(r"e-?mail|correo|address|adresse|recipient|subscriber|contact", re.IGNORECASE)
_ANGLES = re.compile(r"<([^<>]*@[^<>]*)>")
_QUOTES = "\"'`“”„‟«»‘’‚"
LONGEST_SHOWN = 120


@dataclass(frozen=True, repr=False)
class Line:
    """A row of the list: addresses read, and what was none (cell, reason)."""

    number: int
    addresses: list[str] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)


def recognize(opener: tables.Opener, name: str) -> tables.Table:
    """The file as rows, the first one included. Raises ``tables.Unreadable``."""
    return replace(tables.recognize(opener, name), first_line=0)


def address_column(rows: Sequence[Sequence[str]]) -> int | None:
    """Which column has the addresses: the one with most of them, by name where two have as many; None without any."""
    width = max((len(row) for row in rows), default=0)
    header = rows[0] if rows and not any("@" in cell for cell in rows[0]) else ()
    best, most = None, (0, False, 0)
    for column in range(width):
        found = sum("@" in row[column] for row in rows if column < len(row))
        named = column < len(header) and bool(_HEADERS.search(header[column]))
        if found and (found, named, -column) > most:
            best, most = column, (found, named, -column)
    return best


def lines(table: tables.Table, column: int) -> Iterator[Line]:
    """Every row below the header, if there is one, with what its cell of addresses says."""
    for place, (number, cells) in enumerate(table.rows()):
        cell = cells[column] if column < len(cells) else ""
        if place == 0 and not any("@" in each for each in cells) and len(cells) > column and _is_header(cell):
            continue
        yield read(number, cell)


def _is_header(cell: str) -> bool:
    return bool(_HEADERS.search(cell)) or not cell.strip()


def read(number: int, cell: str) -> Line:
    """What one cell says; nothing in it is a fault too."""
    line = Line(number)
    text = cell_text.clean(cell).strip()
    for part in _parts(text):
        try:
            address = values.email(part)
        except values.BadValue as error:
            line.faults.append((text[:LONGEST_SHOWN], str(error)))
            continue
        if address:
            line.addresses.append(address)
    if not line.addresses and not line.faults:
        line.faults.append((text[:LONGEST_SHOWN], "has no address in it"))
    return line


def _parts(text: str) -> list[str]:
    if bracketed := _ANGLES.findall(text):
        return [_bare(each) for each in bracketed]
    pieces = re.split(r"[;,\s]+", text) if text.count("@") > 1 else [text]
    return [bare for bare in map(_bare, pieces) if bare]


def _bare(text: str) -> str:
    bare = text.strip().strip(_QUOTES).strip()
    if bare[:7].casefold() == "mailto:":
        bare = bare[7:].partition("?")[0]
    return bare.rstrip(".,;:").strip()
