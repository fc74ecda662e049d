"""A sheet of an Excel workbook (.xlsx) as the rows that a person sees in it. Pure: bytes in, CSV out.

Numbers come as they are shown where that matters (leading zeros), days in ISO form, formulas as their last value. The
library parses what strangers made, so it runs where there is nothing to take (`workbook_inside`).
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

from apps.core.strangers.opening import Limits, Trouble, Unopened, open_file
from apps.imports.readers.markup import Unreadable

MAX_BYTES = 100 * 1024**2
MAX_UNPACKED = 1024**3
SECONDS = 300
_LIMITS = Limits(memory=3 * 1024**3, computing=SECONDS, seconds=SECONDS, output=MAX_UNPACKED)
BROKEN = "The workbook could not be read: it is damaged or too large. Save the list as “CSV UTF-8”."
_WORDS = {
    Trouble.TIME: "The workbook takes too long to read. Save the list as “CSV UTF-8”.",
    Trouble.WALLS: f"{Trouble.WALLS.words} Save the list as “CSV UTF-8”.",
}

OTHER_OFFICE = (
    ("xl/workbook.bin", "an Excel workbook in the binary form (.xlsb)"),
    ("word/", "a Word document"),
    ("ppt/", "a PowerPoint presentation"),
    ("content.xml", "an OpenDocument file"),
    ("Index/", "a Numbers or Pages document"),
)


def is_workbook(data: bytes) -> bool:
    """Whether this is a workbook; raises `Unreadable` for another packed document, with its name."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            names = packed.namelist()
            size = sum(each.file_size for each in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        raise Unreadable(
            "This begins like an Excel workbook or a zip file, but it is damaged or cut off. Save or download it again."
        ) from None
    if "xl/workbook.xml" in names:
        if size > MAX_UNPACKED:
            raise Unreadable("The workbook unpacks to more than 1 GB. Save the list as “CSV UTF-8”.")
        return True
    for mark, what in OTHER_OFFICE:
        if any(name.startswith(mark) for name in names):
            raise Unreadable(f"This is {what}. Save the list as an Excel workbook (.xlsx) or as “CSV UTF-8”.")
    raise Unreadable("This is a zip file. Unpack it and choose the list in it.")


def as_csv(data: bytes, sheet: str = "") -> tuple[list[dict[str, Any]], str, bytes]:
    """The sheets, the name of the one that was read, and it as CSV (UTF-8), made in a process of its own.

    Raises `Unreadable`: its process also ends when the file asks for too much memory or time.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable("The workbook is larger than 100 MB. Save the list as “CSV UTF-8”.")
    try:
        opened = open_file("apps.imports.readers.workbook_inside:as_csv", data, limits=_LIMITS, sheet=sheet)
    except Unopened as error:
        raise Unreadable(_WORDS.get(error.trouble, BROKEN)) from None
    if problem := opened.value.get("problem"):
        raise Unreadable(problem)
    return opened.value["sheets"], opened.value["sheet"], opened.blob
