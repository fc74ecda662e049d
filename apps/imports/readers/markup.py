"""Files that are no list: workbooks, documents, web pages, Markdown. Each is named, with what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence


class Unreadable(Exception):
    """The file cannot be read as a list. `str()` is a sentence for a person, without any value of the file."""


_FOREIGN = (
    (b"PK\x03\x04", "a zip file or an office document"),
    (b"PK\x05\x06", "an empty zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls) or another old office document"),
    (b"\x09\x08\x10\x00\x00\x06", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a word-processor document (RTF)"),
    (b"PAR1", "a Parquet file"),
    (b"7z\xbc\xaf", "a packed file (7z)"),
    (b"Rar!", "a packed file (RAR)"),
    (b"BZh", "a packed file (bzip2)"),
    (b"\xfd7zXZ", "a packed file (xz)"),
    (b"\x28\xb5\x2f\xfd", "a packed file (zstd)"),
)


def refuse_foreign(sample: bytes) -> None:
    """Raise `Unreadable` for an empty file, and for one whose first bytes say what else it is."""
    if not sample.strip():
        raise Unreadable("The file is empty. Export it again, with a header line.")
    start = sample.removeprefix(b"\xef\xbb\xbf").lstrip()
    for magic, what in _FOREIGN:
        if sample.startswith(magic) or (magic.startswith((b"%PDF", b"{\\rtf")) and start.startswith(magic)):
            raise Unreadable(
                f"This is {what}, not a CSV file or an Excel workbook (.xlsx). Open it where it was made and save the "
                "list as “CSV UTF-8”."
            )


_TAGS = re.compile(
    r"<(?:!doctype|!--|\?xml|html|head|body|table|thead|tbody|tr|td|th|div|span|p|pre|style|script|meta|title|h[1-6]|ul|ol"
    r"|center|font|form|svg|br|b|i|a|section|main|article)\b|<!--|<\?xml",
    re.IGNORECASE,
)
_JSON = re.compile(r"\{\s*[\"}]|\[\s*[\[{\"\]]|\[\s*-?\d+\s*[,\]]")


def refuse(text: str) -> None:
    """Raise `Unreadable` for a web page, XML, JSON, and for what is no text."""
    start = text.lstrip()
    if _TAGS.match(start):
        raise Unreadable("This is a web page or XML, not a CSV file. Export the list itself as CSV.")
    if _JSON.match(start):
        raise Unreadable("This is JSON, not a CSV file. Export the list as CSV.")
    if start.startswith(("BEGIN:VCARD", "BEGIN:VCALENDAR")):
        raise Unreadable("These are contact cards or calendar entries, not a CSV file. Export the list as CSV.")
    if re.match(r"MSH[|^~\\&]|FHS\|", start):
        raise Unreadable("These are HL7 messages, not a CSV file. Export the list as CSV.")
    control = sum(1 for character in text[:4096] if character < " " and character not in "\t\r\n\v\f")
    if control > 8:
        raise Unreadable("This is not a text file. Export the list as “CSV UTF-8”.")


_PROSE = (
    re.compile(r"^#{1,6}\s+\S", re.MULTILINE),
    re.compile(r"\]\([^)\s]+\)"),
    re.compile(r"^(?:```|~~~)", re.MULTILINE),
    re.compile(r"^\s*[-*+]\s+\S", re.MULTILINE),
    re.compile(r"\*\*\S[^*\n]*\*\*"),
    re.compile(r"^(?:={3,}|-{3,})\s*$", re.MULTILINE),
    re.compile(r"^>\s", re.MULTILINE),
    re.compile(r"^\s*\d+\.\s+\S", re.MULTILINE),
)
_DRAWN = re.compile(
    r"(?m)^\s*(?:\+(?:[-=]{2,}\+)+|\|(?:-{2,}\+)+-{2,}\||={2,}(?:\s+={2,})+|[┌├╔╠][─═┬┼╦╬]+[┐┤╗╣])\s*$|\\begin\{tabular"
)
_SQL = re.compile(
    r"(?i)(?:--[^\n]*\n|/\*.*?\*/|\s)*(?:insert\s+into|create\s+table|drop\s+table|copy)\s+[\w.\"`\[\]]+\s*[(\w;]"
)
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)+\|?\s*$", re.MULTILINE)


def refuse_prose(text: str, rows: Sequence[Sequence[str]]) -> None:
    """Raise `Unreadable` for tables drawn with signs, a database's commands and Markdown: a table drawn with bars, or
    headings and links where a list has columns.
    """
    signs = sum(1 for each in _PROSE if each.search(text))
    drawn = bool(_TABLE_RULE.search(text)) and (re.search(r"^\s*\|.*\|\s*$", text, re.MULTILINE) is not None or signs)
    if _DRAWN.search(text):
        raise Unreadable("This is a table drawn with lines, not a CSV file. Export the list itself as CSV.")
    if _SQL.match(text):
        raise Unreadable("These are commands of a database (SQL), not a CSV file. Export the list itself as CSV.")
    widths = [len(cells) for cells in rows]
    even = max((widths.count(width) for width in set(widths) if width > 1), default=0)
    if drawn or (signs >= 2 and even * 2 < len(widths)) or (signs and text.lstrip().startswith("#") and even < 2):
        raise Unreadable("This is a text in Markdown, not a CSV file. Export the list itself as CSV.")
