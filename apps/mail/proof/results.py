"""Authentication-Results of our own MX (RFC 8601): read, and believed from nobody else. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_WORDS = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s;="]+)|([;=])')
_DEPTH = 20


@dataclass(frozen=True)
class Result:
    """What was found by one method: ``dkim``, ``pass``, and properties such as ``header.d``."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)


# As Postfix and Sendmail write it: the greeting is the sender's word, the address between brackets our MX's.
_HANDED_OVER = re.compile(
    r"from\s+(\S+)\s+\(\S+\s+\[(?:IPv6:)?([0-9a-fA-F:.]+)\]\)(?:\s+\([^()]*\))*\s+by\s+(\S+)", re.IGNORECASE
)


def sending_server(fields: Iterable[tuple[str, str]], names: Iterable[str]) -> tuple[str, str]:
    """Address and greeting of the server that handed the letter to our MX, by the topmost Received; empty if untold.

    It is believed only when one of our ``names`` wrote it: whoever wrote another one wrote what he liked.
    """
    value = next((value for name, value in fields if name.lower() == "received"), "")
    found = _HANDED_OVER.match(value[:2048].strip())
    if found is None or found[3].rstrip(".;").lower() not in {name.lower() for name in names}:
        return "", ""
    return found[2], found[1]


def of_our_own(fields: Iterable[tuple[str, str]], names: Iterable[str]) -> list[Result]:
    """The results in fields with one of our ``names`` (the authserv-id, case ignored), by header ``fields`` in order.

    Our MX stands directly before us, so its field stands above the second Received; what stands below came with the
    letter, whatever name it bears. That the MX takes away foreign fields with its name is its duty (section 5); should
    it not, its own stand above them: the topmost field that tells of a method is the only one that does.
    """
    ours = {name.lower() for name in names}
    found: list[Result] = []
    received = 0
    for name, value in fields:
        lower = name.lower()
        if lower == "received":
            received += 1
            if received > 1:
                break
        elif lower == "authentication-results":
            server, results = parse(value)
            if server in ours:
                told = {one.method for one in found}
                found += [one for one in results if one.method not in told]
    return found


def parse(value: str) -> tuple[str, list[Result]]:
    """Who says so (lower case; empty when the field cannot be read), and what."""
    plain = _without_comments(value[:8192])
    if plain is None:
        return "", []
    pieces = _split(plain)
    if not pieces or not pieces[0]:
        return "", []
    server = pieces[0][0]
    if server in {";", "="} or (len(pieces[0]) > 1 and pieces[0][1] != "1"):
        return "", []
    return server.lower(), [result for piece in pieces[1:] if (result := _result(piece)) is not None]


def _result(words: Sequence[str]) -> Result | None:
    if len(words) < 3 or words[1] != "=":
        return None
    method = words[0].partition("/")[0].lower()
    properties: dict[str, str] = {}
    at = 3
    while at + 2 < len(words):
        if words[at + 1] != "=":
            at += 1
            continue
        properties.setdefault(words[at].lower(), words[at + 2])
        at += 3
    return Result(method, words[2].lower(), properties)


def _split(text: str) -> list[list[str]]:
    pieces: list[list[str]] = [[]]
    for quoted, word, sign in _WORDS.findall(text):
        if sign == ";":
            pieces.append([])
        else:
            pieces[-1].append(word or sign or re.sub(r"\\(.)", r"\1", quoted))
    return pieces


def _without_comments(text: str) -> str | None:
    """The text without (comments (in comments)); None when they do not end."""
    out: list[str] = []
    depth, quoted, escaped = 0, False, False
    for letter in text:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter == "(" and not quoted:
            depth += 1
            if depth > _DEPTH:
                return None
            continue
        elif letter == ")" and depth and not quoted:
            depth -= 1
            out.append(" ")
            continue
        if not depth:
            out.append(letter)
    return None if depth or quoted else "".join(out)
