"""Uploads are told by their content, measured, and freed of what they hide."""

from __future__ import annotations

import struct
import zlib

import pytest

from apps.content.images import inspect
from tests.refusals import refused


def png(width: int = 3, height: int = 2, extra: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    note = chunk(b"tEXt", extra) if extra else b""
    return b"\x89PNG\r\n\x1a\n" + head + note + chunk(b"IDAT", zlib.compress(b"\x00" * 20)) + chunk(b"IEND", b"")


def jpeg(exif: bytes = b"") -> bytes:
    def segment(marker: int, body: bytes) -> bytes:
        return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body

    app1 = segment(0xE1, exif) if exif else b""
    return (
        b"\xff\xd8" + segment(0xE0, b"JFIF\0") + app1 + segment(0xC0, b"\x08\x00\x14\x00\x28\x01\x01\x11\x00")
        + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"picture\xff\xd9"
    )  # fmt: skip


def webp(metadata: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)

    frame = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 40, 20)
    body = b"WEBP" + chunk(b"VP8X", b"\0\0\0\0" + (39).to_bytes(3, "little") + (19).to_bytes(3, "little"))
    body += chunk(b"VP8 ", frame) + (chunk(b"EXIF", metadata) if metadata else b"")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_each_kind_is_known_by_its_bytes() -> None:
    assert (inspect(png()).media_type, inspect(png()).width, inspect(png()).height) == ("image/png", 3, 2)
    assert (inspect(jpeg()).extension, inspect(jpeg()).width, inspect(jpeg()).height) == ("jpg", 40, 20)
    gif = b"GIF89a" + struct.pack("<HH", 7, 9) + b"\0\0\0;"
    assert (inspect(gif).extension, inspect(gif).width, inspect(gif).height) == ("gif", 7, 9)
    assert (inspect(webp()).media_type, inspect(webp()).width, inspect(webp()).height) == ("image/webp", 40, 20)


@pytest.mark.parametrize("make", [png, jpeg, webp])
def test_where_a_photo_was_taken_is_removed(make) -> None:
    secret = b"GPS 38.0406,-84.5037"
    dirty = make(extra=secret) if make is png else make(secret)
    assert secret in dirty
    clean = inspect(dirty)
    assert secret not in clean.data
    assert inspect(clean.data) == clean


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg onload=alert(1)>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF1234WEBPVP9 ",
     b"BM" + b"x" * 60,
     png()[:-6],
     b"%PDF-1.7", b"\xff\xd8\xff\xe0\xff\xff" + b"x" * 10],
)  # fmt: skip
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with refused("image.kind_wrong"):
        inspect(data)


def test_limits() -> None:
    with refused("image.too_large"):
        inspect(png() + b"x" * 3_000_000)
    with refused("image.too_wide"):
        inspect(png(width=9000))
