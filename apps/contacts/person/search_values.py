"""The search values of a profile: pure, but for the keyed functions of the vault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from apps.contacts.person import fields
from apps.core import folding
from apps.vault import tokens

EMAIL, PHONE, MRN, EXTERNAL, OTHER_EMAIL, OTHER_PHONE = 1, 2, 3, 4, 5, 6

GENERATION = 2
"""How search values are made today. The first generation compared names and places by ``tokens.normalize``:
apostrophes, dashes and letters such as ł counted. Rows of it are renewed in the background (``renewal``), and
everything that asks compiles for both (``name_tokens``, ``forms``)."""


@dataclass(slots=True)
class SearchValues:
    """``tokens`` sorted without repeats; day columns are tokens or None; identities are (kind, 16 bytes).

    ``slots`` has a keyed value for each slot of the search row that this profile fills.
    """

    tokens: list[int]
    birth_day: int | None
    birth_month_day: int | None
    identities: list[tuple[int, bytes]]
    slots: dict[int, int] = field(default_factory=dict)


_Tokens = Callable[[str], tuple[int, ...]]


@lru_cache(maxsize=1)
def _plan() -> tuple[dict[str, _Tokens], dict[str, dict[str, _Tokens]]]:
    """What gives the tokens of a field's value: by name of the field, and by name within an object."""
    plain: dict[str, _Tokens] = {}
    nested: dict[str, dict[str, _Tokens]] = {}
    for spec in fields.FIELDS.values():
        holder = plain if len(spec.path) == 1 else nested.setdefault(spec.path[0], {})
        holder[spec.path[-1]] = _tokens_of(spec)
    return plain, nested


def _tokens_of(spec: fields.FieldSpec) -> _Tokens:
    name, present = f"person.{spec.name}", presence(spec.name)

    def words(text: str) -> tuple[int, ...]:
        return (present, *tokens.word_tokens(name, text))

    def value(text: str) -> tuple[int, ...]:
        return present, tokens.token63(name, compared(spec, text))

    def number(text: str) -> tuple[int, ...]:
        # A record number is one person's alone: remembering its token would help nobody.
        token = tokens.token63(name, folding.fold(text))
        return (present, token) if text.isalnum() else (present, token, loose_number(text))

    def presence_alone(_: str) -> tuple[int, ...]:
        return (present,)

    if spec.search == "words":
        return lru_cache(maxsize=50_000)(words)
    if spec.search != "token" or spec.type in ("email", "phone"):
        return presence_alone
    return number if spec.name == "mrn" else lru_cache(maxsize=20_000)(value)


def of(
    profile: Mapping[str, Any],
    consents: Mapping[str, str] | None = None,
    own: Mapping[str, fields.FieldSpec] | None = None,
    *,
    unique: Sequence[tuple[int, bytes]] | None = None,
) -> SearchValues:
    """Everything that makes a person findable. ``consents`` maps purpose to granted or denied.

    ``own`` describes the organization's attributes (``attributes.catalog()``); what it does not know is text.
    ``unique`` saves making the ``unique_identities`` again where the caller has them.
    """
    found: set[int] = set()
    slots: dict[int, int] = {}
    plain, nested = _plan()
    for name, value in profile.items():
        if value is None or value == "":
            continue
        if name in plain:
            found.update(plain[name](str(value)))
        elif name in nested:
            inner = nested[name]
            for key, part in value.items():
                if part is not None and part != "" and key in inner:
                    found.update(inner[key](str(part)))
    if profile.get("guardian_id"):
        # Only that there is one: plans send a minor's mail to the guardian.
        found.add(presence("guardian_id"))
    for former in profile.get("other_names") or ():
        for part in former.values():
            found.update(tokens.word_tokens("person.other_name", part))
    for number in profile.get("other_mrns") or ():
        found.add(loose_number(number))
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
            found.add(tokens.shared63(f"attribute.{name}", folding.fold(str(item))))
    for purpose, state in (consents or {}).items():
        found.add(consent(purpose, state))
    identities = unique_identities(profile) if unique is None else list(unique)
    if profile.get("email"):
        identities.append((EMAIL, mailbox(profile["email"])))
        found.add(mail_domain(profile["email"].rpartition("@")[2]))
    if profile.get("phone"):
        identities.append((PHONE, identity("phone", phone_digits(profile["phone"]))))
    if others := profile.get("other_emails"):
        identities += [(OTHER_EMAIL, mailbox(address)) for address in others]
    if others := profile.get("other_phones"):
        identities += [(OTHER_PHONE, identity("phone", phone_digits(number))) for number in others]
    birth_day, birth_month_day = _birth(profile.get("birth_date") or "")
    return SearchValues(sorted(found), birth_day, birth_month_day, identities, slots)


@lru_cache(maxsize=100_000)
def _birth(born: str) -> tuple[int | None, int | None]:
    """The tokens of a birth date in ISO form: of the day, and of month and day."""
    if not born:
        return None, None
    day = date.fromisoformat(born)
    return tokens.day_token("person.birth_date", day), tokens.month_day_token("person.birth_date", day)


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
    """The identities that only one person may have: record number and ids of other systems, of merged records too."""
    found = [(MRN, identity("mrn", profile["mrn"]))] if profile.get("mrn") else []
    for source, external in (profile.get("external_ids") or {}).items():
        found.append((EXTERNAL, identity(f"external.{source}", str(external))))
    if "other_mrns" not in profile and "other_external_ids" not in profile:
        return found
    found += [(MRN, identity("mrn", str(number))) for number in profile.get("other_mrns") or ()]
    for source, numbers in (profile.get("other_external_ids") or {}).items():
        found += [(EXTERNAL, identity(f"external.{source}", str(number))) for number in numbers]
    return list(dict.fromkeys(found))


