"""What the page of columns shows of how the file was read, and what can be chosen instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.contacts.days import CENTURIES, unclear_births
from apps.core import clock
from apps.core.numbers import whole
from apps.imports.models import ImportJob
from apps.imports.readers import tables
from apps.imports.readers.code_pages import ENCODINGS
from apps.imports.services import jobs


def posted_reading(posted: Mapping[str, str]) -> dict[str, Any]:
    """The reading that the page's fields ask for."""
    found: dict[str, Any] = {"encoding": posted.get("encoding", ""), "sheet": posted.get("sheet", "")}
    line = whole(posted.get("header_line", ""), None)
    if line is not None:
        found["header_line"] = line
    return {name: value for name, value in found.items() if value != ""}


def reading_context(job: ImportJob, data: dict[str, Any], document: dict[str, Any], *, shown: bool) -> dict[str, Any]:
    """Code pages with samples, lines that may be the header, sheets, and births of an unclear century.

    Without ``shown`` nothing of the file stands in it: a colleague's rows are not for everybody.
    """
    item = data["files"][0]
    table = jobs.table_of(item)
    first = tables.first_rows(table, 10) if shown else []
    lines = [(line, " · ".join(cell.strip() for cell in cells if cell.strip())[:70]) for line, cells in first]
    return {
        "encoding": item["encoding"],
        "encoding_label": ENCODINGS.get(item["encoding"], item["encoding"]),
        "readings": _readings(table, shown),
        "header_line": item["first_line"],
        "header_lines": lines if len(lines) > 1 else [],
        "title_lines": [text for line, text in lines if line < item["first_line"]],
        "sheets": item.get("sheets", []),
        "sheet": item.get("sheet", ""),
        **_century(table, document, shown),
    }


def _readings(table: tables.Table, shown: bool) -> list[dict[str, Any]]:
    if table.encoding.startswith(("utf-8", "utf-16", "utf-32")) and table.encoding != "utf-8-mixed":
        return []
    found = tables.alternatives(table.opener, table.delimiter)
    rows = [
        {"name": each.encoding, "label": each.label, "cells": each.cells if shown else ()}
        for each in found
        if each.worth > -3 or each.encoding == table.encoding
    ][:8]
    if all(each["name"] != table.encoding for each in rows):
        rows.insert(0, {"name": table.encoding, "label": ENCODINGS.get(table.encoding, ""), "cells": ()})
    return rows


def _century(table: tables.Table, document: dict[str, Any], shown: bool) -> dict[str, Any]:
    """Whether two-digit years of birth are to be decided, and rows that they stand in."""
    form = str(document.get("date_format", ""))
    column = next((name for name, goal in document.get("columns", {}).items() if goal == "birth_date"), None)
    short = "%y" in form
    samples: list[str] = []
    if short and column in table.headers:
        at = table.headers.index(column)
        cells = (cells[at] for _, (__, cells) in zip(range(2000), table.rows(), strict=False) if at < len(cells))
        samples = unclear_births(cells, form, clock.clinic_day())
    return {
        "century": document.get("century", ""),
        "centuries": [(each, f"{each}xx") for each in CENTURIES],
        "short_years": short,
        "unclear_births": list(dict.fromkeys(samples))[:4] if shown else [],
        "unclear_count": len(samples),
    }
