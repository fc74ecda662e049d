"""What wrote a mail, told by its structure alone: pure. Words never make a bounce of a letter; they may mark it.

The marks are those of the standards: ``multipart/report`` with its type (RFC 3462, 3464, 5965, 8098), the empty
sender (RFC 5321 section 4.5.5) and ``Auto-Submitted`` (RFC 3834 section 5). Whoever writes "out of office" or "I did
not reach anyone" has none of them, and is read by people.
"""

from __future__ import annotations

import email.message
import re
from enum import StrEnum

from apps.mail.reports.returned_mail import (
    MAX_READ,
    REPORT_WORK,
    Absurd,
    decoded_header,
    message_of,
    message_parts,
    raw_header,
)


class Structure(StrEnum):
    """What a mail is by its structure."""

    LETTER = "letter"
    REPORT = "report"
    """A delivery status, or another report of a server."""
    FEEDBACK = "feedback"
    """A complaint, or another report of a feedback loop."""
    RECEIPT = "receipt"
    """A disposition notification: a program tells that the message was shown or deleted. It did arrive."""
    NULL_SENDER = "null_sender"
    AUTOMATIC = "automatic"


_REPORT_TYPES = {
    "delivery-status": Structure.REPORT,
    "feedback-report": Structure.FEEDBACK,
    "disposition-notification": Structure.RECEIPT,
}
_REPORT_PARTS = {
    "message/delivery-status": Structure.REPORT,
    "message/global-delivery-status": Structure.REPORT,
    "message/feedback-report": Structure.FEEDBACK,
    "message/disposition-notification": Structure.RECEIPT,
    "message/global-disposition-notification": Structure.RECEIPT,
}
_DAEMON = re.compile(r"(?i)\b(?:mailer[-_ ]?daemon|post_?master|mail delivery (?:sub)?system|mail ?administrator)\b")
_AUTO_HEADERS = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-AutoReply-From")
_AUTO_SUBJECT = re.compile(
    r"(?ix)^\s*(?:auto(?:mat(?:ic|ed))?[\s:_-]*(?:reply|response|antwort)|out\ of\ (?:the\ )?office|"
    r"on\ (?:vacation|leave)\b|vacation\b|absence\b|abwesen|respuesta\ autom|r[ée]ponse\ automatique|"
    r"automatische\ antwort|fuera\ de\ la\ oficina|absent\ du\ bureau|i\ am\ (?:currently\ )?(?:away|out)\b)"
)


def structure_of(raw: bytes, sender: str | None = None) -> Structure:
    """What wrote a mail. ``sender`` is the address of the envelope, "" for the empty one, None when it is not known.

    Raises nothing: what cannot be read is a letter, for people to look at.
    """
    data = raw[:MAX_READ]
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    try:
        message = message_of(data, work=REPORT_WORK)
        return _of_report(message) or _of_header(message, sender)
    except (RecursionError, Absurd, ValueError, LookupError, TypeError):
        return Structure.LETTER


def _of_report(message: email.message.Message) -> Structure | None:
    """The report that the mail itself is; one that somebody passes on within a letter does not count."""
    if message.get_content_type() != "multipart/report":
        return None
    given = message.get_param("report-type")
    named = str((given[2] if isinstance(given, tuple) else given) or "").strip().lower()
    if named in _REPORT_TYPES:
        return _REPORT_TYPES[named]
    for part in message_parts(message)[1:]:
        if part.get_content_type() in _REPORT_PARTS:
            return _REPORT_PARTS[part.get_content_type()]
    return Structure.REPORT


def _of_header(message: email.message.Message, sender: str | None) -> Structure:
    if sender is not None and not sender.strip(" <>"):
        return Structure.NULL_SENDER
    if sender is None and re.fullmatch(r"\s*<\s*>\s*", raw_header(message, "Return-Path")):
        return Structure.NULL_SENDER
    submitted = re.split(r"[;(\s]", raw_header(message, "Auto-Submitted").strip().lower(), maxsplit=1)[0]
    return Structure.AUTOMATIC if submitted not in {"", "no"} else Structure.LETTER


def from_server(raw: bytes) -> bool:
    """Whether a mail says that a mail system wrote it: worth reading as a bounce where it came to a signed path."""
    try:
        message = message_of(raw[:MAX_READ], work=REPORT_WORK)
    except (RecursionError, Absurd):
        return False
    return bool(message.get("X-Failed-Recipients")) or bool(_DAEMON.search(raw_header(message, "From")))


def looks_automatic(message: email.message.Message) -> bool:
    """Whether words or unregistered headers suggest that a program wrote it: a mark for readers, no more."""
    if any(message.get(name) for name in _AUTO_HEADERS):
        return True
    if raw_header(message, "Precedence").strip().lower() in {"auto_reply", "auto-reply"}:
        return True
    return bool(_AUTO_SUBJECT.match(decoded_header(message, "Subject")))
