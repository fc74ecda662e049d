"""Which code page a list was written in, where it is not Unicode: a guess, and what the others would make of it. Pure.

No byte says which page it is of, so the guess goes by what the result looks like: letters in words, no signs within
them, no capital behind a small letter ("JosŽ", "Mu–oz"), the common characters of East Asia. A person looks at the
sample and chooses.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

ENCODINGS = {
    "utf-8": "Unicode (UTF-8)",
    "utf-8-sig": "Unicode (UTF-8)",
    "utf-8-mixed": "Unicode (UTF-8) with some characters of Windows",
    "cp1252": "Windows, Western Europe (1252)",
    "mac_roman": "Mac, Western Europe (Roman)",
    "cp437": "DOS, United States (437)",
    "cp850": "DOS, Western Europe (850)",
    "cp1250": "Windows, Central Europe (1250)",
    "iso8859_2": "Central Europe (ISO 8859-2)",
    "cp1251": "Windows, Cyrillic (1251)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp1253": "Windows, Greek (1253)",
    "cp1254": "Windows, Turkish (1254)",
    "gb18030": "Chinese, simplified (GBK)",
    "big5": "Chinese, traditional (Big5)",
    "cp932": "Japanese (Shift JIS)",
    "cp949": "Korean (EUC-KR)",
    "utf-16-le": "Unicode (UTF-16)",
    "utf-16-be": "Unicode (UTF-16)",
    "utf-32-le": "Unicode (UTF-32)",
    "utf-32-be": "Unicode (UTF-32)",
}
"""Readings of a file, by the name that a mapping gives them, and their words for people."""

_PAGES = tuple(name for name in ENCODINGS if not name.startswith("utf"))
_SPANISH = frozenset("áéíóúüñÁÉÍÓÚÜÑçÇàèêëïôöäßâîûùœæøåãõÀÈÊËÔÖÄÅØ¿¡")
_CENTRAL = frozenset("ąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůžýČĎĚŇŘŠŤŮŽÝőűŐŰășțăđĐ")
_QUOTES = frozenset("‘’“”…©®°§€")
_COMMON_LEADS = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "cp949": (0xB0, 0xC8), "cp932": (0x88, 0x97)}


def _windows_for_bad(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8, read as Windows-1252: one cell pasted from elsewhere."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.start + 1]
    return bad.decode("cp1252", errors="replace"), error.start + 1


codecs.register_error("carelane-windows", _windows_for_bad)


def codec_of(encoding: str) -> tuple[str, str]:
    """The codec of a reading, and what it does with bytes that it has no character for.

    A file read as Unicode must be it to the end; in a code page such a byte becomes U+FFFD, which costs its cell.
    """
    if encoding == "utf-8-mixed":
        return "utf-8", "carelane-windows"
    return encoding, "strict" if encoding.startswith("utf") else "replace"


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a file: its name in mappings, its words, and cells of the file as they look then."""

    encoding: str
    label: str
    cells: tuple[str, ...]
    worth: float = 0.0

    def __repr__(self) -> str:
        return f"<Reading as {self.encoding}>"


def foreign_lines(data: Iterable[bytes], most: int = 200) -> list[bytes]:
    """The first lines with bytes beyond ASCII."""
    found: list[bytes] = []
    rest = b""
    for block in data:
        lines = re.split(rb"[\r\n]+", rest + block)
        rest = lines.pop()[-100_000:]
        found += [line[:2000] for line in lines if not line.isascii()]
        if len(found) >= most:
            return found[:most]
    if rest and not rest.isascii():
        found.append(rest[:2000])
    return found[:most]


def readings(lines: list[bytes], delimiter: str = ",") -> list[Reading]:
    """Every way to read these lines, the likeliest first, with the cells that differ."""
    found = []
    for encoding in ("utf-8-mixed", *_PAGES):
        codec, errors = codec_of(encoding)
        try:
            texts = [line.decode(codec, errors if encoding == "utf-8-mixed" else "strict") for line in lines]
        except (UnicodeDecodeError, LookupError):
            continue
        worth = _mixed_worth(lines) if encoding == "utf-8-mixed" else _worth(encoding, lines, texts)
        if worth is None:
            continue
        found.append(Reading(encoding, ENCODINGS[encoding], _foreign_cells(texts, delimiter), worth))
    found.sort(key=lambda each: -each.worth)
    seen: set[tuple[str, ...]] = set()
    # Pages that make the same of this file are one choice.
    return [each for each in found if not (each.cells in seen or seen.add(each.cells))]  # type: ignore[func-returns-value]


