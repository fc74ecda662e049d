"""Readers that share no code with what they check: a mail parser written from the RFCs, and an HTML5 parser."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

from bleach._vendor import html5lib


@dataclass
class Mail:
    """Unfolded headers in order (decoded), and the bodies by media type."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    bodies: dict[str, str] = field(default_factory=dict)

    def one(self, name: str) -> str:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) == 1, (name, found)
        return found[0]


def _split(raw: bytes) -> tuple[list[tuple[str, str]], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    unfolded = re.sub(rb"\r\n(?=[ \t])", b"", head)
    headers = []
    for line in unfolded.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        assert colon, line
        assert re.fullmatch(rb"[!-9;-~]+", name), line
        headers.append((name.decode(), value.decode("ascii").strip(" ")))
    return headers, body


def decode_words(value: str) -> str:
    """RFC 2047 section 6.2: white space between encoded words is dropped."""
    value = re.sub(r"(\?=)[ \t]+(?==\?)", r"\1", value)

    def word(found: re.Match[str]) -> str:
        if found[1].upper() == "B":
            return b64decode(found[2]).decode()
        return decode_qp(found[2].replace("_", " ").encode()).decode()

    return re.sub(r"=\?utf-8\?([BQ])\?([^?]*)\?=", word, value)


def decode_qp(raw: bytes) -> bytes:
    """RFC 2045 section 6.7."""
    raw = re.sub(rb"[ \t]+(?=\r\n)", b"", raw).replace(b"=\r\n", b"")
    return re.sub(rb"=([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), raw)


def read(raw: bytes) -> Mail:
    headers, body = _split(raw)
    mail = Mail([(name, decode_words(value)) for name, value in headers])
    boundary = re.fullmatch(r'multipart/alternative; boundary="([^"]+)"', mail.one("Content-Type"))
    assert boundary, mail.one("Content-Type")
    start, *parts, end = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode())
    assert start == b""
    assert end == b"--\r\n"
    for part in parts:
        inner, text = _split(part.removeprefix(b"\r\n"))
        kinds = dict(inner)
        assert kinds["Content-Transfer-Encoding"] == "quoted-printable"
        assert kinds["Content-Type"].endswith("; charset=utf-8")
        mail.bodies[kinds["Content-Type"].partition(";")[0]] = decode_qp(text).decode()
    return mail


def html_tree(html: str) -> Any:
    """The document as a browser would build it."""
    return html5lib.parse(html, namespaceHTMLElements=False)


def shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes, in order: what a merged value may never change."""
    return [
        (str(element.tag), tuple(sorted(element.attrib)))
        for element in html_tree(html).iter()
        if isinstance(element.tag, str)
    ]
