"""Field by field: what two records say, which value is suggested, and the profile that comes of the choices. Pure."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from apps.contacts.person import fields, reach
from apps.contacts.person.fields import FieldSpec
from apps.core import folding

ONE, OTHER = "a", "b"
REACHED = {"email": "Main e-mail address", "phone": "Main telephone"}
"""Of these both records' values stay; the choice says which is the primary one."""
_HANDLED = frozenset(
    {"email", "phone", "other_emails", "other_phones", "verified", "attributes", "external_ids", "other_external_ids"}
    | {"mrn", "other_mrns", "other_names", "relation", "guardian_id"}
    | {spec.path[0] for spec in fields.FIELDS.values()}
)
_PRECEDENCE = ("patient", "b2b", "subscriber")


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """One field of two records. ``preset`` is the side suggested; where only one side has a value it is that one."""

    name: str
    label: str
    one: str
    other: str
    preset: str
    differs: bool
    spec: FieldSpec | None = None


def compare(
    one: Mapping[str, Any], other: Mapping[str, Any], own: Mapping[str, FieldSpec], *, newer: str = ONE
) -> list[Field]:
    """The fields that either record has, in the order of the person page. ``newer``: the record that was made later.

    Suggested is the value that says more ("Jane" over "J", a street with a number over one without), a verified address
    over one that is not, and else the newer record's.
    """
    found = []
    for kind, label in REACHED.items():
        pair = [reach.ways(profile, kind) for profile in (one, other)]
        mains = [ways[0] if ways and ways[0].primary else None for ways in pair]
        values = [main.value if main is not None else "" for main in mains]
        if not any(values):
            continue
        differs = all(values) and reach.token(kind, values[0]) != reach.token(kind, values[1])
        preset = _fuller(values[0], values[1], newer)
        verified = [main.verified if main is not None else "" for main in mains]
        if all(values) and any(verified):
            preset = ONE if verified[0] >= verified[1] else OTHER
        found.append(Field(kind, label, values[0], values[1], preset, bool(differs)))
    for name, spec in fields.FIELDS.items():
        if name in ("email", "phone", "relation"):
            continue
        found += _field(name, spec.label, fields.value_of(one, name), fields.value_of(other, name), newer, spec)
    found += _field("guardian_id", "Guardian", one.get("guardian_id"), other.get("guardian_id"), newer, None)
    sides = [profile.get("attributes") or {} for profile in (one, other)]
    for name in sorted(sides[0].keys() | sides[1].keys()):
        known = own.get(f"attribute.{name}")
        label = known.label if known is not None else name
        found += _field(f"attributes.{name}", label, sides[0].get(name), sides[1].get(name), newer, known)
    return found


def _field(name: str, label: str, one: Any, other: Any, newer: str, spec: FieldSpec | None) -> list[Field]:
    told = [_text(one), _text(other)]
    if not any(told):
        return []
    differs = all(told) and folding.fold(told[0]) != folding.fold(told[1])
    return [Field(name, label, told[0], told[1], _fuller(told[0], told[1], newer), differs, spec)]


