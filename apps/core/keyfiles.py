"""The key folder (``CARELANE_KEYS``): made at set-up, mode 0700, backed up apart from the data.

Without Django, because the settings themselves need it for their signing key.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

# File stem -> what it protects. Each is 32 random bytes in base64.
SYMMETRIC = {
    "kek-1": "wraps the data keys of people (key-encryption key, epoch 1)",
    "index": "search tokens",
    "service": "rows about staff and organizations, names and rules of segments, templates, campaigns, journeys",
    "audit": "MAC and chain of the audit trail",
    "link": "tokens in return paths, clicks and unsubscribe links",
}
FIRST_KEK = 1


def create_missing(folder: Path) -> list[str]:
    """Create what is missing in ``folder``; returns the names made. Existing keys are never touched."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = []
    for stem in SYMMETRIC:
        if _write(folder / f"{stem}.key", base64.b64encode(secrets.token_bytes(32)) + b"\n"):
            made.append(stem)
    if _write(folder / "secret.key", secrets.token_urlsafe(64).encode() + b"\n"):
        made.append("secret")
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if _write(folder / "checkpoint.pem", pem):
        made.append("checkpoint")
    return made


def read(folder: Path, stem: str) -> bytes:
    """The 32 bytes of one symmetric key. Raises ``FileNotFoundError`` naming the file, ``ValueError`` if damaged."""
    raw = base64.b64decode((folder / f"{stem}.key").read_bytes(), validate=False)
    if len(raw) != 32:
        raise ValueError(f"{stem}.key in the key folder is damaged: 32 bytes are expected.")
    return raw


def _write(path: Path, content: bytes) -> bool:
    # Written aside and linked: two processes that start together agree on one key, and none is ever half there.
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True
