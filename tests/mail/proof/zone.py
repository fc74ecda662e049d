"""A DNS for tests: what is in it is answered, what is not has no records, and what is marked does not answer."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from unittest import mock

import dkim
from nacl.signing import SigningKey

from apps.core import clock
from apps.mail.proof.names import Unanswered

SILENT = ("SILENT",)


class Zone:
    """Answers from a table: (name, record) to rows; ``SILENT`` never answers. ``asked`` keeps the questions."""

    def __init__(self, rows: Mapping[tuple[str, str], Sequence[str]] | None = None) -> None:
        self.rows = dict(rows or {})
        self.asked: list[tuple[str, str]] = []

    def look_up(self, name: str, record: str) -> Sequence[str]:
        self.asked.append((name, record))
        rows = self.rows.get((name.lower(), record), self.rows.get((name.lower(), "*"), ()))
        if tuple(rows) == SILENT:
            raise Unanswered
        return list(rows)


class Signer:
    """A domain that signs its mail with Ed25519, with its record in a zone."""

    def __init__(self, zone: Zone, domain: str, *, dmarc: str = "v=DMARC1; p=reject", key_flags: str = "") -> None:
        self.domain = domain
        self._key = SigningKey(bytes(range(32)))
        public = base64.b64encode(bytes(self._key.verify_key)).decode()
        flags = f"t={key_flags}; " if key_flags else ""
        zone.rows[(f"s1._domainkey.{domain}", "TXT")] = [f"v=DKIM1; k=ed25519; {flags}p={public}"]
        if dmarc:
            zone.rows[(f"_dmarc.{domain}", "TXT")] = [dmarc]
        self._private = base64.b64encode(bytes(self._key))

    def sign(self, raw: bytes, **more: object) -> bytes:
        # The library asks its own module for the time.
        with mock.patch.object(dkim, "time", SimpleNamespace(time=clock.now().timestamp)):
            head = dkim.DKIM(raw, signature_algorithm=b"ed25519-sha256")
            line = head.sign(b"s1", self.domain.encode(), self._private, canonicalize=(b"relaxed", b"relaxed"), **more)
        return line + raw
