"""A message as a document: framed on its page, or as a copy to keep. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from uuid import UUID

_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)
# Links open in a window of their own; what is left of scripts does nothing under the policy of the frame, and goes.
_SCRIPT = re.compile(r"<script\b.*?</script\s*>|<script\b[^>]*>", re.IGNORECASE | re.DOTALL)
_META = re.compile(r"<meta\b[^>]*http-equiv\s*=\s*[\"']?\s*refresh[^>]*>", re.IGNORECASE)
_BASE = re.compile(r"<base\b[^>]*>", re.IGNORECASE)


_COPY_POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
)


@dataclass(frozen=True)
class Said:
    """One text of a conversation, opened."""

    from_patient: bool
    text: str = field(repr=False)
    at: datetime
    author: str = ""
    read_at: datetime | None = None
    reply_id: int = 0


@dataclass(frozen=True)
class Opened:
    """A message as its patient sees it."""

    public: UUID
    subject: str = field(repr=False)
    sender: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    sent_at: datetime
    expires_at: datetime
    said: tuple[Said, ...] = ()
    draft: str = field(default="", repr=False)
    closed: bool = False


def framed(html: str) -> str:
    """The mail's own HTML, with links that open outside of the frame, and without anything that acts."""
    clean = _BASE.sub("", _META.sub("", _SCRIPT.sub("", html)))
    base = '<base target="_blank"><meta name="referrer" content="no-referrer">'
    if _HEAD.search(clean):
        return _into_head(clean, base)
    return f"<!doctype html><html><head>{base}</head><body>{clean}</body></html>"


def paragraphs(text: str) -> list[str]:
    """Plain text in paragraphs (split at empty lines), for the text view."""
    found = [part.strip("\n") for part in re.split(r"\n\s*\n", text.replace("\r\n", "\n"))]
    return [part for part in found if part.strip()]


def as_text(message: Opened, sent_at: str, say: Mapping[str, str]) -> str:
    """A copy as text, with CRLF line ends."""
    head = f"{message.subject}\n{say['from']}: {message.sender}\n{say['date']}: {sent_at}\n\n"
    return (head + message.text.strip() + "\n").replace("\r\n", "\n").replace("\n", "\r\n")


def as_page(message: Opened, sent_at: str, say: Mapping[str, str], language: str) -> str:
    """A copy as one web page that runs nothing and loads nothing: the mail as designed, else its text."""
    if message.html:
        return _into_head(framed(message.html), _COPY_POLICY)
    facts = f"{escape(say['from'])}: {escape(message.sender)}<br>{escape(say['date'])}: {escape(sent_at)}"
    inside = "".join(f"<p>{escape(part)}</p>".replace("\n", "<br>") for part in paragraphs(message.text))
    return (
        f'<!doctype html><html lang="{language}"><head>{_COPY_POLICY}<meta charset="utf-8">'
        f'<title>{escape(message.subject)}</title><meta name="viewport" content="width=device-width">'
        "<style>body{font:18px/1.55 system-ui,sans-serif;max-width:680px;margin:32px auto;padding:0 16px}</style>"
        f"</head><body><h1>{escape(message.subject)}</h1><p>{facts}</p>{inside}</body></html>"
    )


def _into_head(html: str, more: str) -> str:
    return _HEAD.sub(lambda found: found.group(0) + more, html, count=1)
