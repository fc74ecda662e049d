"""The addresses that stand in messages: clicks and unsubscribing. Opaque, authenticated, valid for ever.

A token is AES-SIV (RFC 5297) over a few numbers: nothing can be read from it or changed in it without the link key,
and no table is needed to understand it. No name, list, campaign or condition is in any of these addresses (B-441,
B-306). Opens are not tracked at all: there is no token for them.

No database: the key ring and the public address of the installation are all it knows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings

from apps.vault import keys

_CLICK, _UNSUBSCRIBE = 1, 2
_LONGEST = 120
_OTHER_LANGUAGES = frozenset({"es"})


@dataclass(frozen=True)
class ClickLink:
    """What a click link says: which link of which message, and when that left (UTC, whole seconds).

    ``message`` 0 is a preview or a test: it redirects and is not recorded. ``campaign`` or ``journey`` 0: none.
    """

    message: int
    person: int
    target: int
    sent: int
    campaign: int = 0
    journey: int = 0
    trap: bool = False
    """A link that people do not see: whoever follows it is a program."""


@dataclass(frozen=True)
class UnsubscribeLink:
    """What an unsubscribe link says: the mailbox (its keyed token), and the message it stood in."""

    mailbox: bytes = field(repr=False)
    person: int
    message: int
    campaign: int = 0


class NotOurs(Exception):
    """A token that we did not write, or of the other kind."""


def click_url(
    *,
    message: int,
    person: int,
    target: int,
    sent: datetime,
    campaign: int = 0,
    journey: int = 0,
    trap: bool = False,
) -> str:
    """The address of a tracked link. ``target`` comes from ``services.targets_for``."""
    numbers = (message, person, target, int(sent.timestamp()), campaign, journey, int(trap))
    return f"{settings.PUBLIC_URL}/r/c/{_token(_CLICK, _pack(numbers))}"


def unsubscribe_url(*, mailbox: bytes, person: int, message: int, language: str = "en", campaign: int = 0) -> str:
    """The address for List-Unsubscribe and for the link in the footer. ``mailbox`` is its 16-byte token."""
    if len(mailbox) != 16:
        raise ValueError("a mailbox token has 16 bytes")
    token = _token(_UNSUBSCRIBE, mailbox + _pack((person, message, campaign)))
    # The language is no secret, and inside the token it would tell a good one from a bad one.
    return f"{settings.PUBLIC_URL}/r/u/{token}" + (f"?language={language}" if language in _OTHER_LANGUAGES else "")


def read_click(token: str) -> ClickLink:
    """The link that a token names. Raises ``NotOurs``."""
    message, person, target, sent, campaign, journey, trap = _unpack(_open(_CLICK, token), 7)
    return ClickLink(message, person, target, sent, campaign, journey, bool(trap))


def read_unsubscribe(token: str) -> UnsubscribeLink:
    """The mailbox and message that a token names. Raises ``NotOurs``."""
    raw = _open(_UNSUBSCRIBE, token)
    person, message, campaign = _unpack(raw[16:], 3)
    return UnsubscribeLink(raw[:16], person, message, campaign)


@lru_cache(maxsize=4)
def _cipher(key: bytes) -> AESSIV:
    # 64 bytes: AES-256 for each half. Derived, so that return paths and links never share a key.
    return AESSIV(hmac.digest(key, b"carelane links v1", hashlib.sha512))


def _token(kind: int, raw: bytes) -> str:
    sealed = _cipher(keys.ring().link).encrypt(raw, [bytes((kind,))])
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def _open(kind: int, token: str) -> bytes:
    if not 20 <= len(token) <= _LONGEST or not token.isascii():
        raise NotOurs
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        raw = _cipher(keys.ring().link).decrypt(sealed, [bytes((kind,))])
    except (ValueError, binascii.Error, InvalidTag):
        raise NotOurs from None
    # One spelling only: the unused bits of the last character are not under the tag.
    if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii") != token:
        raise NotOurs
    return raw


def _pack(numbers: tuple[int, ...]) -> bytes:
    """Numbers of up to 63 bits, seven bits a byte: small ones make short links."""
    out = bytearray()
    for number in numbers:
        if number < 0 or number >> 63:
            raise ValueError("numbers of 0 to 2**63-1 only")
        while number >= 0x80:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)
    return bytes(out)


def _unpack(raw: bytes, count: int) -> list[int]:
    numbers, number, shift = [], 0, 0
    for byte in raw:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(number)
            number, shift = 0, 0
    if len(numbers) != count or shift:
        raise NotOurs
    return numbers
