"""Cells of CSV that no spreadsheet runs: one place for everything that is exported. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

# What begins a formula to some spreadsheet, the wide forms of East Asian keyboards included (CWE-1236).
# Apostrophes that stand there already are part of the value: one more goes in front, so that one comes off again.
_BEGINS = re.compile(r"\A(?='*\s*[=+\-@＝＋－＠|%])|\A(?='*[\t\r\n])")
# A program that separates by another sign than we do sees no quote of ours, and begins a cell behind that sign.
_BEHIND = re.compile(r"([;\t|\r\n]\s*)(?='*[=+\-@＝＋－＠|%])")
_GUARD_BEGINS = re.compile(r"\A'(?='*\s*[=+\-@＝＋－＠|%])|\A'(?='*[\t\r\n])")
_GUARD_BEHIND = re.compile(r"([;\t|\r\n]\s*)'(?='*[=+\-@＝＋－＠|%])")


def guarded(text: str) -> str:
    """The cell with an apostrophe wherever a spreadsheet could take what follows for a formula."""
    begins = _BEGINS.match(text)
    text = _BEHIND.sub(r"\1'", text)
    return f"'{text}" if begins else text


def unguarded(text: str) -> str:
    """The cell without the apostrophes that ``guarded`` put there: what was exported comes back unchanged."""
    text = _GUARD_BEHIND.sub(r"\1", text)
    return _GUARD_BEGINS.sub("", text, count=1)


def line(cells: Iterable[object]) -> str:
    """One line of CSV (RFC 4180), its end included; no cell of it is a formula, wherever it is cut."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([guarded(str(each)) for each in cells])
    return out.getvalue()
