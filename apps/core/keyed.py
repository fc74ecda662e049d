"""HMAC-SHA256 with the key set up once. Pure."""

from __future__ import annotations

import hashlib
from functools import lru_cache


def digest(key: bytes, prefix: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) of ``prefix`` and ``message``; 32 bytes. ``prefix`` is one of a few, key at most 64 bytes.

    OpenSSL sets up the key anew for each ``hmac.digest``, which costs five times what the hashing does; an import
    makes dozens of tokens for each row.
    """
    inner, outer = _hashes(key, prefix)
    inner, outer = inner.copy(), outer.copy()
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(maxsize=1_000)
def _hashes(key: bytes, prefix: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    if len(key) > 64:
        raise ValueError("A key of HMAC-SHA256 that is longer than a block would have to be hashed first.")
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
    inner.update(prefix)
    return inner, hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