def _text(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _fuller(one: str, other: str, newer: str) -> str:
    if not one or not other:
        return ONE if one else OTHER
    a, b = folding.fold(one).rstrip("."), folding.fold(other).rstrip(".")
    if a != b and b.startswith(a):
        return OTHER
    if a != b and a.startswith(b):
        return ONE
    if a == b and one != other and one.isupper() != other.isupper():
        return ONE if other.isupper() else OTHER
    return newer


def merged_profile(
    one: Mapping[str, Any], other: Mapping[str, Any], chosen: Mapping[str, str], *, kept: str, newer: str = ONE
) -> dict[str, Any]:
    """The profile of both records together. ``kept`` is the side whose record stays, ``chosen`` a side by field.

    A field that nobody chose has what ``compare`` suggests. Addresses, telephones and numbers of both stay, and a name
    that is not chosen stays as a former one. Lists that are no field (as of tags) are united. Raises ``Refused`` for
    more addresses than a person may have.
    """
    sides = {ONE: one, OTHER: other}
    found = copy.deepcopy(dict(sides[kept]))
    rest = sides[OTHER if kept == ONE else ONE]
    for name, value in rest.items():
        if name in _HANDLED:
            continue
        if found.get(name) in (None, ""):
            found[name] = copy.deepcopy(value)
        elif isinstance(value, list) and isinstance(found[name], list):
            found[name] += [copy.deepcopy(each) for each in value if each not in found[name]]
        elif isinstance(value, dict) and isinstance(found[name], dict):
            found[name] = copy.deepcopy(value) | found[name]
    for field in compare(one, other, {}, newer=newer):
        side = field.preset if not (field.one and field.other) else chosen.get(field.name, field.preset)
        profile = sides.get(side, sides[field.preset])
        if field.name in REACHED:
            _unite(found, sides, field.name, profile)
        elif field.name.startswith("attributes."):
            name = field.name.removeprefix("attributes.")
            found.setdefault("attributes", {})[name] = copy.deepcopy(profile["attributes"][name])
        elif field.name == "guardian_id":
            found["guardian_id"] = profile["guardian_id"]
        else:
            fields.put(found, field.name, fields.value_of(profile, field.name))
    for kind in REACHED:
        if kind not in found:
            _unite(found, sides, kind, sides[kept])
    found["relation"] = _relation(one, other)
    _numbers(found, sides, kept)
    _names(found, sides)
    return found


def _unite(found: dict[str, Any], sides: Mapping[str, Mapping[str, Any]], kind: str, first: Mapping[str, Any]) -> None:
    ways: dict[bytes, reach.Way] = {}
    mains = reach.ways(first, kind)
    main = reach.token(kind, mains[0].value) if mains and mains[0].primary else None
    for profile in (first, *sides.values()):
        for way in reach.ways(profile, kind):
            token = reach.token(kind, way.value)
            known = ways.get(token)
            verified = max(way.verified, known.verified if known is not None else "")
            ways[token] = replace(known or way, primary=token == main, verified=verified)
    reach.put(found, kind, ways.values())


def _relation(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """Being a patient is health information: whoever is one in either record is one."""
    either = {profile.get("relation") or "patient" for profile in (one, other)}
    return next((each for each in _PRECEDENCE if each in either), "patient")


def _numbers(found: dict[str, Any], sides: Mapping[str, Mapping[str, Any]], kept: str) -> None:
    """Every record number and outside number stays, so that the next list with either finds this person."""
    order = [sides[kept], *(profile for side, profile in sides.items() if side != kept)]
    mrns = dict.fromkeys(
        str(number)
        for profile in order
        for number in ([profile["mrn"]] if profile.get("mrn") else []) + list(profile.get("other_mrns") or ())
    )
    mrns.pop(str(found.get("mrn") or ""), None)
    external: dict[str, str] = {}
    others: dict[str, dict[str, None]] = {}
    for profile in order:
        for source, number in (profile.get("external_ids") or {}).items():
            if external.setdefault(source, number) != number:
                others.setdefault(source, {})[str(number)] = None
    for profile in order:
        for source, numbers in (profile.get("other_external_ids") or {}).items():
            others.setdefault(source, {}).update(dict.fromkeys(n for n in numbers if n != external.get(source)))
    for name, value in (
        ("other_mrns", list(mrns)),
        ("external_ids", external),
        ("other_external_ids", {source: list(numbers) for source, numbers in others.items() if numbers}),
    ):
        if value:
            found[name] = value
        else:
            found.pop(name, None)


def _names(found: dict[str, Any], sides: Mapping[str, Mapping[str, Any]]) -> None:
    def folded(name: Mapping[str, Any]) -> tuple[str, str]:
        first, last = name.get("first_name") or "", name.get("last_name") or ""
        return folding.fold_words(str(first)), folding.fold_words(str(last))

    former: dict[tuple[str, str], dict[str, str]] = {}
    for profile in sides.values():
        now = {name: profile[name] for name in ("first_name", "last_name") if profile.get(name)}
        for name in (now, *(profile.get("other_names") or ())):
            if any(folded(name)):
                former.setdefault(folded(name), dict(name))
    former.pop(folded(found), None)
    if former:
        found["other_names"] = list(former.values())
    else:
        found.pop("other_names", None)
