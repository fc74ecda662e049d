"""Cells of CSV that no spreadsheet runs: one place for everything that is exported. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

# What begins a formula to some spreadsheet, the wide forms of East Asian keyboards included (CWE-1236).
_BEGINS = re.compile(r"\A\s*(?=[=+\-@＝＋－＠|%])|\A(?=[\t\r\n])")
# A program that separates by another sign than we do sees no quote of ours, and begins a cell behind that sign.
_BEHIND = re.compile(r"([;\t|\r\n]\s*)(?=[=+\-@＝＋－＠|%])")


def guarded(text: str) -> str:
    """The cell with an apostrophe wherever a spreadsheet could take what follows for a formula."""
    text = _BEHIND.sub(r"\1'", text)
    return f"'{text}" if _BEGINS.match(text) else text


def line(cells: Iterable[object]) -> str:
    """One line of CSV (RFC 4180), its end included; no cell of it is a formula, wherever it is cut."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([guarded(str(each)) for each in cells])
    return out.getvalue()
