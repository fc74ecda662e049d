"""Taking a returned mail apart, at bounded cost: its parts, its words, its status fields. Pure; ``bounces`` judges."""

from __future__ import annotations

import email
import email.message
import email.policy
import re

from apps.mail import charsets, header_words, html_text, quoting
from apps.mail.reports import bounce_words as words

MAX_READ = 512 * 1024
"""Bytes of a returned mail that are read; reports come first, what follows is the original."""
MAX_FIELD = 8 * 1024
"""Characters of one header field that are read. Parameters are parsed in quadratic time: half a megabyte of
quotation marks in one field would hold the receiver for a minute."""
_MAX_WORK = 20_000_000
REPORT_WORK = 2_000_000
"""What of that is spent where a mail is sorted: in the process that takes it, in half a second, with others waiting."""
MAX_PAGE = 64 * 1024
"""Characters of markup of a report that are read: what a server has to say stands in front of what it quotes."""
_MAX_SEAMS = 10_000
MAX_TEXT = 20_000
_MAX_PARTS = 200


class Absurd(Exception):
    """A mail built to be expensive: parts nested over and over around very many lines."""


class _ShortFields(email.policy.Compat32):
    """Reads mail as ever, but no header field at more than MAX_FIELD characters."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name[:MAX_FIELD], value[:MAX_FIELD]


SHORT_FIELDS = _ShortFields()


def message_of(raw: bytes, *, work: int = _MAX_WORK) -> email.message.Message:
    """The parsed mail, at bounded cost (``work``: lines times seams). Raises ``Absurd``, or ``RecursionError`` for
    absurd nesting.
    """
    # The parser compares each line with the boundary of every part that is open.
    if raw.count(b"\n") * len(re.findall(rb"(?i)boundary", raw)) > work or raw.count(b"\n--") > _MAX_SEAMS:
        raise Absurd
    return email.message_from_bytes(raw, policy=SHORT_FIELDS)


def message_parts(message: email.message.Message) -> list[email.message.Message]:
    """The parts of a message, itself first; at most 200. May raise ``RecursionError`` for absurd nesting."""
    parts: list[email.message.Message] = []
    for part in message.walk():
        parts.append(part)
        if len(parts) >= _MAX_PARTS:
            break
    return parts


def raw_header(part: email.message.Message, name: str) -> str:
    """One header as text; bytes that should not be there are taken for UTF-8."""
    for key, value in part.raw_items():
        if key.lower() == name.lower():
            text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            return re.sub(r"\s+", " ", text)
    return ""


def decoded_header(message: email.message.Message, name: str) -> str:
    """A header with its encoded words decoded, as far as they can be; one line of at most 1,000 characters."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            text = header_words.decode(str(value).encode("utf-8", "surrogateescape")[:4_000])
            return re.sub(r"\s+", " ", text)[:1000]
    return ""


def leaf_text(part: email.message.Message) -> str:
    """The words of a leaf part, whatever its charset claims."""
    is_page = part.get_content_subtype() == "html"
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AssertionError):
        payload = None
    text = charsets.decode(payload, _charset(part), markup=is_page) if isinstance(payload, bytes) else ""
    if is_page:
        text = quoting.plain(html_text.text_of(text[:MAX_PAGE]))
    return text[:MAX_TEXT]


def _charset(part: email.message.Message) -> str:
    try:
        return part.get_content_charset() or ""
    except (ValueError, LookupError, TypeError):
        return ""


def spoken_words(parts: list[email.message.Message]) -> str:
    """The human-readable part of a report: text before the original, of the first text parts."""
    texts: list[str] = []
    inside: set[int] = set()
    for part in parts:
        if id(part) in inside:
            continue
        kind = part.get_content_type()
        if kind in {"message/rfc822", "text/rfc822-headers", "message/delivery-status"} and part is not parts[0]:
            inside.update(id(one) for one in message_parts(part))
            continue
        if part.get_content_maintype() == "text" and not part.is_multipart():
            texts.append(leaf_text(part))
            if len(texts) == 3:
                break
    if not any(text.strip() for text in texts):
        texts = [leaf_text(part) for part in parts if not part.is_multipart() and id(part) not in inside][:3]
    kept: list[str] = []
    for text in texts:
        for number, line in enumerate(text.splitlines()[:200]):
            if number > 1 and words.ORIGINAL_FOLLOWS.match(line.strip()):
                break
            kept.append(line)
    return "\n".join(kept)[:MAX_TEXT]


def status_blocks(parts: list[email.message.Message]) -> list[email.message.Message]:
    """The per-recipient groups of fields of every delivery status (RFC 3464 section 2.3)."""
    blocks: list[email.message.Message] = []
    for part in parts:
        if part.get_content_type() not in {"message/delivery-status", "message/global-delivery-status"}:
            continue
        if part.is_multipart():
            groups = [one for one in part.get_payload() if isinstance(one, email.message.Message)]
        else:
            found = re.split(r"\n\s*\n", leaf_text(part))
            groups = [email.message_from_string(one, policy=SHORT_FIELDS) for one in found]
        for group in groups:
            # Some systems leave out the blank line between message and recipient fields.
            if any(group.get(name) for name in ("Final-Recipient", "Action", "Status", "Original-Recipient")):
                blocks.append(group)
    return blocks
