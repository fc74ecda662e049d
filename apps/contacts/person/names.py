"""Names of people: what stands in one cell taken apart, and names in capitals written as people write them.

Pure. A whole name is read by the `nameparser` library, whose lists of titles, suffixes, degrees and particles know both
sides of words that are either (``Van Johnson``, ``Anna Do``, ``Jack Ma``). Names of plain words, nearly all of a list,
are told without it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from nameparser import Lexicon, Parser, Policy

_ORDINALS = ("2nd", "3rd", "4th", "5th")
_NO_TITLES = ("ma", "md", "saint")
"""What the library takes for titles: María and Muhammad in short, and the saint whom towns and families are called
after."""


@dataclass(frozen=True, slots=True)
class FullName:
    """The parts of a name, each perhaps "". ``suffix`` has generations and degrees as they were written."""

    first: str = ""
    last: str = ""
    middle: str = ""
    prefix: str = ""
    suffix: str = ""

    def fields(self) -> dict[str, str]:
        """The parts by the names of the fields of a profile, without empty ones."""
        parts = {
            "prefix": self.prefix,
            "first_name": self.first,
            "middle_name": self.middle,
            "last_name": self.last,
            "suffix": self.suffix,
        }
        return {name: part for name, part in parts.items() if part}


def split_name(full: str, *, two_families: bool = False) -> FullName:
    """The parts of “First Middle Last”, “Last, First Middle” or one of them with titles, suffixes and degrees.

    With ``two_families`` the last two names are family names, as in Spanish ("Gabriel García Márquez"). A name of one
    word is a family name: nobody is greeted by it. No word is lost: a nickname stands with the middle names.
    """
    bare = " ".join(full.split())
    plain = None if two_families else _plain(bare)
    return plain or _parsed(_ordered(bare), two_families)


def _plain(full: str) -> FullName | None:
    """A name of two or three plain words, none of which might be more than a name; None for any other."""
    ahead, comma, rest = full.partition(", ")
    words = [ahead, *rest.split(" ")] if comma else full.split(" ")
    if not 2 <= len(words) <= 3:
        return None
    listed, middle = _vocabulary(), ""
    if len(words) == 3:
        middle = words.pop() if comma else words.pop(1)
        bare = middle[:-1] if len(middle) == 2 and middle[1] == "." else middle
        if not bare.isalpha() or middle.lower() in listed:
            return None
    for word in words:
        if len(word) < 2 or not (word.isalpha() or word.translate(_JOINTS).isalpha()) or word.lower() in listed:
            return None
    return FullName(words[1], words[0], middle) if comma else FullName(words[0], words[1], middle)


_JOINTS = str.maketrans("", "", "'’-")


_GENERATIONS = frozenset(["jr", "sr", "jnr", "snr", "ii", "iii", "iv", "2nd", "3rd", "4th", "5th", "esq"])


def without_suffix(last: str) -> tuple[str, str]:
    """A family name as a list has it, and the suffix behind it, or "": “Smith Jr.”, “Smith, MD”.

    Without a comma only generations and degrees that are nobody's name: “Silva Junior” and “Yo-Yo Ma” keep theirs.
    """
    name, comma, behind = last.partition(",")
    found = behind.split() if comma else []
    if not name.strip() or not all(_is_suffix(word.strip(",")) for word in found):
        return last, ""
    words = name.split()
    while len(words) > 1 and _is_behind(words[-1]):
        found.insert(0, words.pop())
    return (" ".join(words), " ".join(found)) if found else (last, "")


def _is_behind(word: str) -> bool:
    bare = word.replace(".", "").lower()
    ambiguous = _lexicon().suffix_acronyms_ambiguous
    return bare in _GENERATIONS or (bare.upper() in _DEGREES and bare not in ambiguous and not word.islower())


def _ordered(full: str) -> str:
    """“Last, MD, First” with the degree behind, and without empty places between commas."""
    if "," not in full:
        return full
    parts = [part for each in full.split(",") if (part := each.strip())]
    suffixes = [part for part in parts[1:] if all(_is_suffix(word) for word in part.split())]
    names = [part for part in parts if part not in suffixes]
    return ", ".join(names + suffixes if len(names) == 2 and parts[-1] in names else parts)


def _is_suffix(word: str) -> bool:
    bare = word.replace(".", "").lower()
    known = _lexicon()
    return bare in known.suffix_words or bare in known.suffix_acronyms


def _parsed(full: str, two_families: bool) -> FullName:
    found = _parser(two_families).parse(full)
    first, last, suffix = found.given, found.family, found.suffix
    if not last and suffix.lower() in _lexicon().suffix_acronyms_ambiguous:
        # Many write family names in capitals: "Jack MA" is called Ma, not a Master of Arts without a family.
        last, suffix = suffix, ""
    if not last and " " not in full.strip(", "):
        first, last = "", first
    if not first and not last:
        return FullName(last=full)
    title = found.title
    if title.rstrip(".").lower() in _NO_TITLES:
        title, first = "", f"{title} {first}".strip()
    middle = " ".join(part for part in (found.middle, _aside(found.nickname), _aside(found.maiden)) if part)
    return FullName(first, last, middle, title, suffix)


def _aside(name: str) -> str:
    return f"({name})" if name else ""


@lru_cache(maxsize=2)
def _parser(two_families: bool) -> Parser:
    return Parser(lexicon=_lexicon(), policy=Policy(two_family_names=two_families))


@lru_cache(maxsize=1)
def _lexicon() -> Lexicon:
    more = Lexicon.default().remove(titles={*_ORDINALS, *_NO_TITLES}).add(suffix_words=set(_ORDINALS))
    return more.add(suffix_acronyms={word.lower() for word in (*_DEGREES, *_ON_BADGES)})


@lru_cache(maxsize=1)
def _vocabulary() -> frozenset[str]:
    """Words that may be more than a name."""
    known = _lexicon()
    return (
        known.titles
        | known.suffix_words
        | known.suffix_acronyms
        | known.particles
        | known.conjunctions
        | known.bound_given_names
        | known.maiden_markers
        | known.honorific_tails
        | set("ivx")
    )


# -- Capitals --------------------------------------------------------------------------------------------------

_PARTICLES = frozenset(
    (
        "a", "af", "av", "bin", "bint", "da", "das", "de", "degli", "dei", "del", "della", "den", "der", "di", "do",
        "dos", "du", "e", "ibn", "la", "las", "lo", "los", "ten", "ter", "tot", "van", "vom", "von", "y", "zu",
        "zum", "zur",
    )
)  # fmt: skip
_NUMERALS = frozenset(["II", "III", "IV", "VI", "VII", "VIII", "IX", "XI", "XII", "XIII"])
_DEGREES = {
    word.upper(): word
    for word in (
        "MD", "PhD", "PharmD", "PsyD", "EdD", "DrPH", "DDS", "DMD", "DVM", "DPM", "DPT", "DNP", "RN", "LPN", "BSN",
        "MSN", "APRN", "CRNA", "CNM", "FNP", "LCSW", "LMFT", "MPH", "MBA", "MHA", "JD",
    )
}  # fmt: skip
"""Degrees that are nobody's name."""
_ON_BADGES = ["ARNP", "CCRN", "CNA", "CRNP", "FACP", "FACS", "LCPC", "LMSW", "LPC", "NP", "OTR", "PA-C", "NP-C"]
_STARTS = re.compile(r"(^[ʻʼ]?|[^\w'’ʻʼ])(\w)")
# O'Brien, D'Angelo, De'Andre; Ka'ahumanu has the Hawaiian letter that keyboards lack.
_ELIDED = re.compile(r"\b(?!K[aeiou]['’][aeiou])(\w{1,3}['’])(\w)(?=\w)")
_MC = re.compile(r"\bMc(\w)(?=\w)")


