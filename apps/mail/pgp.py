"""PGP/MIME (RFC 3156): check a recipient's OpenPGP certificate, and seal a message for it.

Two programs judge a certificate at upload: GnuPG, because it is what most recipients read with, and
Sequoia, because it seals. A certificate only one of them accepts would fail later, on a message that matters.
GnuPG works in an empty home in memory that is gone when the check ends; no keyring outlives it.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import gnupg
import pysequoia
from pysequoia.packet import PacketPile, Tag

from apps.mail.envelopes import CheckedKey, KeyRefused, SealedMail, SealHead, protect, same_mailbox, sealed

MAX_KEY_BYTES = 256 * 1024
"""A certificate with a photograph and forty signatures has 60 kB; more is a mistake or an attack."""

_MEMORY = Path("/dev/shm")  # noqa: S108 - a file system in memory, and each job gets a private folder in it
# RFC 9580 section 9.1, as GnuPG numbers them: (name, smallest size in bits that we accept).
_ALGORITHMS = {
    "1": ("RSA", 2048),
    "2": ("RSA", 2048),
    "16": ("Elgamal", 2048),
    "18": ("ECDH", 255),
    "25": ("X25519", 255),
    "26": ("X448", 448),
}


@dataclass(frozen=True)
class _UserId:
    text: str
    validity: str


class _Listing(gnupg.ListKeys):
    """GnuPG's list of keys, with the validity of each user id, which the library leaves out."""

    def __init__(self, gpg: Any) -> None:
        super().__init__(gpg)
        self.user_ids: list[_UserId] = []

    def uid(self, args: list[str]) -> None:
        super().uid(args)
        self.user_ids.append(_UserId(self.curkey["uids"][-1], args[1]))


@contextmanager
def gpg_home() -> Iterator[Path]:
    """An empty GnuPG home for one job: in memory where there is such a place, mode 0700, then removed."""
    parent = _MEMORY if _MEMORY.is_dir() else None
    home = Path(tempfile.mkdtemp(prefix="seal-", dir=parent))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def check(material: bytes, address: str, now: datetime) -> CheckedKey:
    """Decide whether an uploaded OpenPGP certificate (armored or binary) can seal for `address` at `now`.

    Raises KeyRefused with what to do: not a certificate, several, a private key, revoked, expired, not valid
    yet, no encryption subkey, too weak, user id of someone else, or refused by one of the two programs.
    """
    if len(material) > MAX_KEY_BYTES:
        raise KeyRefused(
            "recipient_key.file_too_large",
            "This file is too large for a key. Export only this one public key and upload it again.",
        )
    certificate = _parse(material, now)
    with gpg_home() as home:
        expires, algorithm = _judge_by_gnupg(home, certificate, address, now)
    try:
        pysequoia.encrypt(b"may this key seal mail?", [certificate], armor=False)
    except RuntimeError:
        raise KeyRefused(
            "recipient_key.cannot_encrypt",
            "Carelane's encryption library does not accept this key. Ask its owner for a new OpenPGP key.",
        ) from None
    return CheckedKey(
        kind="pgp",
        fingerprint=certificate.fingerprint.upper(),
        expires=expires,
        algorithm=algorithm,
        material=bytes(certificate),
    )


def seal(
    entity: bytes,
    head: SealHead,
    keys: Sequence[CheckedKey],
    now: datetime,
    *,
    signing_key: bytes | None = None,
) -> SealedMail:
    """Seal a MIME entity (`Content-Type` first, CRLF) for `keys`, as multipart/encrypted.

    `signing_key`, the organization's OpenPGP secret key without a passphrase, signs inside the encryption.
    Raises KeyRefused without a key, or when one expired, was revoked or became unreadable since its check.
    """
    recipients = [_recipient(key, now) for key in keys]
    if not recipients:
        raise KeyRefused("recipient_key.missing", "There is no OpenPGP key to seal this message for.")
    inner = protect(entity, head)
    signer = pysequoia.Tsk.from_bytes(signing_key).signer() if signing_key is not None else None
    try:
        armored = pysequoia.encrypt(inner, recipients, signer=signer)
    except RuntimeError:
        raise KeyRefused(
            "recipient_key.cannot_encrypt",
            "The recipient's OpenPGP key can no longer be used. Ask for a current key, or send by the portal.",
        ) from None
    return sealed(head, _multipart(armored), inner, " ".join(key.fingerprint for key in keys))


