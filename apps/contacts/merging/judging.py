"""Whether two opened records may be of one person, how surely, and why. Pure, but for the keyed functions of the vault.

Match keys nominate (``keys``), the opened records decide (``judge``). What speaks against (another record number of
the same source, another sex, another first name in a household) makes a pair less sure, and is said with the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.contacts.person import reach, search_values
from apps.core import folding
from apps.vault import tokens

CERTAIN, LIKELY, POSSIBLE = 3, 2, 1

REASONS: Mapping[str, str] = {
    "name": "Same name",
    "name_alike": "Same last name, first names begin alike",
    "name_swapped": "First and last name are swapped",
    "first_name": "Same first name",
    "former_name": "One record has the other's name as a former one",
    "birth_date": "Same birth date",
    "email": "Same e-mail address",
    "phone": "Same telephone",
    "street": "Same street and ZIP code",
    "zip": "Same ZIP code",
    "birth_dates_alike": "Birth dates differ in one place",
}
"""What speaks for it, in words."""
AGAINST: Mapping[str, str] = {
    "other_mrn": "Different record numbers",
    "other_external": "Different numbers in the same system",
    "other_sex": "Different sex",
    "other_suffix": "Different suffix (Jr., Sr.)",
    "other_first_name": "Different first names: twins or relatives share the rest",
    "other_last_name": "Different last names",
    "other_birth_date": "Different birth dates",
}
"""What speaks against it."""


@dataclass(frozen=True, slots=True)
class Judgment:
    """``strength`` is 3 (certain), 2 (likely) or 1 (possible); ``reasons`` are code words, those for it first."""

    strength: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class _Side:
    first: str
    last: str
    suffix: str
    born: str
    sex: str
    mrns: frozenset[str]
    external: Mapping[str, frozenset[str]]
    mailboxes: frozenset[bytes]
    phones: frozenset[bytes]
    zip: str
    street: str
    former: frozenset[tuple[str, str]]


def keys(profile: Mapping[str, Any]) -> set[int]:
    """The match keys of a profile: pairs that share none are never looked at."""
    side = _side(profile)
    found = set()
    for kind, *parts in _shared(side):
        found.add(tokens.token63(f"match.{kind}", "\x1f".join(parts)))
    return found


def _shared(side: _Side) -> Iterator[tuple[str, ...]]:
    names = [(side.first, side.last), *sorted(side.former)]
    ways = [each.hex() for each in sorted(side.mailboxes | side.phones)]
    for first, last in names:
        if side.born and last:
            yield "born-last", side.born, last, first[:1]
        if side.born and first and last:
            yield "born-names", side.born, *sorted((first, last))
        if first and last and side.zip:
            yield "name-zip", first, last, side.zip
        if first or last:
            for way in ways:
                yield "way-name", way, first, last
    for way in ways:
        if side.born:
            yield "way-born", way, side.born
        if not side.first and not side.last:
            yield "way-alone", way


def judge(one: Mapping[str, Any], other: Mapping[str, Any]) -> Judgment | None:
    """How surely two profiles are of one person; None where nothing says so."""
    a, b = _side(one), _side(other)
    pro, contra = _names(a, b)
    named = bool({"name", "name_swapped", "former_name"} & pro)
    alike = named or "name_alike" in pro
    born = bool(a.born) and a.born == b.born
    differs = bool(a.born) and bool(b.born) and not born
    if born:
        pro.add("birth_date")
    elif differs:
        contra.add("other_birth_date")
        if _dates_alike(a.born, b.born):
            pro.add("birth_dates_alike")
    if a.mailboxes & b.mailboxes:
        pro.add("email")
    if a.phones & b.phones:
        pro.add("phone")
    if a.zip and a.zip == b.zip:
        pro.add("street" if a.street and a.street == b.street else "zip")
    reached = bool({"email", "phone"} & pro)
    near = reached or bool({"street", "zip"} & pro)
    nameless = not (a.first or a.last) and not (b.first or b.last)
    strength = 0
    if born:
        if named:
            strength = CERTAIN if near else LIKELY
        elif alike:
            strength = LIKELY if near else POSSIBLE
        elif reached:
            # Somebody who married keeps the first name; twins and spouses keep the last one.
            strength = LIKELY if "first_name" in pro else POSSIBLE
    elif differs:
        if alike and (reached or ("birth_dates_alike" in pro and near)):
            strength = POSSIBLE
    elif named:
        strength = LIKELY if reached or "street" in pro else POSSIBLE if near else 0
    elif reached and (alike or nameless):
        strength = POSSIBLE
    if not strength:
        return None
    contra |= _numbers(a, b)
    weight = len(contra & {"other_mrn", "other_external", "other_sex", "other_suffix"})
    if strength == POSSIBLE and weight > 1:
        # Father and son of one name at one address; strangers with one birth date at the telephone of a home.
        return None
    strength = max(strength - weight, POSSIBLE)
    return Judgment(
        strength, tuple(each for each in REASONS if each in pro) + tuple(each for each in AGAINST if each in contra)
    )


def words(reason: str) -> tuple[str, bool]:
    """A reason in words, and whether it speaks for the two being one person."""
    return (REASONS[reason], True) if reason in REASONS else (AGAINST.get(reason, reason), False)


def _names(a: _Side, b: _Side) -> tuple[set[str], set[str]]:
    pro, contra = set(), set()
    full = {(a.first, a.last)} | a.former, {(b.first, b.last)} | b.former
    if a.last and a.last == b.last:
        if a.first and a.first == b.first:
            pro.add("name")
        elif a.first and b.first and _begins(a.first, b.first):
            pro.add("name_alike")
        elif a.first and b.first:
            contra.add("other_first_name")
    elif a.first and a.first == b.last and a.last == b.first:
        pro.add("name_swapped")
    elif a.first and a.first == b.first:
        pro.add("first_name")
        if a.last and b.last:
            contra.add("other_last_name")
    else:
        if a.first and b.first:
            contra.add("other_first_name")
        if a.last and b.last:
            contra.add("other_last_name")
    if "name" not in pro and (a.former or b.former) and any(last for _, last in full[0] & full[1]):
        pro.add("former_name")
        contra -= {"other_first_name", "other_last_name"}
    return pro, contra


def _begins(one: str, other: str) -> bool:
    """Whether one is an initial or a beginning of the other (J and Jane, Jo and Joanne, Mary and Mary Ann)."""
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter)


def _numbers(a: _Side, b: _Side) -> set[str]:
    found = set()
    if a.mrns and b.mrns and not a.mrns & b.mrns:
        found.add("other_mrn")
    if any(not numbers & b.external[source] for source, numbers in a.external.items() if source in b.external):
        found.add("other_external")
    if {a.sex, b.sex} == {"F", "M"}:
        found.add("other_sex")
    if a.suffix and b.suffix and a.suffix != b.suffix:
        found.add("other_suffix")
    return found


def _dates_alike(one: str, other: str) -> bool:
    """One digit differs, two neighbors are swapped, or month and day are."""
    if len(one) != 10 or len(other) != 10:
        return False
    if one[:4] == other[:4] and (one[5:7], one[8:]) == (other[8:], other[5:7]):
        return True
    places = [place for place in range(10) if one[place] != other[place]]
    if len(places) == 1:
        return True
    if len(places) != 2:
        return False
    first, second = places
    return (one[first], one[second]) == (other[second], other[first])


def _side(profile: Mapping[str, Any]) -> _Side:
    address = profile.get("address") or {}
    external: dict[str, set[str]] = {}
    for source, number in (profile.get("external_ids") or {}).items():
        external.setdefault(source, set()).add(str(number))
    for source, numbers in (profile.get("other_external_ids") or {}).items():
        external.setdefault(source, set()).update(map(str, numbers))
    mrns = {str(profile["mrn"])} if profile.get("mrn") else set()
    return _Side(
        first=folding.fold_words(str(profile.get("first_name") or "")),
        last=folding.fold_words(str(profile.get("last_name") or "")),
        suffix=folding.fold_words(str(profile.get("suffix") or "")),
        born=str(profile.get("birth_date") or ""),
        sex=str(profile.get("sex") or ""),
        mrns=frozenset(mrns | set(map(str, profile.get("other_mrns") or ()))),
        external={source: frozenset(numbers) for source, numbers in external.items()},
        mailboxes=frozenset(search_values.mailbox(way.value) for way in reach.ways(profile, "email")),
        phones=frozenset(
            reach.token("phone", way.value)
            for way in reach.ways(profile, "phone")
            if len(search_values.phone_digits(way.value)) >= 7
        ),
        zip=folding.squeezed(str(address.get("zip") or ""))[:5],
        street=folding.fold_words(str(address.get("line") or "")),
        former=frozenset(
            (
                folding.fold_words(str(name.get("first_name") or "")),
                folding.fold_words(str(name.get("last_name") or "")),
            )
            for name in profile.get("other_names") or ()
        ),
    )
