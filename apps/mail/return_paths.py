"""Return paths that only we can write: `bounce+TOKEN@bounce.example.org`.

A returned mail is matched by the address it came back to, never by what it says inside (B-352). The token
holds the number of the message and a keyed MAC, no address and nothing about a person; whoever has not seen
this very return path cannot suppress anybody. The keys come from the vault; this module is pure.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Literal

Purpose = Literal["bounce", "reply"]

_MAC_BYTES = 10
_LARGEST = (1 << 63) - 1
_LOCAL = re.compile(r"^(?P<purpose>bounce|reply)\+(?P<token>[a-z2-7]{24,32})$")


class Foreign(Exception):
    """An address that is not one of ours: forged, altered, or of another purpose. Ignored and counted."""


def address(purpose: Purpose, message_id: int, domain: str, key: bytes) -> str:
    """The signed address for one message; at most 40 characters before the @ (RFC 5321 allows 64).

    `key` is a secret of at least 16 bytes; `message_id` is 0 to 2**63-1.
    """
    if not 0 <= message_id <= _LARGEST:
        raise ValueError("a message id has 63 bits")
    if len(key) < 16:
        raise ValueError("a key of at least 16 bytes is needed")
    number = message_id.to_bytes(8, "big").lstrip(b"\x00")
    blob = number + _mac(purpose, number, key)
    token = base64.b32encode(bytes([len(number)]) + blob).decode("ascii").rstrip("=").lower()
    return f"{purpose}+{token.ljust(24, 'a')}@{domain}"


def message_of(recipient: str, purpose: Purpose, domain: str, keys: Sequence[bytes]) -> int:
    """The message id that a return path names; `keys` are tried in order, newest first.

    Raises Foreign for anything that was not written by `address` with one of the keys, for this purpose and
    domain. Case does not matter: some systems fold it on the way back.
    """
    local, at, host = recipient.strip().strip("<>").rpartition("@")
    found = _LOCAL.match(local.lower())
    if not at or host.lower().rstrip(".") != domain.lower() or not found or found["purpose"] != purpose:
        raise Foreign
    token = found["token"].upper()
    try:
        blob = base64.b32decode(token + "=" * (-len(token) % 8))
    except ValueError:
        raise Foreign from None
    size = blob[0]
    number, mac = blob[1 : 1 + size], blob[1 + size : 1 + size + _MAC_BYTES]
    if size > 8 or len(mac) != _MAC_BYTES or number[:1] == b"\x00":
        raise Foreign
    message_id = int.from_bytes(number, "big")
    for key in keys:
        if hmac.compare_digest(mac, _mac(purpose, number, key)):
            # Trailing bits and padding are not under the MAC; only the one spelling we write is ours.
            if address(purpose, message_id, host, key).lower() != f"{local}@{host}".lower():
                raise Foreign
            return message_id
    raise Foreign


def _mac(purpose: str, number: bytes, key: bytes) -> bytes:
    return hmac.new(key, b"return path\x00" + purpose.encode() + b"\x00" + number, hashlib.sha256).digest()[:_MAC_BYTES]
