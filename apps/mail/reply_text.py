"""Reading a mail that a person wrote: pure, and never more than text. Bytes may be anything.

Nothing here is rendered as HTML, fetched or opened: staff see words and the names of attachments.
"""

from __future__ import annotations

import email.message
import html
import re
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from email.utils import parseaddr
from typing import Any

from apps.mail.reports.returned_mail import Absurd, decoded_header, leaf_text, message_of, message_parts, raw_header

MAX_TEXT = 20_000
VERSION = 2
"""Of what is read: a letter whose reading is older is read again from its original."""


@dataclass(frozen=True)
class Attachment:
    """Name, type and size of something that came along; never opened here."""

    name: str = field(repr=False)
    kind: str
    size: int


@dataclass(frozen=True)
class ReplyText:
    """What a mail says of itself. The sender is a claim, not a fact."""

    sender: str = field(repr=False)
    sender_name: str = field(repr=False)
    subject: str = field(repr=False)
    date: str = field(repr=False)
    text: str = field(repr=False)
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """The form that is sealed."""
        return {
            "version": VERSION,
            "sender": self.sender,
            "sender_name": self.sender_name,
            "subject": self.subject,
            "date": self.date,
            "text": self.text,
            "attachments": [[one.name, one.kind, one.size] for one in self.attachments],
        }


def read(raw: bytes, *, zone: tzinfo = UTC) -> ReplyText:
    """Read the text of a mail that a person wrote. Raises nothing."""
    try:
        message = message_of(raw)
        parts = message_parts(message)
    except (RecursionError, Absurd):
        return ReplyText("", "", "", "", "This mail has too many nested parts to be read.")
    name, address = _sender(_clean(raw_header(message, "From"))[:500])
    plain: list[str] = []
    marked: list[str] = []
    attachments: list[Attachment] = []
    for part in parts:
        if part.is_multipart():
            continue
        kind = part.get_content_type()
        if part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            (plain if kind != "text/html" else marked).append(leaf_text(part))
        else:
            attachments.append(_attachment(part, kind))
    text = "\n".join(plain) if any(one.strip() for one in plain) else "\n".join(marked)
    return ReplyText(
        sender=address[:254],
        sender_name=_clean(html.unescape(name))[:120],
        subject=_clean(decoded_header(message, "Subject"))[:200],
        date=_clean(raw_header(message, "Date"))[:60],
        text=_tidy(text),
        attachments=tuple(attachments[:50]),
    )


def _sender(text: str) -> tuple[str, str]:
    """Name and address; the library's reader of comments in comments gives up by ``RecursionError``."""
    try:
        return parseaddr(text)
    except RecursionError:
        return "", ""


def _attachment(part: email.message.Message, kind: str) -> Attachment:
    try:
        name = part.get_filename() or "unnamed"
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError):
        name, payload = "unnamed", b""
    size = len(payload) if isinstance(payload, bytes) else 0
    return Attachment(_clean(str(name))[:120] or "unnamed", kind[:80], size)


def _clean(text: str) -> str:
    """One line without control characters and without marks that turn the direction of writing."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+", " ", text).strip()


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", "", text)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip()[:MAX_TEXT]
