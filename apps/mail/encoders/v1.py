"""Encoder version 1: from a value to the final bytes of a slot. Frozen: never edit this module.

Three steps, always in this order: `canonical` makes any Python string a harmless one, an escape function fits
it to its context, and `run` (bodies) or the header functions make bytes with CRLF line ends and lines of at
most 76 octets.

Bodies are quoted-printable (RFC 2045 section 6.7). Every run begins at the start of a line and ends in a soft
line break, so runs can be put side by side in any number. A dot or "From " at the start of a line is written
encoded, so that a transport which gets dot-stuffing or mbox quoting wrong still cannot change the text. The
sequence "=_" never comes out of `run`, which is why boundaries contain it.

Headers are RFC 5322 and RFC 2047. A carriage return, line feed or NUL there is an attack or a broken record:
it raises `UnsafeHeader` and the message is held, nothing is repaired.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime
from urllib.parse import quote, urlsplit

import idna

from apps.mail.compiled import UnsafeHeader, UnsafeLink

SOFT = b"=\r\n"
LINE = 76

# --- harmless text

_PLAIN = re.compile(r"[ -~\u00a0-\u0600\n]*\Z")
_BREAKS = re.compile("\r\n|[\r\v\f\u0085\u2028\u2029]")
# Control characters (tab and newline excepted), lone surrogates and noncharacters.
_BAD = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Embeddings, overrides and isolates: left open they would turn round the author's text that follows.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def canonical(value: str) -> str:
    """`value` as it may stand in a message: one kind of line break, no controls, no lone surrogates.

    Line breaks of any kind become "\\n", other control characters and lone surrogates U+FFFD (visible, not
    lost in silence), explicit directional controls are dropped. Letters of every script stay as they are.
    """
    if _PLAIN.match(value):
        return value
    return _BAD.sub("\ufffd", _BIDI.sub("", _BREAKS.sub("\n", value)))


# --- escaping

_MARKUP = re.compile("[&<>\"'`]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;"}


def escape_html(text: str) -> str:
    """`text` between tags."""
    if _MARKUP.search(text) is None:
        return text
    return _MARKUP.sub(lambda found: _ENTITIES[found[0]], text)


def escape_attribute(text: str) -> str:
    """`text` inside a quoted attribute value; line breaks become spaces."""
    return escape_html(text.replace("\n", " "))


def url_value(text: str) -> str:
    """`text` as one component of a URL: everything but unreserved characters percent-encoded (RFC 3986)."""
    return quote(text, safe="")


_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_URL_SAFE = ":/?#[]@!$&'()*+,;=%~-._"
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_URL_BAD = re.compile('[\x00- <>"\\\\^`{|}\x7f-\xa0]|\\s')
# What nearly every link looks like: safe, and already as it has to be written.
_URL_USUAL = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][A-Za-z0-9/?#!$&'()*+,;=:%~._-]*)?\Z")


def safe_link(url: str) -> str:
    """A whole link target in ASCII, or `UnsafeLink`.

    Only http, https, mailto and tel; http and https need a host and no user name (a phishing trick). White
    space and control characters anywhere refuse, because readers strip them and would find another scheme.
    """
    if _URL_USUAL.match(url):
        return url
    if _URL_BAD.search(url):
        raise UnsafeLink("link.malformed", "A link holds spaces, quotes or control characters. Correct the link.")
    scheme = _SCHEME.match(url)
    if scheme is None or scheme[1].lower() not in _SCHEMES:
        raise UnsafeLink(
            "link.scheme_not_allowed", "A link must begin with https://, http://, mailto: or tel:. Correct the link."
        )
    if scheme[1].lower() in ("http", "https"):
        try:
            parts = urlsplit(url)
            host = parts.hostname
        except ValueError:
            host = None
        if not host or not url[scheme.end() :].startswith("//") or "@" in parts.netloc:
            raise UnsafeLink("link.without_host", "A link has no proper host name. Correct the link.")
    return quote(url, safe=_URL_SAFE)


# --- quoted-printable

_SAFE = frozenset(range(33, 127)) - {61} | {9, 32}
TOKENS = [chr(b) if b in _SAFE else f"={b:02X}" for b in range(256)]
# A short value that is its own encoding: nearly all of them.
_SELF = re.compile(r"(?![.]|From )[ -<>-~]{1,75}\Z")


def run(text: str) -> bytes:
    """`text` as one quoted-printable run of UTF-8: starts at the start of a line, ends in a soft line break.

    Empty text is an empty run. "\\n" becomes a line break. All lines have at most 76 octets without their
    CRLF.
    """
    if _SELF.match(text):
        return text.encode("ascii") + SOFT
    if not text:
        return b""
    if len(text) < LINE and "\n" not in text and text[0] not in ".F":
        line = "".join(map(TOKENS.__getitem__, text.encode("utf-8", "replace")))
        if len(line) < LINE:
            return line.encode("ascii") + SOFT
    lines: list[str] = []
    segments = text.split("\n")
    for number, segment in enumerate(segments):
        _lines(segment, hard=number < len(segments) - 1, out=lines)
    return "".join(lines).encode("ascii")


def _lines(segment: str, *, hard: bool, out: list[str]) -> None:
    """Encode one line of text; `hard` ends it with CRLF, otherwise it ends in a soft break."""
    tokens = [TOKENS[b] for b in segment.encode("utf-8", "replace")]
    if hard and tokens and tokens[-1] in (" ", "\t"):
        tokens[-1] = f"={ord(tokens[-1]):02X}"  # trailing white space does not survive transport
    if not tokens:
        if hard:
            out.append("\r\n")
        return
    position, count = 0, len(tokens)
    while position < count:
        line = _guarded(tokens, position)
        position += 1
        # Most tokens are one octet: take as many as surely fit, then go on one by one.
        while position < count:
            room = LINE - 1 - len(line)
            if room < 3:
                if room < len(tokens[position]):
                    break
                line += tokens[position]
                position += 1
                continue
            taken = tokens[position : position + max(1, room // 3)]
            line += "".join(taken)
            position += len(taken)
        out.append(line)
        out.append("=\r\n" if position < count or not hard else "\r\n")


def _guarded(tokens: list[str], position: int) -> str:
    """The first token of a line: a dot and the F of "From " are encoded."""
    if tokens[position] == ".":
        return "=2E"
    if tokens[position : position + 5] == ["F", "r", "o", "m", " "]:
        return "=46"
    return tokens[position]


# --- headers

_FORBIDDEN = re.compile("[\r\n\x00]")
_SPACES = re.compile(r"[\s\u00a0]+")
# RFC 2047 section 5 (3): what may stand as itself in an encoded word, even in a phrase.
_Q_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
Q_TOKENS = [chr(b) if b in _Q_SAFE else ("_" if b == 32 else f"={b:02X}") for b in range(256)]
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+\Z")


def header_text(value: str) -> str:
    """`value` as a header shows it, white space collapsed. Raises `UnsafeHeader` on CR, LF or NUL."""
    if _FORBIDDEN.search(value):
        raise UnsafeHeader(
            "message.header_unsafe",
            "A value for a header holds a line break or a NUL. Correct the record or the template.",
        )
    return _SPACES.sub(" ", canonical(value)).strip()


def unstructured(name: str, value: str) -> bytes:
    """One header line such as Subject, folded, with its CRLF. Non-ASCII text becomes encoded words."""
    text = header_text(value)
    if _is_plain(text):
        return _fold_plain(name, text)
    return f"{name}: ".encode("ascii") + _encoded_words(text, len(name) + 2) + b"\r\n"


def address(name: str, display: str, mailbox: str) -> bytes:
    """One header line with one mailbox (From, To, Reply-To), with its CRLF.

    Raises `UnsafeHeader` when the display name or address holds CR, LF or NUL or the address is not one
    mailbox.
    """
    box = mailbox_text(mailbox)
    text = header_text(display)
    if not text:
        return (
            f"{name}: {box}\r\n".encode("ascii")
            if len(name) + 2 + len(box) <= LINE
            else (f"{name}:\r\n {box}\r\n".encode("ascii"))
        )
    if text.isascii() and "=?" not in text and len(text) <= 60:
        phrase = (text if _ATOMS.match(text) else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"').encode("ascii")
    else:
        phrase = _encoded_words(text, len(name) + 2)
    start = f"{name}: ".encode("ascii") + phrase
    tail = f"<{box}>\r\n".encode("ascii")
    room = LINE - (len(start) - (start.rfind(b"\n") + 1))
    return start + (b" " if len(tail) - 1 <= room else b"\r\n ") + tail


_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*\Z")


def mailbox_text(mailbox: str) -> str:
    """One address in ASCII with its domain as A-labels (RFC 5321 limits: local part 64, path 254 octets).

    Raises `UnsafeHeader`. Quoted local parts, comments, routes and domain literals are refused: each of them
    is a way of hiding a second address. A non-ASCII local part would need SMTPUTF8 and is refused here.
    """
    local, at, domain = mailbox.rpartition("@")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            at = ""
    good = at and len(local) <= 64 and len(domain) <= 255 and len(local) + len(domain) <= 253
    if not good or not _LOCAL.match(local) or not _DOMAIN.match(domain) or "=?" in local:
        raise UnsafeHeader("address.malformed", "An e-mail address is not a single plain mailbox. Correct the address.")
    return f"{local}@{domain}"


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date(moment: datetime) -> bytes:
    """The Date header of an aware `moment`, with its CRLF (RFC 5322 section 3.3)."""
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("a date needs a zone")
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    zone = f"{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return (
        f"Date: {_DAYS[moment.weekday()]}, {moment.day:02d} {_MONTHS[moment.month - 1]} {moment.year:04d} "
        f"{moment.hour:02d}:{moment.minute:02d}:{moment.second:02d} {zone}\r\n"
    ).encode("ascii")


_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+\Z")


def message_id(value: str) -> bytes:
    """The Message-ID header, with its CRLF. Raises `UnsafeHeader` unless it is one id without brackets."""
    if len(value) > 200 or not _MESSAGE_ID.match(value):
        raise UnsafeHeader(
            "message.id_malformed", "The Message-ID is malformed. This is a fault of the software: report it."
        )
    return f"Message-ID: <{value}>\r\n".encode("ascii")


def list_unsubscribe(url: str) -> bytes:
    """List-Unsubscribe and List-Unsubscribe-Post (RFC 8058 section 3.1), with their CRLFs."""
    link = safe_link(url)
    if len(link) > 900 or not link.lower().startswith(("https://", "http://")):
        raise UnsafeHeader(
            "message.unsubscribe_not_https",
            "The unsubscribe address must be one https address. Correct the public address.",
        )
    return f"List-Unsubscribe: <{link}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode("ascii")


def _is_plain(text: str) -> bool:
    """Whether `text` can stand in a header as itself: ASCII, short words, nothing like an encoded one."""
    return text.isascii() and "=?" not in text and all(len(word) <= 60 for word in text.split(" "))


def _fold_plain(name: str, text: str) -> bytes:
    line = f"{name}:"
    lines: list[str] = []
    for word in text.split(" "):
        if len(line) + 1 + len(word) > LINE and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {word}"
    lines.append(line)
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _encoded_words(text: str, used: int) -> bytes:
    """`text` as encoded words of whole characters, one a line; `used` octets of the first line are taken."""
    base64 = sum(ch > "~" for ch in text) * 3 > len(text)
    words: list[str] = []
    room = LINE - 1 - used
    chunk = ""
    size = 0  # octets of UTF-8 (B) or of encoded text (Q)
    for ch in text:
        octets = ch.encode("utf-8")
        cost = len(octets) if base64 else sum(len(Q_TOKENS[b]) for b in octets)
        full = 4 * ((size + cost + 2) // 3) if base64 else size + cost
        if chunk and full + 12 > room:
            words.append(_word(chunk, base64))
            chunk, size, room = "", 0, LINE - 2
        chunk += ch
        size += cost
    words.append(_word(chunk, base64))
    return "\r\n ".join(words).encode("ascii")


def _word(chunk: str, base64: bool) -> str:
    octets = chunk.encode("utf-8")
    if base64:
        return f"=?utf-8?B?{b64encode(octets).decode('ascii')}?="
    return f"=?utf-8?Q?{''.join(Q_TOKENS[b] for b in octets)}?="
