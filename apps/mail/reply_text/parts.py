"""The parts of a mail (RFC 2046): what is shown, in which order, and what came along.

Parts of ``multipart/mixed`` follow each other; of ``multipart/alternative`` the one that says most is chosen; a mail
within a mail is marked with who wrote it.
"""

from __future__ import annotations

import email.message
import re
from dataclasses import dataclass, field
from datetime import tzinfo

from apps.mail import calendar_words, charsets, header_words, html_text, quoting
from apps.mail.reply_text.pieces import Piece

MAX_PARTS = 300
MAX_DEPTH = 12
MAX_BYTES = 4_000_000
"""Bytes of one text that are read."""
_ALIKE = 0.2
"""The share of its words that two versions of one mail may differ by: links, descriptions of pictures, footers."""
_WORD = re.compile(r"\w+")
_CALENDAR = {"text/calendar", "application/ics"}
_AS_FILE = {"text/csv", "text/vcard", "text/x-vcard", "text/directory", "text/xml", "text/markdown", "text/css"}
_REPORTS = {
    "message/delivery-status": "Delivery report",
    "message/global-delivery-status": "Delivery report",
    "message/disposition-notification": "Receipt",
    "message/global-disposition-notification": "Receipt",
    "message/feedback-report": "Complaint report",
    "text/rfc822-headers": "Head of the original message",
    "message/rfc822-headers": "Head of the original message",
}


@dataclass(frozen=True)
class Part:
    """Something that came along: its name, type and bytes."""

    name: str = field(repr=False)
    kind: str
    payload: bytes = field(repr=False)


@dataclass
class Budget:
    """How much of a mail is read, and what was found to come along."""

    zone: tzinfo
    attached: list[Part] = field(default_factory=list, repr=False)
    seen: int = 0
    is_spent: bool = False

    def takes(self, depth: int) -> bool:
        """Whether one more part is read."""
        self.seen += 1
        if self.seen > MAX_PARTS or depth > MAX_DEPTH:
            self.is_spent = True
            return False
        return True


