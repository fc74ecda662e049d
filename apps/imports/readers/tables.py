"""A file of unknown origin becomes a table, or a sentence that says what is wrong with it.

Files are streams that may be opened again (`Opener`), because uploads are sealed on disk and must never be
written out in plain. Nothing here holds more than one row in memory.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

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

_FOREIGN = (
    (b"PK\x03\x04", "an Excel workbook or a zip file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"SQLite format 3", "a database"),
    (b"{\\rtf", "a word-processor document"),
)


class Unreadable(Exception):
    """The file cannot be read as CSV. `str()` is a sentence for a person, without any value of the file."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was recognized as CSV.

    `headers` are stripped of spaces; `encoding` is a Python codec; `first_line` is the line of the header.
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


def recognize(opener: Opener, name: str) -> Table:
    """Recognize a file as CSV: packing, encoding, delimiter, header.

    Reads the whole file once (an encoding is a property of all of it). Raises `Unreadable` with what to do.
    """
    stream = _unpacked(opener())
    try:
        sample = stream.read(SAMPLE_BYTES)
        _refuse_foreign(sample)
        encoding = _encoding(sample, stream)
    finally:
        stream.close()
    text = _decode_sample(sample, encoding)
    _refuse_markup(text)
    lines = text.splitlines(keepends=True)
    if len(sample) == SAMPLE_BYTES and len(lines) > 1:
        lines.pop()  # cut in the middle
    delimiter = _delimiter(lines)
    headers, first_line = _header(opener, encoding, delimiter)
    return Table(name, opener, encoding, delimiter, headers, first_line)


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


def _refuse_foreign(sample: bytes) -> None:
    if not sample.strip():
        raise Unreadable("The file is empty. Export it again, with a header line.")
    for magic, what in _FOREIGN:
        if sample.startswith(magic):
            raise Unreadable(f"This is {what}, not a CSV file. Open it where it was made and save it as “CSV UTF-8”.")


def _encoding(sample: bytes, rest: BinaryIO) -> str:
    """Decide the encoding by reading to the end. UTF-8 unless something else is certain."""
    if sample.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if sample.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    guessed = _bare_utf16(sample)
    if guessed:
        return guessed
    decoders = {
        "utf-8": codecs.getincrementaldecoder("utf-8")(),
        "cp1252": codecs.getincrementaldecoder("cp1252")(),
    }
    block, position = sample, 0
    while block:
        if b"\x00" in block:
            raise Unreadable(
                f"The file has a NUL byte at byte {position + block.index(0) + 1}; text has none. "
                "Export it again as “CSV UTF-8”."
            )
        for name, decoder in list(decoders.items()):
            try:
                decoder.decode(block)
            except UnicodeDecodeError:
                del decoders[name]
        if not decoders:
            break
        position += len(block)
        block = rest.read(SAMPLE_BYTES)
    if "utf-8" in decoders:
        try:
            decoders["utf-8"].decode(b"", final=True)
        except UnicodeDecodeError:
            del decoders["utf-8"]
    if "utf-8" in decoders:
        return "utf-8-sig" if sample.startswith(codecs.BOM_UTF8) else "utf-8"
    if "cp1252" in decoders and not sample.startswith(codecs.BOM_UTF8):
        return "cp1252"
    raise Unreadable("The characters of the file are neither UTF-8 nor Windows-1252. Save it again as “CSV UTF-8”.")


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
    return codecs.getincrementaldecoder(encoding)().decode(sample).removeprefix("\ufeff")


def _refuse_markup(text: str) -> None:
    start = text.lstrip()[:200].lower()
    if start.startswith(("<!doctype", "<html", "<?xml")):
        raise Unreadable("This is a web page or XML, not a CSV file. Export the list itself as CSV.")
    if start.startswith(("{", "[{", "[\n", "[[")):
        raise Unreadable("This is JSON, not a CSV file. Export the list as CSV.")
    control = sum(1 for character in text[:4096] if character < " " and character not in "\t\r\n\v\f")
    if control > 8:
        raise Unreadable("This is not a text file. Export the list as “CSV UTF-8”.")


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
        if not widths or widths[0] < 2:
            continue
        even = sum(1 for width in widths if width == widths[0]) / len(widths)
        score = even * 10 + min(widths[0], 20) / 20
        if score > best_score:
            best, best_score = candidate, score
    return best


def _header(opener: Opener, encoding: str, delimiter: str) -> tuple[tuple[str, ...], int]:
    with _text(opener, encoding) as text:
        reader = csv.reader(_lines(text), delimiter=delimiter)
        try:
            for cells in reader:
                if any(map(str.strip, cells)):
                    return _checked_headers(cells), reader.line_num
        except csv.Error as error:
            raise Unreadable(_csv_error(error, reader.line_num)) from None
    raise Unreadable("The file is empty. Export it again, with a header line.")


def _checked_headers(cells: list[str]) -> tuple[str, ...]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]  # a trailing delimiter
    if len(cells) > MAX_COLUMNS:
        raise Unreadable(f"The file has {len(cells):,} columns; {MAX_COLUMNS} are allowed. Export only those you need.")
    headers = [" ".join(cell.split()) or f"Column {index}" for index, cell in enumerate(cells, 1)]
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
    return io.TextIOWrapper(_unpacked(opener()), encoding=encoding, errors="strict", newline="")


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
