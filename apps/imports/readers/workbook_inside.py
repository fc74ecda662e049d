"""A workbook as its sheets and one of them as CSV: runs inside (``apps.core.strangers``). Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl

from apps.imports.readers.markup import Unreadable

MAX_ROWS = 1_000_000
MAX_COLUMNS = 300


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: its name, how many rows have something in them, and whether it is hidden."""

    name: str
    rows: int
    hidden: bool

    def as_dict(self) -> dict[str, Any]:
        """The form that is kept with the import."""
        return {"name": self.name, "rows": self.rows, "hidden": self.hidden}


def rows_of(data: bytes, wanted: str = "") -> tuple[list[Sheet], str, list[list[str]]]:
    """The sheets of a workbook, the name of the one that was read, and its rows as text.

    ``wanted`` is a sheet's name; without it the first that is not hidden and has rows. Raises `Unreadable`.
    """
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    except Exception:  # noqa: BLE001 - whatever a stranger's file makes of the library, its text may quote the file
        raise Unreadable(
            "The workbook is damaged or protected with a password. Open it in Excel and save the list as “CSV UTF-8”."
        ) from None
    sheets, found = [], {}
    for sheet in book.worksheets:
        rows = list(_rows(sheet))
        found[sheet.title] = rows
        sheets.append(Sheet(sheet.title, sum(1 for row in rows if any(row)), sheet.sheet_state != "visible"))
    if wanted and wanted not in found:
        raise Unreadable("The workbook has no sheet of that name. Choose another.")
    ordered = sorted(sheets, key=lambda each: (each.hidden, not each.rows))
    if not ordered or not any(each.rows for each in sheets):
        raise Unreadable("The workbook is empty. Save the list in its first sheet.")
    name = wanted or ordered[0].name
    return sheets, name, found[name]


def _rows(sheet: Any) -> Iterator[list[str]]:
    """The rows of a sheet; a cell that was merged downwards stands in each of its rows."""
    if sheet.max_row > MAX_ROWS:
        raise Unreadable("A sheet has more than a million rows. Save the list as “CSV UTF-8”.")
    filled: dict[tuple[int, int], str] = {}
    for area in sheet.merged_cells.ranges:
        if area.max_row > area.min_row:
            text = shown(sheet.cell(area.min_row, area.min_col))
            for below in range(area.min_row + 1, min(area.max_row, sheet.max_row) + 1):
                filled[below, area.min_col] = text
    for number, cells in enumerate(sheet.iter_rows(max_col=min(sheet.max_column, MAX_COLUMNS)), 1):
        row = [shown(cell) for cell in cells]
        if filled:
            row = [text or filled.get((number, column), "") for column, text in enumerate(row, 1)]
        while row and not row[-1]:
            row.pop()
        yield row


_ZEROS = re.compile(r"0{2,}(?![.0#?])")
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')


def shown(cell: Any) -> str:
    """The text of a cell as somebody sees it, or as lists are written: days in ISO form, no thousands, no currency."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time | timedelta):
        return str(value)
    if isinstance(value, int | float):
        return _number(value, cell.number_format or "General")
    text = str(value)
    return "" if cell.data_type == "e" else text


def _number(value: int | float, form: str) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        value = int(value)
    if isinstance(value, int):
        plain = _QUOTED.sub("", form.split(";")[0])
        if "-" in plain and re.fullmatch(r"[0#\-]+", plain) and "0" in plain:
            return _in_groups(value, plain)  # ZIP+4 and social-security formats: 00000-0000
        zeros = _ZEROS.search(plain)
        if zeros and "." not in plain and "%" not in plain:
            return str(value).zfill(len(zeros[0]))
        return str(value)
    return repr(value)


def _in_groups(value: int, form: str) -> str:
    digits = str(value).zfill(form.count("0") + form.count("#"))
    taken, out = len(digits), list[str]()
    for sign in reversed(form):
        if sign == "-":
            out.append("-")
        elif taken:
            taken -= 1
            out.append(digits[taken])
    return digits[:taken] + "".join(reversed(out))


def as_csv(data: bytes, *, ask: Any, sheet: str = "") -> tuple[Any, bytes]:
    """``{"sheets", "sheet"}`` and that sheet as CSV (UTF-8); or ``{"problem"}`` in words, and nothing."""
    try:
        sheets, name, rows = rows_of(data, sheet)
    except Unreadable as error:
        return {"problem": str(error)}, b""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    width = max(map(len, rows), default=0)
    for row in rows:
        writer.writerow(row + [""] * (width - len(row)))
    return {"sheets": [each.as_dict() for each in sheets], "sheet": name}, text.getvalue().encode()
