"""A file of unknown origin becomes a table, or a sentence that says what is wrong with it.

Files are streams that may be opened again (`Opener`), because uploads are sealed on disk and must never be
written out in plain. Nothing here holds more than one row in memory.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from apps.contacts.cell_text import clean
from apps.imports.readers import markup
from apps.imports.readers.code_pages import ENCODINGS, Reading, codec_of, foreign_lines, readings
from apps.imports.readers.markup import Unreadable

Opener = Callable[[], BinaryIO]

SAMPLE_BYTES = 128 * 1024
MAX_CELL = 64 * 1024
"""Characters in one cell. A real note fits; an unclosed quotation mark does not swallow the file."""
MAX_LINE = 1024 * 1024
MAX_COLUMNS = 300
MAX_BYTES = 8 * 1024**3
"""Unpacked size; a gzip file that grows beyond it is refused while it is read."""
MAX_GROWTH = 100
"""How many times its packed size a file may unpack to, once it is large: lists pack to a tenth, bombs to a
thousandth."""
_LARGE = 64 * 1024**2
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}

# The csv module's limit is one number for the whole process; every reader of ours wants this one.
csv.field_size_limit(MAX_CELL)


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was recognized as CSV.

    `headers` are stripped of spaces; `encoding` is a reading of `code_pages`; `first_line` is the line of the header.
    """

    name: str
    opener: Opener
    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    first_line: int

    def __repr__(self) -> str:
        return f"<Table of {len(self.headers)} columns>"

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (line number, cells) of every row that is not empty, below the header.

        Rows are as wide as they come; the readers reject those that do not fit the header.
        Raises `Unreadable` when the file stops being CSV further down.
        """
        with _text(self.opener, self.encoding) as text:
            reader = csv.reader(_lines(text), delimiter=self.delimiter)
            try:
                for cells in reader:
                    if reader.line_num <= self.first_line or not cells or not any(map(str.strip, cells)):
                        continue
                    yield reader.line_num, cells
            except csv.Error as error:
                raise Unreadable(_csv_error(error, reader.line_num)) from None

    def sample(self, count: int = 50) -> list[list[str]]:
        """The first `count` rows that fit the header, for the mapping page and the type guesses."""
        found: list[list[str]] = []
        for _, cells in self.rows():
            if len(cells) == len(self.headers):
                found.append(cells)
            if len(found) >= count:
                break
        return found


def opener_of(data: bytes) -> Opener:
    """An opener for bytes already in memory (tests, small files)."""
    return lambda: io.BytesIO(data)


def recognize(opener: Opener, name: str, *, encoding: str = "", header_line: int | None = None) -> Table:
    """Recognize a file as CSV: packing, encoding, delimiter, header.

    Reads the whole file once (an encoding is a property of all of it). ``encoding`` and ``header_line`` are what a
    person said about it. Raises `Unreadable` with what to do.
    """
    stream = _unpacked(opener())
    try:
        sample = stream.read(SAMPLE_BYTES)
        markup.refuse_foreign(sample)
        encoding = encoding or _encoding(sample, stream)
    finally:
        stream.close()
    if not encoding:
        encoding = alternatives(opener)[0].encoding
    text = _decode_sample(sample, encoding)
    markup.refuse(text)
    lines = io.StringIO(text, newline="").readlines()
    if len(sample) == SAMPLE_BYTES and len(lines) > 1:
        lines.pop()  # cut in the middle
    said = _said_delimiter(lines)
    delimiter = said or _delimiter(lines)
    first = first_lines(lines, delimiter, skip_first=bool(said))
    markup.refuse_prose(text, [cells for _, cells in first])
    wanted = header_line or _header_line(first)
    headers, first_line = _header(opener, encoding, delimiter, wanted)
    return Table(name, opener, encoding, delimiter, headers, first_line)


def alternatives(opener: Opener, delimiter: str = ",") -> list[Reading]:
    """The ways to read a file that is not Unicode, the likeliest first, each with cells of the file as a sample."""
    stream = _unpacked(opener())
    try:
        lines = foreign_lines(iter(lambda: stream.read(SAMPLE_BYTES), b""))
    finally:
        stream.close()
    found = readings(lines, delimiter)
    if not found:
        raise Unreadable("The characters of the file are of no code page that is known here. Save it as “CSV UTF-8”.")
    return found


def first_rows(table: Table, count: int = 15) -> list[tuple[int, list[str]]]:
    """The first lines of a recognized file that are not empty, those above its header too: (line, cells)."""
    lines = []
    with _text(table.opener, table.encoding) as text:
        for one in _lines(text):
            lines.append(one)
            if len(lines) >= count * 3:
                break
    return first_lines(lines, table.delimiter, skip_first=bool(_said_delimiter(lines)))[:count]


def first_lines(lines: list[str], delimiter: str, *, skip_first: bool = False) -> list[tuple[int, list[str]]]:
    """(line number, cells) of the first rows that are not empty."""
    reader = csv.reader(lines, delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if any(map(str.strip, cells)) and not (skip_first and not found and _SEP.match(delimiter.join(cells))):
                found.append((reader.line_num, cells))
            if len(found) >= 60:
                break
    except csv.Error:
        pass  # whoever reads the rows says where
    return found


_SEP = re.compile(r'\s*"?sep=(.)?', re.IGNORECASE | re.DOTALL)


def _said_delimiter(lines: list[str]) -> str:
    """What a first line ``sep=;`` says to spreadsheets; "" without one."""
    for line in lines[:3]:
        if line.strip():
            found = _SEP.match(line.removeprefix("\ufeff"))
            sign = found[1] if found else None
            return sign if sign and sign not in '\r\n"' else ""
    return ""


def _header_line(first: list[tuple[int, list[str]]]) -> int:
    """The line of the header: the first that is as wide as the list, below titles and a date of the report."""
    widths = [sum(1 for cell in cells if cell.strip()) for _, cells in first]
    wide = [width for width in widths if width > 1]
    if not wide or widths[0] == max(widths):
        return first[0][0] if first else 1
    usual = max(dict.fromkeys(wide), key=lambda width: (wide.count(width), width))
    if widths[0] * 2 > usual or len(wide) * 2 < len(widths):
        return first[0][0]
    for (line, _), width in zip(first[:25], widths, strict=False):
        if width >= usual - usual // 4 and width > 1:
            return line
    return first[0][0]


def _unpacked(stream: BinaryIO) -> BinaryIO:
    """The stream, gunzipped when it starts like gzip (whatever its name says)."""
    buffered = stream if hasattr(stream, "peek") else io.BufferedReader(stream)  # type: ignore[type-var]
    if buffered.peek(2)[:2] == b"\x1f\x8b":
        return _Gzip(buffered)
    return buffered


class _Gzip(io.BufferedReader):
    """Gunzips with a limit and with errors a person understands."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__(_GzipRaw(stream), buffer_size=256 * 1024)


