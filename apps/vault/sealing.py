"""Sealing: AES-256-GCM over compact JSON, bound to the table, row, key and version it belongs to.

A sealed value is ``format (1) | key epoch (2, big endian) | nonce (12) | ciphertext and tag``. Moving it to another
row, table or version, or changing a bit, makes it unreadable (``SealBroken``), never wrong.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from apps.vault import keys

# What a binary column gives back.
Blob = bytes | memoryview
# The encryption of one key: nonce, plain bytes, associated data.
Sealer = Callable[[bytes, bytes, bytes | None], bytes]

FORMAT = 1
SERVICE_KEY = 0  # key epoch written into values under the service key
_HEADER = 3
_NONCE = 12


class SealBroken(Exception):
    """A sealed value does not belong where it was found, was altered, or its key is gone. Names table and row."""


@dataclass(frozen=True, slots=True)
class PersonKeys:
    """The two data keys of a person, open and wrapped (60 bytes each)."""

    kek_id: int
    profile: bytes = field(repr=False)
    record: bytes = field(repr=False)
    wrapped_profile: bytes = field(repr=False)
    wrapped_record: bytes = field(repr=False)


# json.dumps would make an encoder for every row.
_compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def encode(data: Any) -> bytes:
    """Compact JSON; lone surrogates (possible in imported text) survive the round trip."""
    return _compact(data).encode("utf-8", "surrogatepass")


def decode(raw: bytes) -> Any:
    return json.loads(raw.decode("utf-8", "surrogatepass"))


def seal(key: bytes, data: Any, *, table: str, row: int | str, version: int = 1, epoch: int = 1) -> bytes:
    """Seal JSON-able ``data`` under the 32-byte ``key`` for one place."""
    return seal_bytes(key, encode(data), table=table, row=row, version=version, epoch=epoch)


def open_sealed(key: bytes, blob: Blob, *, table: str, row: int | str, version: int = 1) -> Any:
    """The data of a sealed value. Raises ``SealBroken``."""
    return decode(open_bytes(key, blob, table=table, row=row, version=version))


def seal_bytes(key: bytes, raw: bytes, *, table: str, row: int | str, version: int = 1, epoch: int = 1) -> bytes:
    """Seal bytes as they are (documents, uploads)."""
    header = bytes((FORMAT, epoch >> 8, epoch & 0xFF))
    nonce = os.urandom(_NONCE)
    return header + nonce + _cipher(key).encrypt(nonce, raw, _bound_to(header, table, row, version))


def open_bytes(key: bytes, blob: Blob, *, table: str, row: int | str, version: int = 1) -> bytes:
    """The bytes of a sealed value. Raises ``SealBroken``."""
    blob = bytes(blob)
    header, nonce, body = blob[:_HEADER], blob[_HEADER : _HEADER + _NONCE], blob[_HEADER + _NONCE :]
    if len(blob) < _HEADER + _NONCE + 16 or header[0] != FORMAT:
        raise SealBroken(f"The sealed value of {table} {row} is not one of ours.")
    try:
        return _cipher(key).decrypt(nonce, body, _bound_to(header, table, row, version))
    except InvalidTag:
        raise SealBroken(f"The sealed value of {table} {row} does not belong there or was altered.") from None


def seal_service(data: Any, *, table: str, row: int | str, version: int = 1) -> bytes:
    """Seal under the service key: staff, organizations, names and rules."""
    return seal(keys.ring().service, data, table=table, row=row, version=version, epoch=SERVICE_KEY)


def open_service(blob: Blob, *, table: str, row: int | str, version: int = 1) -> Any:
    """Open a value sealed by ``seal_service``. Raises ``SealBroken``."""
    return open_sealed(keys.ring().service, blob, table=table, row=row, version=version)


def new_person_keys(person_id: int) -> PersonKeys:
    """Two fresh data keys for a person, wrapped under the current key-encryption key."""
    ring = keys.ring()
    profile, record = os.urandom(32), os.urandom(32)
    return PersonKeys(
        kek_id=ring.current_kek,
        profile=profile,
        record=record,
        wrapped_profile=_wrap(ring.keks[ring.current_kek], profile, ring.current_kek, person_id, b"profile"),
        wrapped_record=_wrap(ring.keks[ring.current_kek], record, ring.current_kek, person_id, b"record"),
    )


def wrap_again(person_id: int, profile: bytes, record: bytes) -> PersonKeys:
    """The data keys of a person, whose record was closed for a time, wrapped under the current key-encryption key."""
    ring = keys.ring()
    kek = ring.keks[ring.current_kek]
    return PersonKeys(
        kek_id=ring.current_kek,
        profile=profile,
        record=record,
        wrapped_profile=_wrap(kek, profile, ring.current_kek, person_id, b"profile"),
        wrapped_record=_wrap(kek, record, ring.current_kek, person_id, b"record"),
    )


class Batch:
    """Keys and seals of many new people: randomness drawn in one piece, one key schedule for each key.

    What comes out is what ``new_person_keys`` and ``seal`` make, at a third of their cost.
    """

    def __init__(self, people: int, values: int) -> None:
        """``values`` is how many values will be sealed for each of the ``people``; more are possible."""
        ring = keys.ring()
        self.kek_id = ring.current_kek
        self._wrap = _cipher(ring.keks[ring.current_kek]).encrypt
        self._header = bytes((FORMAT, self.kek_id >> 8, self.kek_id & 0xFF))
        self._random = os.urandom(people * (64 + (2 + values) * _NONCE))
        self._at = 0

    def person(self, person_id: int) -> tuple[PersonKeys, Sealer, Sealer]:
        """Fresh keys, and what seals under the profile key and under the record key."""
        random = self._draw(64 + 2 * _NONCE)
        profile, record, nonces = random[:32], random[32:64], (random[64:76], random[76:])
        bound = b"wrap|%d|%d|" % (self.kek_id, person_id)
        return (
            PersonKeys(
                self.kek_id,
                profile,
                record,
                nonces[0] + self._wrap(nonces[0], profile, bound + b"profile"),
                nonces[1] + self._wrap(nonces[1], record, bound + b"record"),
            ),
            AESGCM(profile).encrypt,
            AESGCM(record).encrypt,
        )

    def seal(self, sealer: Sealer, raw: bytes, table: bytes, row: int) -> bytes:
        """``raw`` (see ``encode``) sealed for version 1 of a row."""
        nonce = self._draw(_NONCE)
        bound = b"carelane|%s|%s|%d|1" % (self._header, table, row)
        return self._header + nonce + sealer(nonce, raw, bound)

    def _draw(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._random):
            self._random, self._at, end = os.urandom(max(size, 16_384)), 0, size
        found = self._random[self._at : end]
        self._at = end
        return found


def unwrap_profile(kek_id: int, wrapped: Blob, person_id: int) -> bytes:
    """The profile key of a person. Raises ``SealBroken`` (also when it was destroyed by an erasure)."""
    return _unwrap(kek_id, wrapped, person_id, b"profile")


def unwrap_record(kek_id: int, wrapped: Blob, person_id: int) -> bytes:
    """The record key of a person. Raises ``SealBroken``."""
    return _unwrap(kek_id, wrapped, person_id, b"record")


def is_service(blob: Blob) -> bool:
    """Whether a sealed value is under the service key."""
    return bytes(blob[1:_HEADER]) == bytes((SERVICE_KEY >> 8, SERVICE_KEY & 0xFF))


def _wrap(kek: bytes, key: bytes, kek_id: int, person_id: int, kind: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + _cipher(kek).encrypt(nonce, key, b"wrap|%d|%d|%s" % (kek_id, person_id, kind))


def _unwrap(kek_id: int, wrapped: Blob, person_id: int, kind: bytes) -> bytes:
    wrapped = bytes(wrapped)
    try:
        kek = keys.ring().keks[kek_id]
        bound = b"wrap|%d|%d|%s" % (kek_id, person_id, kind)
        return _cipher(kek).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], bound)
    except (KeyError, InvalidTag, ValueError):
        raise SealBroken(f"The {kind.decode()} key of person {person_id} is gone or was altered.") from None


def _bound_to(header: bytes, table: str, row: int | str, version: int) -> bytes:
    return b"carelane|%s|%s|%s|%d" % (header, table.encode(), str(row).encode(), version)


@lru_cache(maxsize=64)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)
