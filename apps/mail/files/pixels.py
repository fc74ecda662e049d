"""A picture as plain pixels: runs inside (``apps.core.strangers``). Pure.

Turned as its camera held it (EXIF), without anything else the file says: place, time and device stay behind, because
nothing but pixels goes out.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pi_heif
from PIL import Image, ImageOps

from apps.mail.files.kinds import KINDS
from apps.mail.files.tree import PAGES, part

MAX_SIDE = 1600
"""Pixels of the longer side that is shown; the original can be had."""
_FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "HEIF")
# 60 megapixels: more than telephones take, and at four bytes a pixel what the memory of the process has room for.
Image.MAX_IMAGE_PIXELS = 30_000_000
# A file that lacks its end shows what it has.
pi_heif.register_heif_opener()
Image.init()


def picture(data: bytes, *, ask: Any, page: int) -> tuple[Any, bytes]:
    """Page ``page`` (from 1) as RGB: ``{"width", "height", "pages"}`` and three bytes a pixel, row after row."""
    with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
        if image.width * image.height > 2 * (Image.MAX_IMAGE_PIXELS or 0):
            raise ValueError
        # An animation is one picture; only TIFF has pages (faxes).
        pages = min(getattr(image, "n_frames", 1), PAGES) if image.format == "TIFF" else 1
        image.seek(min(max(page, 1), pages) - 1)
        # JPEG is read at half, a quarter or an eighth of its size where that is enough.
        image.draft("RGB", (MAX_SIDE, MAX_SIDE))
        turned: Image.Image = image
        if turned.mode.startswith(("I", "F")):
            turned = _eight_bits(turned)
        elif turned.mode in {"1", "P"}:
            # Made smaller, a fax of black and white dots is read by its grays.
            turned = turned.convert("L" if turned.mode == "1" else "RGBA")
        turned.thumbnail((MAX_SIDE, MAX_SIDE))
        turned = ImageOps.exif_transpose(turned)
        if turned.has_transparency_data:
            ground = Image.new("RGBA", turned.size, "white")
            ground.alpha_composite(turned.convert("RGBA"))
            turned = ground
        plain = turned.convert("RGB")
    return {"width": plain.width, "height": plain.height, "pages": pages}, plain.tobytes()


def picture_of(data: bytes, *, ask: Any, path: str, page: int) -> tuple[Any, bytes]:
    """As ``picture``, of a file in a letter."""
    found, content = part(data, ask=ask, path=path)
    if "note" in found or not KINDS[found["kind"]].picture:
        raise ValueError
    return picture(content, ask=ask, page=page)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Gray of 16 bits or more (scans, X-rays) spread over what a screen shows; its turning is kept."""
    wide = image.convert("F")
    low, high = wide.getextrema()
    scale = 255.0 / ((high - low) or 1.0)  # type: ignore[operator]
    gray = wide.point(lambda value: value * scale - low * scale).convert("L")  # type: ignore[operator]
    with contextlib.suppress(AttributeError):
        gray.info.update(image.info)
    return gray
