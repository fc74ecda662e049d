"""The search values of a profile: pure, but for the keyed functions of the vault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from apps.contacts import fields
from apps.vault import tokens

EMAIL, PHONE, MRN, EXTERNAL = 1, 2, 3, 4


@dataclass(frozen=True)
class SearchValues:
    """``tokens`` sorted without repeats; day columns are tokens or None; identities are (kind, 16 bytes).

    ``slots`` has a keyed value for each slot of the search row that this profile fills.
    """

    tokens: list[int]
    birth_day: int | None
    birth_month_day: int | None
    identities: list[tuple[int, bytes]]
    slots: dict[int, int] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _plan() -> list[tuple[str | None, str, str, str, int]]:
    """For each field: name of the parent object, own name, how it is searched, token field, presence token."""
    plan = []
    for spec in fields.FIELDS.values():
        parent = spec.path[0] if len(spec.path) == 2 else None
        search = "none" if spec.type in ("email", "phone") and spec.search == "token" else spec.search
        plan.append((parent, spec.path[-1], search, f"person.{spec.name}", presence(spec.name)))
    return plan


def of(
    profile: Mapping[str, Any],
    consents: Mapping[str, str] | None = None,
    own: Mapping[str, fields.FieldSpec] | None = None,
) -> SearchValues:
    """Everything that makes a person findable. ``consents`` maps purpose to granted or denied.

    ``own`` describes the organization's attributes (``attributes.catalog()``); what it does not know is text.
    """
    found: set[int] = set()
    slots: dict[int, int] = {}
    for parent, key, search, token_field, present in _plan():
        holder = profile if parent is None else profile.get(parent)
        value = holder.get(key) if holder else None
        if value is None or value == "":
            continue
        if search == "words":
            found.update(tokens.word_tokens(token_field, str(value)))
        elif search == "token":
            found.add(tokens.shared63(token_field, tokens.normalize(str(value))))
        found.add(present)
    if profile.get("guardian_id"):
        # Only that there is one: plans send a minor's mail to the guardian.
        found.add(presence("guardian_id"))
    for name, value in (profile.get("attributes") or {}).items():
        if value is None or value == "":
            continue
        spec = (own or {}).get(f"attribute.{name}")
        if spec is not None and spec.search == "none":
            continue
        found.add(presence(f"attribute.{name}"))
        if spec is not None and spec.slot is not None:
            # One keyed value in a column of its own. The exact value as a token beside it would tell twice.
            if (keyed := own_value(spec, value)) is not None:
                slots[spec.slot] = keyed
            if spec.type == "date" and (day := day_in(value)) is not None:
                found.add(tokens.month_day_token(spec.name, day))
            continue
        for item in value if isinstance(value, list) else [value]:
            found.add(tokens.shared63(f"attribute.{name}", tokens.normalize(str(item))))
    for purpose, state in (consents or {}).items():
        found.add(consent(purpose, state))
    identities = unique_identities(profile)
    if profile.get("email"):
        identities.append((EMAIL, mailbox(profile["email"])))
        found.add(mail_domain(profile["email"].rpartition("@")[2]))
    if profile.get("phone"):
        identities.append((PHONE, identity("phone", phone_digits(profile["phone"]))))
    born = profile.get("birth_date")
    birth = date.fromisoformat(born) if born else None
    return SearchValues(
        tokens=sorted(found),
        birth_day=tokens.day_token("person.birth_date", birth) if birth else None,
        birth_month_day=tokens.month_day_token("person.birth_date", birth) if birth else None,
        identities=identities,
        slots=slots,
    )


def own_value(spec: fields.FieldSpec, value: object) -> int | None:
    """The keyed day or step that an own date or number has in its slot; None when there is none for ``value``."""
    if spec.type == "date":
        day = day_in(value)
        return None if day is None else tokens.day_token(spec.name, day)
    step = spec.numbers.at(value) if spec.numbers is not None else None
    return None if step is None else own_step(spec.name, step)


def own_step(name: str, step: int) -> int:
    """The keyed value of a step of number attribute ``name`` (``attribute.NAME``)."""
    return tokens.shared63(f"{name}/step", str(step))


def day_in(value: object) -> date | None:
    """The calendar day of an ISO date or time as it is written, or None."""
    try:
        return date.fromisoformat(str(value)[:10]) if value else None
    except ValueError:
        return None


def unique_identities(profile: Mapping[str, Any]) -> list[tuple[int, bytes]]:
    """The identities that only one person may have: record number and ids of other systems."""
    found = [(MRN, identity("mrn", profile["mrn"]))] if profile.get("mrn") else []
    for source, external in (profile.get("external_ids") or {}).items():
        found.append((EXTERNAL, identity(f"external.{source}", str(external))))
    return found


def presence(name: str) -> int:
    """The token of everyone who has a value in field ``name``."""
    return tokens.shared63("present", name)


def consent(purpose: str, state: str) -> int:
    """The token of everyone whose consent for ``purpose`` is ``state``."""
    return tokens.shared63("consent", f"{purpose}:{state}")


def mail_domain(domain: str) -> int:
    return tokens.shared63("person.mail_domain", domain.casefold())


def identity(kind: str, value: str) -> bytes:
    """The 128-bit token of a record number or external id."""
    return tokens.token128(f"identity.{kind}", tokens.normalize(value))


def mailbox(address: str) -> bytes:
    """The 128-bit token of a mailbox: case and surrounding space do not count, the domain is folded."""
    local, _, domain = address.strip().rpartition("@")
    return tokens.token128("identity.email", f"{local.casefold()}@{domain.casefold()}")


def phone_digits(phone: str) -> str:
    """Digits alone; a North American leading 1 is dropped, so that both ways of writing meet."""
    digits = "".join(character for character in phone if character.isdigit())
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def typed_identities(text: str) -> list[bytes]:
    """What was typed, as identity tokens of which a person must have one (address, phone or record number)."""
    bare = text.strip()
    if not bare:
        return []
    if "@" in bare:
        return [mailbox(bare)]
    found = [identity("mrn", bare)]
    digits = phone_digits(bare)
    if len(digits) >= 7:
        found.append(identity("phone", digits))
    return found


def name_tokens(text: str) -> list[list[int]]:
    """For each word typed, the tokens of which a person must have one (in first or last name)."""
    words = tokens.normalize(text).replace("-", " ").split()
    return [
        [tokens.search_token(f"person.{name}", word) for name in ("first_name", "last_name")]
        for word in words
        if len(word) >= 2
    ]


def event_groups(kind: str, facts: Iterable[str] = ()) -> list[int]:
    """Group tokens of a timeline event: its kind, and each of ``facts`` (``code:CVX:140``)."""
    names = {f"kind:{kind}", *facts}
    return sorted(tokens.shared63("group", name) for name in names)


def event_day(day: date) -> int:
    return tokens.day_token("event", day)