def _multipart(armored: bytes) -> bytes:
    """RFC 3156 section 4: exactly two parts, control and data."""
    # "=_" cannot occur in armor, so no boundary can be met in the data.
    mark = b"=_" + secrets.token_hex(12).encode("ascii")
    data = b"\r\n".join(armored.strip().splitlines())
    return (
        b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted";\r\n boundary="' + mark + b'"\r\n'
        b"\r\n"
        b"This message is encrypted with OpenPGP.\r\n"
        b"--" + mark + b"\r\n"
        b"Content-Type: application/pgp-encrypted\r\n"
        b"Content-Description: PGP/MIME version identification\r\n"
        b"\r\n"
        b"Version: 1\r\n"
        b"\r\n"
        b"--" + mark + b"\r\n"
        b'Content-Type: application/octet-stream; name="encrypted.asc"\r\n'
        b"Content-Description: OpenPGP encrypted message\r\n"
        b'Content-Disposition: inline; filename="encrypted.asc"\r\n'
        b"\r\n" + data + b"\r\n"
        b"\r\n"
        b"--" + mark + b"--\r\n"
    )


def _recipient(key: CheckedKey, now: datetime) -> pysequoia.Cert:
    if key.kind != "pgp":
        raise KeyRefused("recipient_key.kind_wrong", "This key is not an OpenPGP key.")
    if key.expires is not None and key.expires <= now:
        raise KeyRefused(
            "recipient_key.expired",
            "The recipient's OpenPGP key has expired. Ask for a current key, or send by the portal.",
        )
    try:
        certificate = pysequoia.Cert.from_bytes(key.material)
        revoked = certificate.is_revoked
    except RuntimeError:
        raise KeyRefused("recipient_key.damaged", "The stored OpenPGP key cannot be read. Upload it again.") from None
    if revoked or certificate.fingerprint.upper() != key.fingerprint:
        raise KeyRefused(
            "recipient_key.damaged", "The stored OpenPGP key is not the one that was checked. Upload it again."
        )
    return certificate


def _parse(material: bytes, now: datetime) -> pysequoia.Cert:
    if b"PRIVATE KEY BLOCK" in material:
        raise _private()
    try:
        certificates = list(pysequoia.Cert.split_bytes(material))
        packets = list(PacketPile.from_bytes(material)) if len(certificates) == 1 else []
    except RuntimeError:
        raise KeyRefused(
            "recipient_key.file_unreadable",
            "This file is not an OpenPGP public key. Export it from the mail program as a .asc file.",
        ) from None
    if len(certificates) != 1:
        raise KeyRefused(
            "recipient_key.not_one", "This file holds several keys or none. Export only the key for this address."
        )
    if any(packet.tag in (Tag.SecretKey, Tag.SecretSubkey) for packet in packets):
        raise _private()
    # GnuPG drops a key from the future without a word, so that is found here.
    born = packets[0].key_created
    if born is not None and born > now:
        raise KeyRefused(
            "recipient_key.not_valid_yet",
            "This key is only valid from a later day. Upload it again then, or ask for another.",
        )
    return certificates[0]


def _private() -> KeyRefused:
    return KeyRefused(
        "recipient_key.private",
        "This file holds a private key, which its owner must never give away. Nothing was kept; upload the public key.",
    )


