"""Names and subjects of mail, read as people wrote them (RFC 2047), also where the rules were not kept: pure."""

from __future__ import annotations

import base64
import binascii
import re
from email.utils import parseaddr

from apps.mail import charsets

_WORD = re.compile(rb"=\?([!-<>@-~]{1,60})\?([bBqQ])\?([^?\r\n]*)\?=")
_BETWEEN = re.compile(rb"[ \t\r\n]*")
_Q = re.compile(rb"=([0-9A-Fa-f]{2})")


def decode(raw: bytes) -> str:
    """A header as text: encoded words decoded, neighbors of one character set together, raw bytes as UTF-8 or else
    windows-1252. White space between encoded words is not part of them (RFC 2047 section 6.2).
    """
    pieces: list[tuple[str, bytes]] = []
    place = 0
    for found in _WORD.finditer(raw):
        payload = _payload(found.group(2), found.group(3))
        if payload is None:
            continue
        between = raw[place : found.start()]
        if not (pieces and place and _BETWEEN.fullmatch(between)) and between:
            pieces.append(("", between))
        # RFC 2231 section 5 adds a language to the character set.
        label = found.group(1).partition(b"*")[0].decode("ascii").lower()
        if pieces and place and pieces[-1][0] == label and _BETWEEN.fullmatch(between):
            # A character of several bytes may be split between two words, which is forbidden and done.
            pieces[-1] = (label, pieces[-1][1] + payload)
        else:
            pieces.append((label, payload))
        place = found.end()
    if raw[place:]:
        pieces.append(("", raw[place:]))
    return "".join(charsets.decode(piece, label) for label, piece in pieces)


def _payload(encoding: bytes, text: bytes) -> bytes | None:
    if encoding in b"qQ":
        return _Q.sub(lambda found: bytes([int(found.group(1), 16)]), text.replace(b"_", b" "))
    squeezed = re.sub(rb"[^A-Za-z0-9+/]", b"", text)
    if len(squeezed) % 4 == 1:
        squeezed = squeezed[:-1]
    try:
        return base64.b64decode(squeezed + b"=" * (-len(squeezed) % 4))
    except (binascii.Error, ValueError):
        return None


def sender(raw: bytes) -> tuple[str, str]:
    """Name and address of a ``From`` field. The address is found first: a decoded name cannot pretend to be one."""
    text = re.sub(r"[\r\n\t ]+", " ", raw.decode("latin-1"))[:2000]
    try:
        name, address = parseaddr(text)
    except (RecursionError, ValueError):
        name, address = "", ""
    if "@" not in address:
        # A comma in a name without quotation marks, and other things that parsers give up at.
        found = re.search(r"<([^<>\s]{1,250}@[^<>\s]{1,250})>\s*$", text) or re.search(
            r"(?<!\S)([^<>\s,;]{1,250}@[^<>\s,;]{1,250})(?!\S)", text
        )
        if found:
            name, address = text[: found.start()].strip(' "'), found.group(1)
    # What is no encoded word is still a name without its quotation marks and with its escapes undone.
    return decode(name.encode("latin-1", "replace")), _address(address)


def _address(text: str) -> str:
    return charsets.decode(text.encode("latin-1", "replace"))