class _Counted:
    """Counts the packed bytes that gzip takes."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data


class _GzipRaw(io.RawIOBase):
    def __init__(self, stream: BinaryIO) -> None:
        self._outer = stream
        self._packed = _Counted(stream)
        self._file = gzip.GzipFile(fileobj=self._packed, mode="rb")  # type: ignore[call-overload]
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            data = self._file.read1(len(view))
        except (OSError, EOFError, zlib.error):
            raise Unreadable(
                "The file is packed with gzip, but it is damaged or cut off. Pack or download it again."
            ) from None
        self._size += len(data)
        if self._size > MAX_BYTES:
            raise Unreadable("The file unpacks to more than 8 GB. Split it and import the parts.")
        if self._size > _LARGE and self._size > MAX_GROWTH * self._packed.count:
            raise Unreadable(
                "The file unpacks to more than a hundred times its size, as no list does. Export it again."
            )
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        self._outer.close()
        super().close()


def _encoding(sample: bytes, rest: BinaryIO) -> str:
    """Unicode by reading to the end, or "" when it is none: then a code page is guessed."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    guessed = _bare_wide(sample)
    if guessed:
        return guessed
    decoder = codecs.getincrementaldecoder("utf-8")()
    block, position, unicode = sample, 0, True
    while block:
        if b"\x00" in block:
            raise Unreadable(
                f"The file has a NUL byte at byte {position + block.index(0) + 1}; text has none. "
                "Export it again as “CSV UTF-8”."
            )
        if unicode:
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                unicode = False
        position += len(block)
        block = rest.read(SAMPLE_BYTES)
    if unicode:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            unicode = False
    if not unicode:
        return "utf-8-mixed" if sample.startswith(codecs.BOM_UTF8) else ""
    return "utf-8-sig" if sample.startswith(codecs.BOM_UTF8) else "utf-8"


