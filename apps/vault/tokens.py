"""Search tokens: HMAC-SHA256 of field and value under the index key.

A token shows that two rows share a value, and nothing else: neither the value, nor which values are near each other.
What equal tokens still tell is written down in docs/security.md.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache

from apps.core import folding, keyed
from apps.vault import keys

PREFIX_LENGTHS = range(2, 5)


def normalize(value: str) -> str:
    """The form in which words are compared: compatibility-composed, case-folded, single spaces, no marks."""
    if value.isascii():
        return " ".join(value.casefold().split())
    folded = unicodedata.normalize("NFKD", value).casefold()
    bare = "".join(character for character in folded if not unicodedata.combining(character))
    return " ".join(bare.split())


def token63(field: str, value: str) -> int:
    """A 63-bit token, for ``bigint`` columns and arrays. ``value`` is taken as it is: normalize words first."""
    return int.from_bytes(_digest(field, value)[:8], "big") >> 1


def token128(field: str, value: str) -> bytes:
    """A 128-bit token of 16 bytes, for identity look-ups where uniqueness is a constraint."""
    return _digest(field, value)[:16]


@lru_cache(maxsize=50_000)
def word_tokens(field: str, text: str) -> tuple[int, ...]:
    """Tokens of a name: the whole, each word, and each word's prefixes of 2 to 4 letters."""
    words = folding.words(text)
    if not words:
        return ()
    found = set() if len(words) == 1 else {token63(field, folding.fold_words(text))}
    for word in words:
        found.update(_word(field, word))
    return tuple(sorted(found))


@lru_cache(maxsize=50_000)
def _word(field: str, word: str) -> tuple[int, ...]:
    return (token63(field, word), *prefix_tokens(field, word))


@lru_cache(maxsize=50_000)
def shared63(field: str, value: str) -> int:
    """``token63`` for values that many people share (towns, states, sexes): bulk work meets them again."""
    return token63(field, value)


def prefix_tokens(field: str, word: str) -> list[int]:
    """Tokens of the prefixes of 2 to 4 letters of a normalized word."""
    return [token63(f"{field}^", word[:length]) for length in PREFIX_LENGTHS if len(word) >= length]


def search_token(field: str, text: str) -> int:
    """The token that finds what a person typed: a prefix when it has 2 to 4 letters, else the whole word."""
    return _search_token(field, folding.fold_words(text))


def older_search_token(field: str, text: str) -> int:
    """``search_token`` for search values of the first generation."""
    return _search_token(field, normalize(text))


def _search_token(field: str, word: str) -> int:
    if len(word) in PREFIX_LENGTHS:
        return token63(f"{field}^", word)
    return token63(field, word)


@lru_cache(maxsize=200_000)
def day_token(field: str, day: date) -> int:
    """One keyed value of a day."""
    return token63(f"{field}/day", day.isoformat())


@lru_cache(maxsize=4_000)
def month_day_token(field: str, day: date) -> int:
    """One keyed value of month and day, for anniversaries."""
    return token63(f"{field}/month-day", f"{day.month:02}-{day.day:02}")


def day_range(field: str, first: date, last: date) -> list[int]:
    """The tokens of every day from ``first`` to ``last``, both included, in an order that says nothing."""
    return list(_day_range(field, first, last))


@lru_cache(maxsize=16)
def _day_range(field: str, first: date, last: date) -> tuple[int, ...]:
    # A century is 36,525 days: gathering them costs as much as the count itself, and a live count asks again at once.
    count = (last - first).days + 1
    return tuple(sorted(day_token(field, first + timedelta(days=number)) for number in range(max(count, 0))))


def many63(field: str, values: Iterable[str]) -> list[int]:
    """Tokens of several values of one field, without repeats."""
    return sorted({token63(field, value) for value in values})


def _digest(field: str, value: str) -> bytes:
    return keyed.digest(keys.ring().index, _prefix(field), value.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=1_000)
def _prefix(field: str) -> bytes:
    return f"{field}\x1f".encode("utf-8", "surrogatepass")
