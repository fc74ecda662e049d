"""Whole numbers out of what a browser sent: pure.

``str.isdigit`` says yes to "²", which ``int`` refuses; ``int`` refuses five thousand digits; and the database refuses
what is larger than its columns. A number of ours is none of that.
"""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")
LONGEST = 18
"""Digits; any number of so many fits a bigint."""
NOTHING_SEEN = -1
"""What a form saw that does not say which version, or which submission, it was made from: none has this number, so
its change is refused as one made of an old page is, instead of passing unchecked."""


def seen(version: int | None) -> int:
    """The version a form was made from, or ``NOTHING_SEEN`` when it does not say."""
    return NOTHING_SEEN if version is None else version


def whole(text: object, fallback: T) -> int | T:
    """The whole number (0 or more) that ``text`` writes in plain digits, else ``fallback``."""
    words = str(text)
    return int(words) if words.isascii() and words.isdecimal() and len(words) <= LONGEST else fallback
