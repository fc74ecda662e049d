"""Images of the library: told by their content, measured, and freed of hidden personal data. Pure.

A file name and a browser's word for its type prove nothing; the first bytes do. Photographs carry the place
where they were taken: that part is cut out before the file is stored.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from apps.core.errors import Refused

MAX_BYTES = 2 * 1024 * 1024
MAX_SIDE = 4000


class NotAnImage(Refused):
    """The upload is not a PNG, JPEG, GIF or WebP image we can read."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image is, and its bytes without metadata."""

    media_type: str
    extension: str
    width: int
    height: int
    data: bytes


def inspect(data: bytes) -> ImageFacts:
    """Look at an upload. Raises `NotAnImage` with a sentence that says what to do."""
    if len(data) > MAX_BYTES:
        raise NotAnImage(
            "image.too_large", "The image is larger than 2 MB. Make it smaller: 1200 pixels wide is plenty for a mail."
        )
    try:
        facts = _read(data)
    except (IndexError, struct.error):
        facts = None
    if facts is None:
        raise NotAnImage(
            "image.kind_wrong", "This is not an image that mail programs show. Upload a PNG, JPEG, GIF or WebP file."
        )
    if not (0 < facts.width <= MAX_SIDE and 0 < facts.height <= MAX_SIDE):
        raise NotAnImage("image.too_wide", "The image is more than 4,000 pixels wide or high. Make it smaller.")
    return facts


def _read(data: bytes) -> ImageFacts | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg(data)
    if data[:6] in (b"GIF87a", b"GIF89a"):
        width, height = struct.unpack_from("<HH", data, 6)
        return ImageFacts("image/gif", "gif", width, height, data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _png(data: bytes) -> ImageFacts | None:
    kept = [data[:8]]
    at, size = 8, (0, 0)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind = data[at + 4 : at + 8]
        chunk = data[at : at + 12 + length]
        if len(chunk) != 12 + length:
            return None
        if kind == b"IHDR":
            size = struct.unpack_from(">II", data, at + 8)
        if kind not in (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"):
            kept.append(chunk)
        at += 12 + length
        if kind == b"IEND":
            return ImageFacts("image/png", "png", size[0], size[1], b"".join(kept))
    return None


_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def _jpeg(data: bytes) -> ImageFacts | None:
    kept = [data[:2]]
    at, size = 2, (0, 0)
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        segment = data[at : at + 2 + length]
        if marker in _SIZES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            size = (width, height)
        if marker == 0xDA:  # the picture itself follows
            kept.append(data[at:])
            return ImageFacts("image/jpeg", "jpg", size[0], size[1], b"".join(kept))
        # APP1 is Exif and XMP (where and when it was taken), APP13 Photoshop's notes, FE a comment.
        if marker not in (0xE1, 0xED, 0xFE):
            kept.append(segment)
        at += 2 + length
    return None


def _webp(data: bytes) -> ImageFacts | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        size = (width & 0x3FFF, height & 0x3FFF)
    elif kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        size = ((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
    elif kind == b"VP8X":
        size = (int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1)
    else:
        return None
    kept, at = [], 12
    while at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        padded = length + (length & 1)
        if data[at : at + 4] not in (b"EXIF", b"XMP "):
            kept.append(data[at : at + 8 + padded])
        at += 8 + padded
    body = b"WEBP" + b"".join(kept)
    return ImageFacts("image/webp", "webp", size[0], size[1], b"RIFF" + struct.pack("<I", len(body)) + body)