def compared(spec: fields.FieldSpec | None, text: str) -> str:
    """The form in which two values of a field are equal: names and places without punctuation, all else with it."""
    if spec is not None and spec.type in ("name", "text") and not spec.name.startswith("attribute."):
        return folding.fold_words(text)
    return folding.fold(text)


def forms(spec: fields.FieldSpec | None, text: str) -> list[str]:
    """``compared``, and the forms in which a search value of the first generation may have ``text``."""
    found = dict.fromkeys((compared(spec, text), tokens.normalize(text), folding.fold(text)))
    return [form for form in found if form]


def loose_number(text: str) -> int:
    """The token of record numbers that differ from ``text`` in spaces and dashes only."""
    return tokens.token63("person.mrn~", folding.squeezed(text))


def match_token(match_on: str, source: str, key: str) -> tuple[int, bytes]:
    """The identity (kind, token) by which the person of a row is found again; see ``ColumnMapping``."""
    if match_on == "email":
        return EMAIL, mailbox(key)
    if match_on == "phone":
        return PHONE, identity("phone", phone_digits(key))
    if match_on == "mrn":
        return MRN, identity("mrn", key)
    return EXTERNAL, identity(f"external.{source}", key)


def presence(name: str) -> int:
    """The token of everyone who has a value in field ``name``."""
    return tokens.shared63("present", name)


def consent(purpose: str, state: str) -> int:
    """The token of everyone whose consent for ``purpose`` is ``state``."""
    return tokens.shared63("consent", f"{purpose}:{state}")


def appointment_state(state: str) -> int:
    """The token of appointments in ``state``."""
    return tokens.token63("appointment.state", state)


@lru_cache(maxsize=20_000)
def appointment_hour(at: datetime) -> int:
    """The token of appointments that begin in an hour of UTC, given by its beginning."""
    return tokens.token63("appointment/hour", f"{at:%Y-%m-%dT%H}")


@lru_cache(maxsize=20_000)
def appointment_minute(at: datetime) -> int:
    """The token of appointments that begin in a minute of UTC, given by its beginning."""
    return tokens.token63("appointment/minute", f"{at:%Y-%m-%dT%H:%M}")


def appointment_moment(start: datetime) -> tuple[int, int]:
    """The tokens of hour and minute of a start (aware)."""
    at = start.astimezone(UTC).replace(second=0, microsecond=0)
    return appointment_hour(at.replace(minute=0)), appointment_minute(at)


def mail_domain(domain: str) -> int:
    return tokens.shared63("person.mail_domain", domain.casefold())


def identity(kind: str, value: str) -> bytes:
    """The 128-bit token of a record number or external id."""
    return tokens.token128(f"identity.{kind}", tokens.normalize(value))


def mailbox(address: str) -> bytes:
    """The 128-bit token of a mailbox: case and surrounding space do not count, the domain is folded."""
    local, _, domain = address.strip().rpartition("@")
    return tokens.token128("identity.email", f"{local.casefold()}@{domain.casefold()}")


_NO_DIGITS = {code: None for code in range(128) if not chr(code).isdigit()}


def phone_digits(phone: str) -> str:
    """Digits alone; a North American leading 1 is dropped, so that both ways of writing meet."""
    if phone.isascii():
        digits = phone.translate(_NO_DIGITS)
    else:
        digits = "".join(character for character in phone if character.isdigit())
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits


def typed_identities(text: str) -> list[bytes]:
    """What was typed, as identity tokens of which a person must have one (address, phone or record number)."""
    bare = text.strip()
    if not bare:
        return []
    if "@" in bare:
        # A letter's text has typographic dashes and apostrophes where the address itself has those of a keyboard.
        return [mailbox(each) for each in dict.fromkeys((bare, folding.fold(bare).replace(" ", "")))]
    found = [identity("mrn", each) for each in dict.fromkeys((bare, folding.squeezed(bare))) if each]
    digits = phone_digits(bare)
    if len(digits) >= 7:
        found.append(identity("phone", digits))
    return found


def typed_numbers(text: str) -> list[int]:
    """What was typed, as tokens of record numbers written with other spaces and dashes; none where it has no digit."""
    return [loose_number(text)] if "@" not in text and any(each.isdigit() for each in text) else []


def name_tokens(text: str) -> list[list[int]]:
    """For each word typed, the tokens of which a person must have one (in first or last name), of any generation."""
    found: list[list[int]] = []
    for older in tokens.normalize(text).replace("-", " ").split():
        for word in folding.fold_words(older).split():
            if len(word) < 2:
                continue
            either = [tokens.search_token(f"person.{name}", word) for name in (*_NAMES, "other_name")]
            for form in {older, folding.fold(older)} - {word}:
                either += [tokens.older_search_token(f"person.{name}", form) for name in _NAMES]
            found.append(either)
    return found


_NAMES = ("first_name", "last_name")


def event_groups(kind: str, facts: Iterable[str] = ()) -> list[int]:
    """Group tokens of a timeline event: its kind, and each of ``facts`` (``code:CVX:140``)."""
    names = {f"kind:{kind}", *facts}
    return sorted(tokens.shared63("group", name) for name in names)


def event_day(day: date) -> int:
    return tokens.day_token("event", day)


def lab(name: str) -> int:
    """The token of a lab whose last result is kept; see ``timeline.results``."""
    return tokens.shared63("lab", name)


def lab_step(name: str, step: int) -> int:
    """The token of a step of a lab's last result."""
    return tokens.shared63("lab.step", f"{name}:{step}")