_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _bare_wide(sample: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark: Latin text has NUL in the same places, and only there."""
    head = sample[: len(sample) // 4 * 4][:4096]
    if len(head) < 8:
        return None
    quarter = len(head) // 4
    zeros = [head[place::4].count(0) for place in range(4)]
    if zeros[0] == 0 and zeros[2] == zeros[3] == quarter and zeros[1] > quarter * 0.7:
        return "utf-32-le"
    if zeros[3] == 0 and zeros[0] == zeros[1] == quarter and zeros[2] > quarter * 0.7:
        return "utf-32-be"
    return _bare_utf16(sample)


def _bare_utf16(sample: bytes) -> str | None:
    """UTF-16 without a byte order mark: Latin text has NUL in every other byte, and only there."""
    head = sample[: len(sample) // 2 * 2][:4096]
    if len(head) < 8:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > half * 0.7 and even == 0:
        return "utf-16-le"
    if even > half * 0.7 and odd == 0:
        return "utf-16-be"
    return None


def _decode_sample(sample: bytes, encoding: str) -> str:
    codec, errors = codec_of(encoding)
    try:
        return codecs.getincrementaldecoder(codec)(errors).decode(sample).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise Unreadable(
            f"The file cannot be read as {ENCODINGS.get(encoding, encoding)}. Choose another reading."
        ) from None


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts the first lines most evenly; a single column counts as a comma file."""
    best, best_score = ",", 0.0
    for candidate in DELIMITERS:
        widths: list[int] = []
        try:
            for cells in csv.reader(lines, delimiter=candidate):
                if cells and any(map(str.strip, cells)):
                    widths.append(len(cells))
                if len(widths) >= 60:
                    break
        except csv.Error:
            continue
        wide = [width for width in widths if width > 1]
        if not wide or (widths[0] < 2 and len(wide) * 2 < len(widths)):
            continue
        # By the width that most lines have: titles above the header are narrower than the list.
        usual = max(dict.fromkeys(wide), key=wide.count)
        score = widths.count(usual) / len(widths) * 10 + min(usual, 20) / 20
        if score > best_score:
            best, best_score = candidate, score
    return best


def _header(opener: Opener, encoding: str, delimiter: str, wanted: int) -> tuple[tuple[str, ...], int]:
    with _text(opener, encoding) as text:
        reader = csv.reader(_lines(text), delimiter=delimiter)
        try:
            for cells in reader:
                if reader.line_num >= wanted and any(map(str.strip, cells)):
                    return _checked_headers(cells), reader.line_num
        except csv.Error as error:
            raise Unreadable(_csv_error(error, reader.line_num)) from None
    if wanted > 1:
        raise Unreadable(f"The file has no line {wanted:,} with the names of columns. Choose another line.")
    raise Unreadable("The file is empty. Export it again, with a header line.")


def _checked_headers(cells: list[str]) -> tuple[str, ...]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]  # a trailing delimiter
    if len(cells) > MAX_COLUMNS:
        raise Unreadable(f"The file has {len(cells):,} columns; {MAX_COLUMNS} are allowed. Export only those you need.")
    headers = [" ".join(clean(cell).split()) or f"Column {index}" for index, cell in enumerate(cells, 1)]
    seen: dict[str, int] = {}
    for index, header in enumerate(headers, 1):
        if len(header) > 200:
            raise Unreadable("The first line is not a header. Put the names of the columns into it.")
        if header in seen:
            raise Unreadable(
                f"Columns {seen[header]} and {index} have the same header. Rename one, so that each value "
                "goes where it belongs."
            )
        seen[header] = index
    return tuple(headers)


def _text(opener: Opener, encoding: str) -> io.TextIOWrapper:
    codec, errors = codec_of(encoding)
    return io.TextIOWrapper(_unpacked(opener()), encoding=codec, errors=errors, newline="")


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    """Decoded lines, ends kept (CR, LF, CRLF: old-Mac files work and quoted line breaks survive)."""
    number = 0
    try:
        while line := text.readline(MAX_LINE):
            number += 1
            if len(line) >= MAX_LINE:
                raise Unreadable(
                    f"Line {number:,} has more than a million characters. Shorten that cell and try again."
                )
            if number == 1:
                line = line.removeprefix("\ufeff")
            if "\x00" in line:
                raise Unreadable(f"Line {number:,} has a NUL character; text has none. Export it again.")
            yield line
    except UnicodeDecodeError:
        raise Unreadable(
            f"Near line {number + 1:,} the characters are damaged. Save the file again as “CSV UTF-8”."
        ) from None


def _csv_error(error: csv.Error, line: int) -> str:
    """A sentence for the csv module's error; its own text may not be shown, it may quote the file one day."""
    if "field larger" in str(error):
        return (
            f"A cell near line {line:,} is longer than {MAX_CELL:,} characters, or a quote is never closed. "
            "Correct that cell and try again."
        )
    return f"Near line {line:,} the file is not CSV any more. Export it again as “CSV UTF-8”."


__all__ = ["Opener", "Table", "Unreadable", "alternatives", "first_rows", "opener_of", "recognize"]
