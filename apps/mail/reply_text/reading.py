"""From bytes to what staff read: header fields, pieces, attachments."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, tzinfo

from apps.mail import header_words
from apps.mail.reply_text.parts import Budget, Part, body_of, raw_field
from apps.mail.reply_text.pieces import Attachment, Piece, ReplyText
from apps.mail.reports.returned_mail import Absurd, message_of
from apps.mail.reports.structure import looks_automatic

VERSION = 2
"""Of what is read: a letter whose reading is older is read again from its original."""
MAX_TEXT = 100_000
MAX_ATTACHMENTS = 100
_TOO_NESTED = "This mail has too many nested parts to be read. The original has been kept."
_FAILED = "This mail could not be read here. The original has been kept."
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_TURNS = re.compile(r"[\u202a-\u202e\u2066-\u2069]")


def read(raw: bytes, *, zone: tzinfo = UTC) -> ReplyText:
    """Read a mail that a person wrote. ``zone`` is the readers', for what its calendar says. Raises nothing."""
    try:
        return _read(raw, zone)
    except (RecursionError, Absurd):
        return _only(_TOO_NESTED)
    except Exception:  # noqa: BLE001
        # A fault of the reader must not cost the letter: it is kept, and its page says where it is.
        return _only(_FAILED)


def _only(words: str) -> ReplyText:
    return ReplyText("", "", "", "", words, pieces=(Piece("words", words),), version=VERSION)


def _read(raw: bytes, zone: tzinfo) -> ReplyText:
    message = message_of(raw)
    budget = Budget(zone=zone)
    subject = line_of(header_words.decode(raw_field(message, "Subject")))[:500]
    pieces = body_of(message, budget, subject)
    name, address = header_words.sender(raw_field(message, "From"))
    left = [MAX_TEXT]
    tidy = tuple(_tidy(piece, left) for piece in pieces)
    text = "\n\n".join(each for each in (piece.flat() for piece in tidy) if each)
    return ReplyText(
        sender=line_of(address)[:254],
        sender_name=line_of(html.unescape(name))[:200],
        subject=subject,
        date=line_of(header_words.decode(raw_field(message, "Date")))[:60],
        text=text[:MAX_TEXT],
        attachments=tuple(_attachment(part) for part in budget.attached[:MAX_ATTACHMENTS]),
        pieces=tidy,
        looks_automatic=looks_automatic(message),
        is_cut=left[0] <= 0 or budget.is_spent or len(budget.attached) > MAX_ATTACHMENTS,
        version=VERSION,
    )


def _attachment(part: Part) -> Attachment:
    name = line_of(part.name)[:200]
    return Attachment(name or "unnamed", part.kind[:100], len(part.payload))


def line_of(text: str) -> str:
    """One line, without marks that turn the direction of writing; what is unreadable is shown as that."""
    text = re.sub(r"[\t\n\r\x0b\x0c\x85\u2028\u2029 ]+", " ", text)
    return re.sub(r"[\u200e\u200f]", "", _TURNS.sub("", _CONTROLS.sub("\ufffd", text))).strip()


def _tidy(piece: Piece, left: list[int]) -> Piece:
    """A piece whose text is fit to be shown, as long as there is room (``left``, characters)."""
    text = piece.text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    # A control is what a wrong character set makes of a letter: it is shown as unreadable, it does not vanish.
    text = _TURNS.sub("", _CONTROLS.sub("\ufffd", re.sub("[\x0b\x0c]", "\n", text)))
    text = re.sub(r"\n{4,}", "\n\n\n", text).strip("\n").rstrip()
    shown, left[0] = text[: max(left[0], 0)], left[0] - len(text)
    return replace(
        piece,
        text=shown,
        who="\n".join(line_of(line) for line in piece.who.split("\n"))[:2000],
        about=line_of(piece.about)[:500],
        when=line_of(piece.when)[:200],
        name=line_of(piece.name)[:200],
        pieces=tuple(_tidy(each, left) for each in piece.pieces),
    )
