"""The forms in which words of people are compared. Pure.

Searching must find Łukasz by what a keyboard types, and O’Brien however the apostrophe was set. Two forms: `fold` keeps
every character that tells values apart ("A-" is no "A"), `words` lets names and places meet without punctuation.
`normalize` of the vault is the older form, under which search values of the first generation were written and names
of segments and templates still are.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_MARKS = {
    # Apostrophes, primes and the letters of Hawaiian, Arabic and Hebrew that look like them.
    **dict.fromkeys("‘’‛`´ʹʻʼʽʾʿˈˊˋ′‵＇՚׳ꞌ", "'"),
    # Hyphens and dashes.
    **dict.fromkeys("‐‑‒–—―−⁃﹘﹣－־⸗", "-"),
    # What nobody sees: soft hyphen, zero-width characters, marks of direction.
    **dict.fromkeys("\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"),
}  # fmt: skip
_ALIKE = str.maketrans(_MARKS)
_LETTERS = str.maketrans(_MARKS | {
    "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n",
    "ə": "a", "ɨ": "i", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y", "ȷ": "j", "ƒ": "f",
})  # fmt: skip
_PUNCTUATION = str.maketrans({"'": None, ".": None, ",": " ", "-": " "})


def fold(value: str) -> str:
    """Case, marks, letters of other alphabets' making, kinds of apostrophes and dashes do not count."""
    if value.isascii():
        return " ".join(value.casefold().split())
    # Before the decomposition, which makes an accent of its own a space with a mark.
    folded = unicodedata.normalize("NFKD", value.translate(_LETTERS)).casefold()
    bare = "".join(character for character in folded if not unicodedata.combining(character))
    return " ".join(bare.translate(_LETTERS).split())


def fold_words(value: str) -> str:
    """``fold`` without punctuation: apostrophes and full stops are away, dashes and commas part words."""
    return " ".join(fold(value).translate(_PUNCTUATION).split())


def bare_words(value: str) -> list[str]:
    """The words of ``value`` as they are written, without punctuation."""
    return value.translate(_ALIKE).translate(_PUNCTUATION).split()


@lru_cache(maxsize=50_000)
def words(value: str) -> tuple[str, ...]:
    """The words by which a name is found: those of ``fold_words``, and what stands behind an apostrophe (O'Brien)."""
    if value.isascii() and value.isalpha():
        return (value.casefold(),)
    folded = fold(value)
    found = folded.translate(_PUNCTUATION).split()
    if "'" in folded:
        found += [word for word in fold_words(folded.replace("'", " ")).split() if len(word) > 1]
    return tuple(dict.fromkeys(found))


def squeezed(value: str) -> str:
    """``fold`` with letters and digits alone: "nm 6" is "NM-6"."""
    return "".join(character for character in fold(value) if character.isalnum())
