"""The usual values of encoder version 1 in one pass: the same bytes as `v1` makes in three, as text.

Sending fills some thirty slots a message. Nearly all values are short and without control characters, so that
making them harmless, escaping and encoding is one table look-up a character; everything else goes to `v1` itself.
A property test holds both ways together, and `v1` stays what decides.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from apps.mail.encoders import v1

_SOFT = v1.SOFT.decode("ascii")
_ROOM = v1.LINE - 1
# Tables learn a character when they first meet it; a hostile import must not make them grow for ever.
_MOST_CHARACTERS = 4096


class _Unusual(ValueError):
    """A character that version 1 changes or breaks lines at."""


class _Table(dict[int, str]):
    """Code point to final text, for `str.translate`."""

    def __init__(self, escape: Callable[[str], str]) -> None:
        super().__init__()
        self._escape = escape

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if character == "\n" or v1.canonical(character) != character:
            raise _Unusual
        made = "".join(v1.TOKENS[octet] for octet in self._escape(character).encode("utf-8"))
        if len(self) < _MOST_CHARACTERS:
            self[code] = made
        return made


_WORD = dict(enumerate(v1.Q_TOKENS))
_TEXT = _Table(str)
_HTML = _Table(v1.escape_html)


def text(value: str) -> str:
    """`v1.run(v1.canonical(value))`."""
    return _run(value, _TEXT) or v1.run(v1.canonical(value)).decode("ascii")


def html(value: str) -> str:
    """`v1.run(v1.escape_html(v1.canonical(value)))`."""
    return _run(value, _HTML) or v1.run(v1.escape_html(v1.canonical(value))).decode("ascii")


def attribute(value: str) -> str:
    """`v1.run(v1.escape_attribute(v1.canonical(value)))`."""
    return _run(value, _HTML) or v1.run(v1.escape_attribute(v1.canonical(value))).decode("ascii")


def address(name: str, display: str, mailbox: str) -> bytes:
    """`v1.address`: a display name with letters beyond ASCII that fits one encoded word needs no search for its end."""
    shown = "" if display.isascii() else v1.header_text(display)
    if not shown.isascii():
        octets = shown.encode("utf-8")
        beyond = len(shown) - len(shown.encode("ascii", "ignore"))
        used = len(name) + 2
        if beyond * 3 > len(shown):
            word = f"=?utf-8?B?{b64encode(octets).decode('ascii')}?="
        else:
            word = f"=?utf-8?Q?{octets.decode('latin-1').translate(_WORD)}?="
        if len(word) + used <= v1.LINE - 1:
            box = v1.mailbox_text(mailbox)
            start = f"{name}: {word}"
            gap = " " if len(start) + len(box) + 3 <= v1.LINE else "\r\n "
            return f"{start}{gap}<{box}>\r\n".encode("ascii")
    return v1.address(name, display, mailbox)


def _run(value: str, table: _Table) -> str:
    """The finished run, or "" when `v1` has to look at the value."""
    try:
        made = value.translate(table)
    except _Unusual:
        return ""
    if len(made) <= _ROOM:
        return made + _SOFT if made and made[0] != "." and not made.startswith("From ") else ""
    if "=" in made:
        return ""
    # Every octet stands for itself (links): full lines, unless one begins with what has to be guarded.
    lines = [made[start : start + _ROOM] for start in range(0, len(made), _ROOM)]
    if any(line[0] == "." or line.startswith("From ") for line in lines):
        return ""
    return _SOFT.join(lines) + _SOFT
