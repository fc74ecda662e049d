"""MACs, links and people tokens of the trail, under the audit key. The key is read once."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from apps.core import keyed, keyfiles

GENESIS = b"\x00" * 32


@lru_cache(maxsize=1)
def key() -> bytes:
    return keyfiles.read(Path(settings.CARELANE_KEYS), "audit")


@lru_cache(maxsize=50_000)
def person_token(person_id: int) -> int:
    """63-bit keyed token of a person's id: finds their entries, tells nobody who they are."""
    return int.from_bytes(keyed.digest(key(), b"person|", b"%d" % person_id)[:8], "big") >> 1


def seal_ids(ids: Sequence[int]) -> bytes:
    """A list of ids, sealed (nonce 12 bytes, AES-256-GCM)."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key()).encrypt(nonce, json.dumps(list(ids)).encode(), b"audit ids")


def open_ids(blob: bytes) -> list[int]:
    """The ids of ``seal_ids``; an altered list raises ``ValueError``."""
    blob = bytes(blob)
    try:
        raw = AESGCM(key()).decrypt(blob[:12], blob[12:], b"audit ids")
    except InvalidTag:
        raise ValueError("The sealed list of an audit entry was altered.") from None
    ids: list[int] = json.loads(raw)
    return ids


def seal_text(text: str) -> bytes:
    """A reason in a person's own words, sealed: it may name somebody."""
    nonce = os.urandom(12)
    return nonce + AESGCM(key()).encrypt(nonce, text.encode("utf-8", "replace"), b"audit text")


def open_text(blob: bytes) -> str:
    blob = bytes(blob)
    try:
        return AESGCM(key()).decrypt(blob[:12], blob[12:], b"audit text").decode()
    except InvalidTag:
        raise ValueError("The sealed reason of an audit entry was altered.") from None


def mac(content: dict[str, Any]) -> bytes:
    """HMAC-SHA256 over an entry's content in canonical JSON; 32 bytes."""
    return hmac.digest(key(), b"entry|" + canonical(content), "sha256")


def link(previous: bytes, sequence: int, entry_id: int, entry_mac: bytes) -> bytes:
    """The chain's next link: bound to the one before, the number and the entry."""
    message = b"link|" + bytes(previous) + b"|%d|%d|" % (sequence, entry_id) + bytes(entry_mac)
    return hmac.digest(key(), message, "sha256")


def canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    raise TypeError(type(value).__name__)
