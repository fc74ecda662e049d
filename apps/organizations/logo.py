"""What a logo may be. Pure: bytes in, kind or refusal out."""

from __future__ import annotations

from apps.core.errors import Refused

LARGEST = 300 * 1024
# Drawings with script in them (SVG) are left out on purpose: logos go into pages of patients.
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


class NotALogo(Refused):
    """The file cannot be the logo."""


def kind_of(content: bytes) -> str:
    """The media type, told by the first bytes. Raises ``NotALogo`` for other files and for more than 300 kB."""
    if len(content) > LARGEST:
        raise NotALogo("logo.too_large", "The logo may have up to 300 kB. Save it smaller and try again.")
    for signature, kind in SIGNATURES.items():
        if content.startswith(signature):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise NotALogo("logo.not_an_image", "The logo must be a PNG, JPEG, GIF or WebP picture.")
