"""Several addresses and telephones of one person: which is the primary one, which are verified. Pure.

The profile has the primary ones under ``email`` and ``phone``, where everything that sends looks, the others as
``other_emails`` and ``other_phones`` (value to the day it was verified, or ""), and under ``verified`` the day for
each primary one together with its value: another value is not verified by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.contacts.person import search_values
from apps.core.errors import Refused

OTHERS = {"email": "other_emails", "phone": "other_phones"}
"""Where the others of each kind stand in the profile."""
MOST = 10
"""How many of one kind a person may have beside the primary one."""


@dataclass(frozen=True, slots=True, repr=False)
class Way:
    """One address or telephone. ``verified`` is a day in ISO form, or ""."""

    value: str
    primary: bool
    verified: str = ""


def ways(profile: Mapping[str, Any], kind: str) -> list[Way]:
    """All addresses (``kind`` email) or telephones (phone), the primary one first."""
    found = []
    if value := profile.get(kind):
        told = (profile.get("verified") or {}).get(kind) or {}
        found.append(Way(value, True, told.get("on", "") if told.get("value") == value else ""))
    return found + [Way(value, False, day) for value, day in (profile.get(OTHERS[kind]) or {}).items()]


def put(profile: dict[str, Any], kind: str, wanted: Iterable[Way]) -> None:
    """Make ``wanted`` the addresses or telephones; repeats are left out, and the first takes a primary's empty place.

    Raises ``Refused`` for more than ``MOST`` others.
    """
    kept: dict[bytes, Way] = {}
    for way in sorted(wanted, key=lambda way: not way.primary):
        kept.setdefault(token(kind, way.value), way)
    every = list(kept.values())
    first, others = (every[0] if every else None), every[1:]
    if len(others) > MOST:
        raise Refused(
            "person.reach_count", f"A person may have {MOST} others of a kind. Remove one that is not in use."
        )
    verified = {name: told for name, told in (profile.get("verified") or {}).items() if name != kind}
    if first is not None and first.verified:
        verified[kind] = {"value": first.value, "on": first.verified}
    for name, value in (
        (kind, first.value if first is not None else None),
        (OTHERS[kind], {way.value: way.verified for way in others}),
        ("verified", verified),
    ):
        if value:
            profile[name] = value
        else:
            profile.pop(name, None)


def token(kind: str, value: str) -> bytes:
    """What two ways of writing one address or telephone have in common."""
    if kind == "email":
        return search_values.mailbox(value)
    return search_values.identity("phone", search_values.phone_digits(value))