def raw_field(message: email.message.Message, name: str) -> bytes:
    """The bytes of a header field, b"" when it is not there."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            return str(value).encode("utf-8", "surrogateescape")
    return b""


def body_of(message: email.message.Message, budget: Budget, subject: str, depth: int = 0) -> list[Piece]:
    """The pieces of a mail or of a part of it. May raise ``RecursionError`` for absurd nesting."""
    if not budget.takes(depth):
        return []
    kind = message.get_content_type()
    if kind in _REPORTS:
        return [_report(message, kind)]
    if kind in {"message/rfc822", "message/global"}:
        return _passed_on(message, budget, depth)
    children = _children(message)
    if not children:
        return _leaf(message, kind, budget, subject, alone=depth == 0)
    if kind == "multipart/alternative":
        return _best(children, budget, subject, depth)
    if kind == "multipart/related":
        children = _root_first(message, children)
    pieces: list[Piece] = []
    for child in children:
        pieces += body_of(child, budget, subject, depth + 1)
    return pieces


def _children(message: email.message.Message) -> list[email.message.Message]:
    # Asking a part without parts for its payload decodes it, by whatever its charset claims.
    payload = message.get_payload() if message.is_multipart() else []
    return [one for one in payload if isinstance(one, email.message.Message)]


def _root_first(message: email.message.Message, children: list[email.message.Message]) -> list[email.message.Message]:
    """The parts of ``multipart/related`` (RFC 2387): the one that ``start`` names, or the first, leads."""
    start = str(message.get_param("start") or "").strip(" <>")
    named = [one for one in children if start and str(one.get("Content-ID", "")).strip(" <>") == start]
    return [*named, *(one for one in children if one not in named)]


def _best(children: list[email.message.Message], budget: Budget, subject: str, depth: int) -> list[Piece]:
    """The version that says most; calendars beside it; and, folded, a version that says something else."""
    calendars: list[Piece] = []
    versions: list[tuple[str, list[Piece], set[str]]] = []
    for child in children:
        kind = child.get_content_type()
        pieces = body_of(child, budget, subject, depth + 1)
        calendars += [piece for piece in pieces if piece.kind == "calendar"]
        pieces = [piece for piece in pieces if piece.kind != "calendar"]
        said = {word for piece in pieces for word in _WORD.findall(_all_words(piece).lower())}
        if (said and kind not in {"text/x-amp-html", "text/watch-html"}) or (pieces and not versions):
            versions.append((kind, pieces, said))
    if not versions:
        return calendars
    plain = next((one for one in versions if one[0] == "text/plain"), versions[0])
    fullest = max(versions, key=lambda one: len(one[2]))
    # The plain words are the cleanest to read: they lead unless others say clearly more.
    chosen = plain if _missing(fullest[2], plain[2]) <= _ALIKE * len(fullest[2]) else fullest
    others = [
        Piece("other", pieces=tuple(pieces))
        for _, pieces, said in versions
        if pieces is not chosen[1] and _missing(said, chosen[2]) > _ALIKE * len(said)
    ]
    return [*chosen[1], *others, *calendars]


def _missing(said: set[str], chosen: set[str]) -> int:
    return len(said - chosen)


def _all_words(piece: Piece) -> str:
    return "\n".join((piece.text, piece.who, *(_all_words(each) for each in piece.pieces)))


def _leaf(message: email.message.Message, kind: str, budget: Budget, subject: str, *, alone: bool) -> list[Piece]:
    """A part without parts; ``alone`` when it is the whole mail: then its text is the letter, whatever it is called."""
    name = "" if alone and message.get_content_maintype() == "text" else _name(message)
    attached = not alone and message.get_content_disposition() == "attachment"
    # Parts whose seams nobody can find are read as they stand.
    kind = "text/plain" if kind.startswith("multipart/") else kind
    payload = _payload(message)
    if kind in _CALENDAR or (
        name.lower().endswith(".ics") and message.get_content_maintype() in {"text", "application"}
    ):
        if name or attached:
            budget.attached.append(Part(name, kind, payload))
        words = calendar_words.words_of(_text(message, payload), budget.zone)
        if words:
            return [Piece("calendar", words)]
        if not (name or attached):
            budget.attached.append(Part("calendar.ics", kind, payload))
        return []
    if not kind.startswith("text/") or attached or kind in {"text/rtf", "text/x-rtf"}:
        budget.attached.append(Part(name, kind, payload))
        return []
    text = _text(message, payload)
    if kind == "text/html":
        text = html_text.text_of(text)
    elif kind in {"text/enriched", "text/richtext"}:
        text = _enriched(text)
    elif kind == "text/plain":
        text = _flowed(message, text)
    if name or kind in _AS_FILE:
        # A file that the sender's program shows within the mail: who wrote it is not known.
        budget.attached.append(Part(name or kind, kind, payload))
        return [Piece("file", quoting.plain(text), name=name or kind)] if text.strip() else []
    return pieces_of(text, subject)


def pieces_of(text: str, subject: str, depth: int = 0) -> list[Piece]:
    """A text as pieces: own words, quotations, what was passed on (and what was passed on within that)."""
    found: list[Piece] = []
    for part in quoting.split(text, subject):
        if part.kind == "forwarded":
            inner = tuple(pieces_of(part.text, "", depth + 1)) if depth < quoting.MAX_DEPTH else ()
            rest = part.head if inner else f"{part.head}\n{part.text}".strip("\n")
            found.append(Piece("forwarded", rest, who=part.who, about=part.about, when=part.when, pieces=inner))
        elif part.kind == "quoted":
            found.append(Piece("quoted", part.text, who=part.head))
        else:
            found.append(Piece("words", part.text))
    return found


def _passed_on(message: email.message.Message, budget: Budget, depth: int) -> list[Piece]:
    """A mail within a mail: who wrote it stands above its words."""
    inner = _children(message)
    if not inner:
        payload = _payload(message)
        budget.attached.append(Part(_name(message) or "message.eml", message.get_content_type(), payload))
        return []
    first = inner[0]
    name, address = header_words.sender(raw_field(first, "From"))
    about = header_words.decode(raw_field(first, "Subject"))
    budget.attached.append(Part(_name(message) or "message.eml", message.get_content_type(), _bytes_of(first)))
    who = f"{name} <{address}>" if name and address else name or address
    return [
        Piece(
            "forwarded",
            who=who,
            about=about,
            when=header_words.decode(raw_field(first, "Date")),
            pieces=tuple(body_of(first, budget, about, depth + 1)),
        )
    ]


def _bytes_of(message: email.message.Message) -> bytes:
    try:
        return message.as_bytes()
    except (ValueError, LookupError, TypeError, AttributeError):
        return b""


def _report(message: email.message.Message, kind: str) -> Piece:
    """The fields of a mail system's report, as lines."""
    if message.is_multipart():
        groups = ["\n".join(_lines_of(group)) for group in _children(message)[:50]]
        text = "\n\n".join(group for group in groups if group)
    else:
        text = _text(message, _payload(message))
    return Piece("report", text, name=_REPORTS[kind])