def _foreign_cells(texts: list[str], delimiter: str, most: int = 4) -> tuple[str, ...]:
    cells = [cell.strip(' "')[:40] for text in texts for cell in text.split(delimiter) if not cell.isascii()]
    return tuple(dict.fromkeys(cells))[:most]


def _mixed_worth(lines: list[bytes]) -> float | None:
    """What speaks for UTF-8 with some bytes of another page: more sequences of several bytes than bad bytes."""
    good = bad = 0
    for line in lines:
        text = line.decode("utf-8", "replace")
        bad += text.count("\ufffd")
        good += sum(1 for sign in text if sign > "\x7f" and sign != "\ufffd")
    return 10.0 if good > bad else None if not good else 0.2


def _worth(encoding: str, lines: list[bytes], texts: list[str]) -> float:
    """How much the text looks like one, per foreign byte."""
    total, size = 0.0, sum(1 for line in lines for byte in line if byte > 0x7F)
    for text in texts:
        for word in re.findall(r"[^\s,;|\"\t]*[^\x00-\x7f][^\s,;|\"\t]*", text):
            total += _of_word(word, encoding)
    if encoding in _COMMON_LEADS:
        total += _common(encoding, texts)
    prior = {"cp1252": 0.05, "mac_roman": 0.02, "cp949": 0.05}.get(encoding, 0.0)
    return total / max(1, size) + prior


def _of_word(word: str, encoding: str) -> float:
    found, run = 0.0, 0
    scripts = {_script(sign) for sign in word if sign.isalpha()} - {""}
    if len(scripts) > 1 and not scripts <= {"HAN", "HIRAGANA", "KATAKANA"}:
        found -= 3
    for place, sign in enumerate(word):
        if sign <= "\x7f":
            run = 0
            continue
        if len(word) == 1:
            break  # a sign by itself is no word
        before, behind = word[place - 1 : place], word[place + 1 : place + 2]
        kind = unicodedata.category(sign)
        if kind[0] == "L" or kind[0] == "M":
            run += 1
            if encoding in _COMMON_LEADS:
                continue  # judged by how common its characters are
            if sign in _SPANISH:
                found += 1
            elif sign in _CENTRAL or _script(sign) in ("CYRILLIC", "GREEK"):
                found += 0.9
            else:
                found += 0.1
            if (kind == "Lu" and before.islower()) or (kind == "Ll" and behind.isascii() and behind.isupper()):
                found -= 2
            if _script(sign) == "LATIN" and run >= 3:
                found -= 1.5
            if _script(sign) in ("CYRILLIC", "GREEK") and kind == "Ll" and behind.isupper():
                found -= 1.5
        elif sign in _QUOTES:
            run = 0
            found += 0.3 if sign == "’" and before.isalpha() and behind.isupper() else 0
        else:
            run = 0
            inside = before.isalpha() or behind.isalpha()
            found -= 3 if kind[0] == "C" else 2 if inside else 0.7
    return found


def _common(encoding: str, texts: list[str]) -> float:
    """Characters of the levels that names and towns are written with, against rare ones."""
    low, high = _COMMON_LEADS[encoding]
    found = 0.0
    for text in texts:
        for sign in re.findall(r"[^\x00-\x7f]", text):
            raw = sign.encode(encoding, "ignore")
            script = _script(sign)
            if encoding == "cp932" and script in ("HIRAGANA", "KATAKANA") and len(raw) == 2:
                found += 2.2
            elif encoding == "cp949" and script != "HANGUL":
                found -= 1
            elif len(raw) == 2 and low <= raw[0] <= high:
                found += 1.8
            elif len(raw) == 1:
                found -= 0.6
            else:
                found -= 1
        # A Latin word with one accent also reads as one rare sign between small letters.
        found -= 4 * len(re.findall(r"[a-z][^\x00-\x7f]|[^\x00-\x7f][a-z]", text))
    return found


def _script(sign: str) -> str:
    name = unicodedata.name(sign, "")
    first = name.partition(" ")[0]
    return "HAN" if first == "CJK" else first if first in _SCRIPTS else ""


_SCRIPTS = frozenset({"LATIN", "CYRILLIC", "GREEK", "HIRAGANA", "KATAKANA", "HANGUL"})