def name_case(value: str) -> str:
    """A name written all in one case with the capitals that people use; a mixed one is left alone.

    Two capitals alone are initials (TJ) and stay, as do numerals behind a name (John Smith III) and degrees.
    """
    upper = value.isupper()
    if not upper and not value.islower():
        return value
    words = value.split(" ")
    if upper and len(words) == 1 and len(value) == 2:
        return value
    last = len(words) - 1
    return " ".join(_cased(word, number, last, upper) for number, word in enumerate(words))


def _cased(word: str, number: int, last: int, upper: bool) -> str:
    capitals = word.upper()
    bare = capitals.strip(",.")
    if bare in _NUMERALS and (number or not last) and (len(bare) > 2 or number):
        return capitals
    if bare in _DEGREES and (number or not last) and "." not in word.rstrip(","):
        return capitals.replace(bare, _DEGREES[bare])
    if upper and len(bare) == 2 and bare == word and not set(bare) & set("AEIOUY") and bare not in ("NG", "JR", "SR"):
        return word
    lower = word.lower()
    if 0 < number < last and lower in _PARTICLES:
        return lower
    shown = _STARTS.sub(lambda found: found[1] + found[2].upper(), lower)
    shown = _ELIDED.sub(lambda found: found[1] + found[2].upper(), shown)
    return _MC.sub(lambda found: f"Mc{found[1].upper()}", shown)
