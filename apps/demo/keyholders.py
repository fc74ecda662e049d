"""The demo people who have a key: their private halves, and how their mail programs read.

Each private key is a file below CARELANE_HOME/demo-people, made when it is first wanted, named by a digest of
the address. It plays a patient's computer; the product itself never reads it.
"""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from email.message import EmailMessage, MIMEPart
from pathlib import Path
from typing import cast

import pysequoia

from apps.demo.authority import open_folder, write_private
from apps.demo.mail import key_kind


@dataclass(frozen=True, repr=False)
class Letter:
    """A message as the patient's mail program shows it. `lock` says in words how it was protected."""

    subject: str
    sender: str
    to: str
    date: str
    text: str
    html: str
    lock: str
    kind: str  # pgp | smime | none
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Keyholders:
    """All of them, below one home folder."""

    home: Path

    def public_key(self, address: str, now: dt.datetime) -> bytes | None:
        """What the owner of this address would upload: a PGP key or a certificate; None for those without."""
        kind = key_kind(address)
        if kind == "pgp":
            return bytes(self._pgp(address).extract_certificate())
        if kind == "smime":
            return self._smime(address, now)[0].read_bytes()
        return None

    def read(self, raw: bytes, address: str) -> Letter:
        """Open a stored message with the owner's key, as their mail program would."""
        outer = email.message_from_bytes(raw, policy=email.policy.default)
        content = outer.get_content_type()
        if content == "multipart/encrypted":
            inner = self._decrypt_pgp(outer, address)
            return _letter(outer, inner, "Encrypted with PGP, opened with the owner's key", "pgp")
        if content in ("application/pkcs7-mime", "application/x-pkcs7-mime"):
            inner = self._decrypt_smime(raw, address)
            return _letter(outer, inner, "Encrypted with S/MIME, opened with the owner's certificate", "smime")
        received = " ".join(str(outer.get("Received", "")).split())
        lock = "Arrived over TLS" if "with TLS" in received else "Arrived without encryption"
        return _letter(outer, outer, lock, "none")

    def _pgp(self, address: str) -> pysequoia.Tsk:
        path = self._path(address, "pgp")
        if not path.exists():
            made = pysequoia.Tsk.generate(user_id=f"<{address}>", profile=pysequoia.Profile.RFC4880)
            write_private(path, bytes(made))
        return pysequoia.Tsk.from_bytes(path.read_bytes())

    def _smime(self, address: str, now: dt.datetime) -> tuple[Path, Path]:
        certificate, key = self._path(address, "crt"), self._path(address, "key")
        if not certificate.exists():
            issued = open_folder(self.home / "demo-ca", now).person(address, now)
            write_private(key, issued.key)
            write_private(certificate, issued.certificate)
        return certificate, key

    def _path(self, address: str, ending: str) -> Path:
        name = hashlib.blake2b(address.casefold().encode(), digest_size=12).hexdigest()
        return self.home / "demo-people" / f"{name}.{ending}"

    def _decrypt_pgp(self, outer: EmailMessage, address: str) -> EmailMessage | None:
        if not self._path(address, "pgp").exists():
            return None
        parts = list(outer.iter_parts())
        if len(parts) != 2:
            return None
        try:
            opened = pysequoia.decrypt(
                cast(bytes, parts[1].get_payload(decode=True)), decryptor=self._pgp(address).decryptor()
            )
        except RuntimeError:
            return None
        return email.message_from_bytes(bytes(opened.bytes or b""), policy=email.policy.default)

    def _decrypt_smime(self, raw: bytes, address: str) -> EmailMessage | None:
        certificate, key = self._path(address, "crt"), self._path(address, "key")
        if not certificate.exists():
            return None
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "mail"
            source.write_bytes(raw)
            opened = subprocess.run(
                ["openssl", "cms", "-decrypt", "-inform", "SMIME", "-in", str(source)]
                + ["-recip", str(certificate), "-inkey", str(key)],
                capture_output=True,
                check=False,
            )
        if opened.returncode != 0:
            return None
        return email.message_from_bytes(opened.stdout, policy=email.policy.default)


def _letter(outer: EmailMessage, inner: EmailMessage | None, lock: str, kind: str) -> Letter:
    if inner is None:
        return Letter(
            str(outer.get("Subject", "")),
            str(outer.get("From", "")),
            str(outer.get("To", "")),
            str(outer.get("Date", "")),
            "",
            "",
            "Encrypted, and the owner's key does not open it",
            kind,
        )
    while inner.get_content_type() == "multipart/signed":
        parts = list(inner.iter_parts())
        if not parts:
            break
        headers = {name: str(inner[name]) for name in ("Subject", "From", "To", "Date") if inner[name]}
        inner = cast(EmailMessage, parts[0])
        for name, value in headers.items():
            if name not in inner:
                inner[name] = value
    text = inner.get_body(preferencelist=("plain",))
    html = inner.get_body(preferencelist=("html",))
    return Letter(
        subject=str(inner.get("Subject") or outer.get("Subject", "")),
        sender=str(inner.get("From") or outer.get("From", "")),
        to=str(inner.get("To") or outer.get("To", "")),
        date=str(inner.get("Date") or outer.get("Date", "")),
        text=_words(text),
        html=_words(html),
        lock=lock,
        kind=kind,
        attachments=tuple(part.get_filename() or "attachment" for part in inner.iter_attachments()),
    )


def _words(part: MIMEPart | None) -> str:
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError):
        return cast(bytes, part.get_payload(decode=True)).decode("utf-8", "replace")
