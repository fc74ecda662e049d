"""Finds words in bytes as they stand and however they were encoded.

Decodings are tried on the whole and again on what they gave: hex, base64 at every alignment, JSON escapes,
quoted-printable, percent-encoding, UTF-16, gzip and zlib.
"""

from __future__ import annotations

import binascii
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import ahocorasick_rs

DEPTH = 3
INFLATED_AT_MOST = 32 * 1024 * 1024
_ZEROS = re.compile(rb"\x00{32,}")
_HEX = re.compile(rb"[0-9a-fA-F]{12,}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}(?:\r?\n[A-Za-z0-9+/_-]+)*")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_JSON = re.compile(rb"\\u([0-9a-fA-F]{4})")
_PERCENT = re.compile(rb"%([0-9a-fA-F]{2})")
_QUOTED = re.compile(rb"=([0-9A-F]{2})|=\r?\n")
_DEFLATED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")


@dataclass(frozen=True)
class Finding:
    """Where a needle was found: ``way`` lists the decodings that led to it ("" as it stands)."""

    needle: str
    place: str
    way: str


class Scanner:
    """Looks for ``needles`` (words of at least ``shortest`` bytes; shorter ones would be found by chance)."""

    def __init__(self, needles: Iterable[str], shortest: int = 5) -> None:
        self.needles: list[str] = []
        patterns: list[bytes] = []
        for needle in sorted(set(needles)):
            if len(needle.encode()) < shortest:
                continue
            # PostgreSQL doubles backslashes, JSON escapes quotes: both are undone below. UTF-16 is a pattern.
            for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
                self.needles.append(needle)
                patterns.append(needle.encode(encoding))
        self._automaton = ahocorasick_rs.BytesAhoCorasick(
            patterns, implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def scan(self, content: bytes, place: str) -> list[Finding]:
        """Every needle in ``content``, each named once for each way of decoding.

        Long runs of zeros (the unused rest of pages and log segments) are shortened: nothing hides in them.
        """
        content = _ZEROS.sub(b"\0" * 16, content)
        found: dict[tuple[str, str], Finding] = {}
        for way, decoded in self._decodings(content, (), DEPTH):
            for index, _, _ in self._automaton.find_matches_as_indexes(decoded):
                needle = self.needles[index]
                found.setdefault((needle, way), Finding(needle, place, way))
        return list(found.values())

    def _decodings(self, content: bytes, way: tuple[str, ...], depth: int) -> Iterator[tuple[str, bytes]]:
        yield " > ".join(way), content
        if depth == 0:
            return
        for name, decode in DECODERS.items():
            # Undoing one escape twice only helps where it was applied twice in a row; hex of hex does occur.
            if (decoded := decode(content)) and decoded != content:
                yield from self._decodings(decoded, (*way, name), depth - 1)


def _unhex(content: bytes) -> bytes:
    parts = []
    for match in _HEX.finditer(content):
        run = match.group()
        parts.append(binascii.unhexlify(run[: len(run) & ~1]))
        if len(run) % 2:
            parts.append(binascii.unhexlify(run[1:]))
    return b"\n".join(parts)


def _unbase64(content: bytes) -> bytes:
    # A word inside a longer run may begin at any of three alignments of its four-letter groups.
    parts = []
    for match in _BASE64.finditer(content):
        run = match.group().translate(_URL_SAFE, b"\r\n")
        for start in range(4):
            piece = run[start:]
            if len(piece) % 4 == 1:  # six bits are no byte
                piece = piece[:-1]
            if len(piece) >= 8:
                parts.append(binascii.a2b_base64(piece + b"=="[: -len(piece) % 4]))
    return b"\n".join(parts)


def _unjson(content: bytes) -> bytes:
    if b"\\" not in content:
        return b""
    once = _JSON.sub(lambda match: chr(int(match.group(1), 16)).encode("utf-8", "surrogatepass"), content)
    return once.replace(b"\\\\", b"\\").replace(b'\\"', b'"').replace(b"\\/", b"/")


def _unpercent(content: bytes) -> bytes:
    if not _PERCENT.search(content):
        return b""
    return _PERCENT.sub(lambda match: bytes((int(match.group(1), 16),)), content.replace(b"+", b" "))


def _unquote_printable(content: bytes) -> bytes:
    if not _QUOTED.search(content):
        return b""
    return _QUOTED.sub(lambda match: bytes((int(match.group(1), 16),)) if match.group(1) else b"", content)


def _inflate(content: bytes) -> bytes:
    parts = []
    for match in _DEFLATED.finditer(content):
        start = match.start()
        # Most of what looks like a header is none: try a little before the rest is copied.
        for length in (512, INFLATED_AT_MOST):
            try:
                part = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(
                    content[start : start + length], INFLATED_AT_MOST
                )
            except zlib.error:
                part = b""
                break
        if len(part) > 4:
            parts.append(part)
    return b"\n".join(parts)


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "hex": _unhex,
    "base64": _unbase64,
    "json": _unjson,
    "percent": _unpercent,
    "quoted-printable": _unquote_printable,
    "inflated": _inflate,
}