def _judge_by_gnupg(
    home: Path, certificate: pysequoia.Cert, address: str, now: datetime
) -> tuple[datetime | None, str]:
    """GnuPG's verdict at `now`: until when it serves, and the algorithm of its encryption key."""
    moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    try:
        gpg = gnupg.GPG(
            gnupghome=str(home),
            options=["--no-autostart", "--no-auto-check-trustdb", "--faked-system-time", f"{moment}!"],
        )
    except OSError:
        raise KeyRefused(
            "recipient_key.checker_missing",
            "GnuPG is not installed on the server, so keys cannot be checked. Ask an administrator to install it.",
        ) from None
    gpg.result_map = {**gpg.result_map, "list": _Listing}
    gpg.import_keys(bytes(certificate))
    listing: Any = gpg.list_keys()
    if len(listing) != 1:
        raise KeyRefused(
            "recipient_key.version_too_new",
            "GnuPG, which most people read encrypted mail with, cannot read this key. "
            "Ask its owner for an OpenPGP version 4 key.",
        )
    key = listing[0]
    if key["trust"] == "r":
        raise KeyRefused(
            "recipient_key.revoked", "This key was revoked by its owner. Ask for the key that replaced it."
        )
    if key["trust"] == "e":
        raise KeyRefused(
            "recipient_key.expired", "This key has expired. Ask its owner to extend it, and upload it again."
        )
    if key["trust"] == "i":
        raise KeyRefused(
            "recipient_key.signature_wrong",
            "This key is not valid: its owner's signature on it does not hold. Ask for a new one.",
        )
    meant = [uid for uid in listing.user_ids if _names(uid, address)]
    if meant and all(uid.validity == "e" for uid in meant):
        raise KeyRefused(
            "recipient_key.expired",
            "This key has expired for this address. Ask its owner to extend it, and upload it again.",
        )
    if not any(uid.validity not in {"r", "e", "i"} for uid in meant):
        raise KeyRefused(
            "recipient_key.of_another_address",
            "No valid user id of this key has the address it is meant for. "
            "Check that it belongs to this person, or ask for a key made for this address.",
        )
    expires, algorithm = _encryption_key(key)
    if algorithm is None or "E" not in key["cap"]:
        raise KeyRefused(
            "recipient_key.only_signs",
            "This key has no part that can encrypt. Ask its owner for one with an encryption subkey.",
        )
    name, smallest, bits = algorithm
    if bits < smallest:
        raise KeyRefused(
            "recipient_key.too_weak",
            f"This key is too weak ({name} with {bits} bits). Ask for RSA with 3072 bits or Curve 25519.",
        )
    trial = gpg.encrypt(b"may this key seal mail?", key["fingerprint"], always_trust=True, armor=False)
    if not trial.ok:
        raise KeyRefused(
            "recipient_key.cannot_encrypt", "GnuPG cannot encrypt for this key. Ask its owner for a new OpenPGP key."
        )
    return expires, "Curve 25519" if bits == 255 else f"{name} {bits}"


def _encryption_key(key: Any) -> tuple[datetime | None, tuple[str, int, int] | None]:
    """The end of the longest-lived encryption (sub)key, never after the primary's, and its algorithm."""
    candidates = [key, *key.get("subkey_info", {}).values()]
    never = datetime.max.replace(tzinfo=UTC)
    best: tuple[datetime, tuple[str, int, int]] | None = None
    for part in candidates:
        if "e" not in part["cap"] or part["trust"] in {"r", "e", "i", "n"}:
            continue
        name, smallest = _ALGORITHMS.get(part["algo"], ("unknown", 1 << 30))
        end = datetime.fromtimestamp(int(part["expires"]), UTC) if part["expires"] else never
        if best is None or end > best[0]:
            best = (end, (name, smallest, int(part["length"] or 0)))
    if best is None:
        return None, None
    primary = datetime.fromtimestamp(int(key["expires"]), UTC) if key["expires"] else never
    end = min(best[0], primary)
    return (None if end == never else end), best[1]


def _names(uid: _UserId, address: str) -> bool:
    _, found = parseaddr(uid.text)
    return same_mailbox(found if "@" in found else uid.text.strip("<> "), address)