def _lines_of(group: email.message.Message) -> list[str]:
    fields = [(key, str(value).encode("utf-8", "surrogateescape")) for key, value in group.raw_items()]
    lines = [f"{key}: {' '.join(header_words.decode(value).split())}" for key, value in fields[:60]]
    inner = charsets.decode(_payload(group))
    return [*lines, inner] if inner.strip() else lines


def _payload(message: email.message.Message) -> bytes:
    """The bytes of a part, its transfer encoding undone; as they are where that fails."""
    try:
        payload = message.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AssertionError):
        payload = None
    return payload if isinstance(payload, bytes) else b""


def _text(message: email.message.Message, payload: bytes) -> str:
    label = _parameter(message, "charset")
    return charsets.decode(payload[:MAX_BYTES], label, markup=message.get_content_type() == "text/html")


def _parameter(message: email.message.Message, name: str) -> str:
    try:
        found = message.get_param(name)
    except (ValueError, LookupError, TypeError):
        return ""
    return str(found[2] if isinstance(found, tuple) else found or "")


def _name(message: email.message.Message) -> str:
    """The file name of a part, its encoded words decoded too (which no standard allows there and many write)."""
    for field_name in ("Content-Disposition", "Content-Type"):
        raw = raw_field(message, field_name)
        # Bytes that are no ASCII make a field that the library does not take apart.
        if raw and not raw.isascii():
            text = charsets.decode(raw)
            del message[field_name]
            message[field_name] = re.sub(r"[\r\n]+\s*", " ", text)
    try:
        found = message.get_filename() or ""
    except (ValueError, LookupError, TypeError):
        return ""
    return header_words.decode(str(found).encode("utf-8", "surrogateescape")).replace("/", "_").replace("\\", "_")


def _flowed(message: email.message.Message, text: str) -> str:
    """A paragraph on one line again (RFC 3676), where the mail says that its lines may be joined."""
    if _parameter(message, "format").lower() != "flowed":
        return text
    joins = "" if _parameter(message, "delsp").lower() == "yes" else " "
    lines: list[str] = []
    open_depth: int | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        body = line.lstrip(">")
        depth = len(line) - len(body)
        body = body[1:] if body.startswith(" ") else body
        flows = body.endswith(" ") and body != "-- "
        body = body[:-1] if flows else body
        if open_depth == depth and lines:
            lines[-1] += joins + body
        else:
            lines.append(f"{'>' * depth} {body}" if depth else body)
        open_depth = depth if flows else None
    return "\n".join(lines)


def _enriched(text: str) -> str:
    """Enriched text (RFC 1896): commands go, a doubled "<" is one."""
    text = re.sub(r"(?is)<param>.{0,500}?</param>", "", text)
    text = re.sub(r"<<|</?[A-Za-z][A-Za-z0-9-]{0,60}>", lambda found: "<" if found.group() == "<<" else "", text)
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text.replace("\r\n", "\n"))
