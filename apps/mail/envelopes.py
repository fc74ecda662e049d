"""What PGP and S/MIME share: the two heads of a sealed message and what is kept about it.

A sealed message has two heads (RFC 9788). The inner head is the real one; it travels encrypted, as the first
lines of the protected entity. The outer head is what every server on the way reads, so its Subject is neutral
and nothing in it tells why we write.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime

from apps.core.errors import Refused

CRLF = b"\r\n"

# Header fields a server has no use for and a stranger could learn from.
_HIDDEN = frozenset({b"subject", b"comments", b"keywords", b"thread-topic", b"list-id"})
# Fields that describe the body: they belong to the entity, never to a head.
_STRUCTURAL = re.compile(rb"^(content-[\w-]+|mime-version)$", re.IGNORECASE)
_FIELD_NAME = re.compile(rb"[!-9;-~]+")
# A neutral subject is one short plain line; words are the caller's, the shape is checked here.
_NEUTRAL = re.compile(rb"[ -~]{1,120}")


class SealingRefused(Refused):
    """A message or key that must not be sealed; the text says what to do and names nobody."""


class KeyRefused(SealingRefused):
    """A key or certificate that cannot be used; the text is for the person who uploaded it."""


@dataclass(frozen=True)
class CheckedKey:
    """A recipient's key that passed every check on the day it was looked at.

    `material` is the certificate in its canonical bytes (PGP: binary transferable public key; S/MIME: DER,
    followed by nothing). It is personal data and belongs under a seal.
    """

    kind: str
    """"pgp" or "smime"."""
    fingerprint: str
    """Upper-case hexadecimal: OpenPGP fingerprint, or SHA-256 of the DER certificate."""
    expires: datetime | None
    """First moment at which the key no longer serves; None when it never expires."""
    algorithm: str
    """For people: "RSA 3072", "Curve 25519", ..."""
    material: bytes = field(repr=False)
    notes: tuple[str, ...] = ()
    """What a person should know but what is no reason to refuse."""


@dataclass(frozen=True)
class SealHead:
    """The two heads of one message: header lines, each ending in CRLF, without the closing empty line."""

    inner: bytes = field(repr=False)
    outer: bytes = field(repr=False)


@dataclass(frozen=True)
class SealedMail:
    """A finished encrypted message, ready for DKIM, and what evidence keeps of it.

    `head` and `entity` have the shape of every other route: header lines, then `Content-Type` to the end.
    `MIME-Version` is in the head. `content_sha256` and `length` (bytes) are those of `entity` before
    dot-stuffing, which neither DKIM nor a server on the way changes.
    """

    head: bytes = field(repr=False)
    entity: bytes = field(repr=False)
    length: int
    recipient_key_id: str
    """Fingerprints of the keys it was sealed for, upper-case hexadecimal, separated by one space."""
    inner_sha256: bytes = field(repr=False)
    """SHA-256 of the plain text given to the cipher: what a rebuild must give again."""

    @property
    def content_sha256(self) -> bytes:
        """SHA-256 of `entity`: evidence of what was encrypted. Mail that is not encrypted never asks."""
        return hashlib.sha256(self.entity).digest()

    @property
    def content(self) -> bytes:
        """The whole message: head and entity."""
        return self.head + self.entity


def split_fields(head: bytes) -> list[tuple[bytes, bytes]]:
    """Header lines as (name, raw field with its folding and final CRLF), in order.

    Raises SealingRefused when a line is neither a field nor the continuation of one, or does not end in CRLF.
    """
    if not head:
        return []
    if not head.endswith(CRLF) or b"\n" in head.replace(CRLF, b"") or b"\r" in head.replace(CRLF, b""):
        raise SealingRefused(
            "message.header_broken", "The head of this message has broken line ends. Save the template again."
        )
    fields: list[tuple[bytes, bytes]] = []
    for line in head[:-2].split(CRLF):
        if line[:1] in (b" ", b"\t") and fields:
            name, raw = fields[-1]
            fields[-1] = (name, raw + line + CRLF)
            continue
        name, colon, _ = line.partition(b":")
        if not colon or not _FIELD_NAME.fullmatch(name):
            raise SealingRefused(
                "message.header_broken", "The head of this message has a line that is no header field."
            )
        fields.append((name, line + CRLF))
    return fields


def neutral_head(head: bytes, subject: str = "Encrypted message") -> SealHead:
    """The two heads of a message from its real one.

    `subject` replaces the real Subject outside: plain ASCII of at most 120 characters, and the caller vouches
    that it says nothing about health ("Encrypted message from Harbor Clinic"). RFC 9788 calls this obscuring.
    """
    words = subject.encode("ascii", "replace")
    if not _NEUTRAL.fullmatch(words):
        raise SealingRefused(
            "message.subject_not_neutral", "The neutral subject must be one line of at most 120 characters."
        )
    inner: list[bytes] = []
    outer: list[bytes] = []
    for name, raw in split_fields(head):
        if _STRUCTURAL.match(name):
            continue
        inner.append(raw)
        if name.lower() not in _HIDDEN:
            outer.append(raw)
    outer.append(b"Subject: " + words + CRLF)
    return SealHead(b"".join(inner), b"".join(outer))


def protect(entity: bytes, head: SealHead) -> bytes:
    """The entity with its header fields inside: RFC 9788, `hp="cipher"` and HP-Outer fields.

    `protected-headers="v1"` is the mark of the draft that mail programs had before the RFC.
    Raises SealingRefused when the entity does not begin with a Content-Type field.
    """
    lines, gap, body = entity.partition(CRLF + CRLF)
    if not gap:
        raise SealingRefused("message.without_body", "This message has no body to encrypt.")
    fields = split_fields(lines + CRLF)
    marked: list[bytes] = []
    found = False
    for name, raw in fields:
        if name.lower() == b"content-type" and not found:
            found = True
            raw = raw[:-2].rstrip(b"; \t") + b';\r\n hp="cipher"; protected-headers="v1"\r\n'
        marked.append(raw)
    if not found:
        raise SealingRefused(
            "message.without_type", "This message does not say what its body is, so it cannot be encrypted."
        )
    shown = b"".join(b"HP-Outer: " + raw for _, raw in split_fields(head.outer))
    return head.inner + shown + b"MIME-Version: 1.0" + CRLF + b"".join(marked) + CRLF + body


def sealed(head: SealHead, entity: bytes, inner: bytes, recipient_key_id: str) -> SealedMail:
    """Close the envelope and take its measures."""
    return SealedMail(
        head=head.outer + b"MIME-Version: 1.0" + CRLF,
        entity=entity,
        length=len(entity),
        recipient_key_id=recipient_key_id,
        inner_sha256=hashlib.sha256(inner).digest(),
    )


def same_mailbox(one: str, other: str) -> bool:
    """Whether two addresses name one mailbox.

    Case is ignored on both sides of the @: RFC 5321 lets local parts differ by case, no provider does, and a
    person who typed a capital must not lose their key. Internationalized domains compare by their A-labels.
    """
    return _folded(one) == _folded(other) != ""


def _folded(address: str) -> str:
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or not domain:
        return ""
    with contextlib.suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    return f"{local.casefold()}@{domain.casefold()}"
