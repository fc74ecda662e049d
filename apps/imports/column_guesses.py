"""What the columns of a list seem to be, by their headers and by their values. Pure.

A guess is shown as one, with samples: a person decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.contacts import values
from apps.contacts.attributes.numbers import NumberRange, wide
from apps.contacts.cell_text import clean, says_nothing
from apps.contacts.languages import is_common_name
from apps.contacts.person.reach import OTHERS
from apps.imports import header_words
from apps.imports.column_targets import CONSENT_PURPOSES, FULL_NAMES, MATCHABLE, TARGETS, target_of


@dataclass(frozen=True, slots=True)
class ColumnGuess:
    """What a column seems to be: `type` in words, `target` or None, and the first values as they stand."""

    header: str
    type: str
    target: str | None
    samples: tuple[str, ...]
    sensitive: bool = False
    numbers: NumberRange = field(default_factory=lambda: wide(()))
    """Bounds for an attribute made of the column, should it hold numbers."""
    by: str = ""
    """What the target was guessed by, in words."""

    def __repr__(self) -> str:
        return f"<ColumnGuess of {self.type}>"


_FOREIGN_SECRETS = re.compile(
    r"password|passwd|pwd|ssn|socialsecurity|nationalid|cvv|ccnumber|ccexpires|cctype|creditcard|cardnumber|"
    r"iban|routing|passport|drivers|mothersmaiden|securityanswer|^pin$"
)
_ENDS = r"(?:holds|valid)?(?:until|ends?|enddate|expires|expiry|expirydate|expirationdate|expiration)"
SEXES = frozenset(values.SEX)
_TELLING = SEXES - frozenset("acdhinostuvwxz0129") - {"none", "null", "other", "unknown", "unk"}
STATES = frozenset(
    [
        "alabama",
        "al",
        "alaska",
        "ak",
        "arizona",
        "az",
        "arkansas",
        "ar",
        "california",
        "ca",
        "colorado",
        "co",
        "connecticut",
        "ct",
        "delaware",
        "de",
        "florida",
        "fl",
        "georgia",
        "ga",
        "hawaii",
        "hi",
        "idaho",
        "id",
        "illinois",
        "il",
        "indiana",
        "in",
        "iowa",
        "ia",
        "kansas",
        "ks",
        "kentucky",
        "ky",
        "louisiana",
        "la",
        "maine",
        "me",
        "maryland",
        "md",
        "massachusetts",
        "ma",
        "michigan",
        "mi",
        "minnesota",
        "mn",
        "mississippi",
        "ms",
        "missouri",
        "mo",
        "montana",
        "mt",
        "nebraska",
        "ne",
        "nevada",
        "nv",
        "new_hampshire",
        "nh",
        "new_jersey",
        "nj",
        "new_mexico",
        "nm",
        "new_york",
        "ny",
        "north_carolina",
        "nc",
        "north_dakota",
        "nd",
        "ohio",
        "oh",
        "oklahoma",
        "ok",
        "oregon",
        "or",
        "pennsylvania",
        "pa",
        "rhode_island",
        "ri",
        "south_carolina",
        "sc",
        "south_dakota",
        "sd",
        "tennessee",
        "tn",
        "texas",
        "tx",
        "utah",
        "ut",
        "vermont",
        "vt",
        "virginia",
        "va",
        "washington",
        "wa",
        "west_virginia",
        "wv",
        "wisconsin",
        "wi",
        "wyoming",
        "wy",
        "district_of_columbia",
        "dc",
        "puerto_rico",
        "pr",
        "guam",
        "gu",
    ]
)


def guess(headers: Iterable[str], sample: list[list[str]]) -> list[ColumnGuess]:
    """A guess for each column, by its header first and by its values second; no field is given twice.

    Of two columns for one field the one whose header names it wins, then the one that has more values, then the first.
    """
    names = list(headers)
    columns: list[tuple[list[str], str, bool]] = []
    offers: list[tuple[int, int, int, str]] = []
    for index, header in enumerate(names):
        present = [cell for row in sample if index < len(row) if (cell := clean(row[index]).strip())]
        type_ = _type_of([cell for cell in present if not says_nothing(cell)] or present)
        squeezed = "".join(header_words.words_of(header))
        secret = bool(_FOREIGN_SECRETS.search(squeezed))
        columns.append((present, type_, secret))
        if not secret:
            target, sureness = _target_for(squeezed, type_, header, present)
            if target:
                offers.append((-sureness, -len(present), index, target))
    given: dict[int, str] = {}
    parts = {"first_name", "last_name"} & {target for *_, target in offers}
    for _, _, index, target in sorted(offers):
        if target not in given.values() and not (target in FULL_NAMES and (parts or FULL_NAMES & set(given.values()))):
            given[index] = target
    _add_zip(names, columns, given)
    _add_others(names, offers, given)
    sure = {index for sureness, _, index, _ in offers if sureness <= -2}
    return [
        ColumnGuess(
            names[index],
            type_,
            given.get(index),
            tuple(dict.fromkeys(present))[:3],
            secret,
            wide(present),
            ("its name" if index in sure else "its values") if index in given else "",
        )
        for index, (present, type_, secret) in enumerate(columns)
    ]


def _add_others(names: list[str], offers: list[tuple[int, int, int, str]], given: dict[int, str]) -> None:
    """Keep the values of further columns of addresses and telephones beside those of the first."""
    for sureness, _, index, target in sorted(offers, key=lambda offer: offer[2]):
        named = sureness <= -2 or _REACHES.search(names[index])
        if index not in given and target in OTHERS and named:
            more = (f"{OTHERS[target]}{number}" for number in ("", "_2", "_3"))
            if place := next((one for one in more if one not in given.values()), ""):
                given[index] = place


def _add_zip(names: list[str], columns: list[tuple[list[str], str, bool]], given: dict[int, str]) -> None:
    """Give the ZIP code to numbers of five digits beside a town or state: alone they may be anything."""
    if "zip" in given.values() or not {"state", "city"} & set(given.values()):
        return
    for index, (present, _, secret) in enumerate(columns):
        named = header_words.is_number_of_something(names[index]) or header_words.about_others(names[index])
        if index in given or secret or not present or named:
            continue
        if _most(present, lambda cell: re.fullmatch(r"\d{5}(-\d{4})?", cell)):
            given[index] = "zip"
            return


def suggest(guesses: list[ColumnGuess], sample: list[list[str]]) -> dict[str, Any]:
    """A mapping document from the guesses: what the mapping page starts with.

    `match_on` falls back from MRN to an outside id to e-mail to telephone; empty when there is none of them.
    """
    columns = {item.header: item.target for item in guesses if item.target}
    dates = [index for index, item in enumerate(guesses) if item.target and _is_date(item.target)]
    texts = [row[index] for row in sample for index in dates if index < len(row)]
    return {
        "match_on": next((name for name in MATCHABLE if name in columns.values()), ""),
        "columns": columns,
        "date_format": values.guess_date_format(texts, _SOME) or "%Y-%m-%d",
        "ignore": [item.header for item in guesses if not item.target],
    }


def _is_date(name: str) -> bool:
    target = target_of(name)
    return target is not None and target.kind in ("date", "birth")


def _target_for(squeezed: str, type_: str, header: str, present: list[str]) -> tuple[str, int]:
    """The field for a column and how surely: 3 and 2 by its header, 1 by its values."""
    consent = re.fullmatch(r"(?:consent|optin|permission)?(" + "|".join(CONSENT_PURPOSES) + r")"
                           r"(?:consent|optin)?(date|method|wording|by|" + _ENDS + r")?", squeezed)  # fmt: skip
    if consent and ("consent" in squeezed or "optin" in squeezed or "permission" in squeezed):
        part = "until" if consent[2] and re.fullmatch(_ENDS, consent[2]) else consent[2]
        return f"consent.{consent[1]}" + (f".{part}" if part else ""), 3
    if header.casefold().strip() in _OWN_LABELS:
        return _OWN_LABELS[header.casefold().strip()], 3
    name, sureness = header_words.field_of(header)
    if name and (_fits(name, type_) or _named_well(name, present)):
        return name, sureness
    if header.lower() in TARGETS:
        return header.lower(), 3
    if header_words.about_others(header):
        return "", 0
    return _BY_VALUES.get(type_, "") or _birth(type_, present, header), 1


_SOME = 0.3


def _named_well(name: str, present: list[str]) -> bool:
    """Whether a column that is named as days or addresses has some: real lists have odd cells in it too."""
    kind = TARGETS[name].kind
    if kind in ("date", "birth"):
        return values.guess_date_format(present, _SOME) is not None
    return kind == "email" and sum(map(_is_email, present)) >= _SOME * len(present) > 0


_REACHES = re.compile(r"mail|phone|mobile|cell|tel|correo", re.IGNORECASE)
_OWN_LABELS = {TARGETS[name].label.casefold(): name for name in OTHERS.values()}
"""Headers of our own export of which several values stand in one cell."""
_BY_VALUES = {"e-mail": "email", "telephone": "phone", "sex": "sex", "state": "state", "language": "language"}


def _birth(type_: str, present: list[str], header: str) -> str:
    """Days over more than twenty years, none of them ahead, are days of birth, unless the header names another day."""
    if type_ != "date" or {"date", "day", "fecha", "time"} & set(header_words.words_of(header)):
        return ""
    reader = values.date_reader(values.guess_date_format(present) or "%Y-%m-%d")
    years = sorted(found.year for cell in present if (found := _read(reader, cell)))
    return "birth_date" if len(years) > 2 and years[-1] - years[0] > 20 and years[len(years) // 2] < 2010 else ""


def _fits(name: str, type_: str) -> bool:
    """Whether values of this type may go to that field; an empty column may go anywhere."""
    kind = TARGETS[name].kind
    if type_ == "empty":
        return True
    if kind in ("date", "birth"):
        return type_ == "date"
    if kind == "email":
        return type_ == "e-mail"
    if kind == "sex":
        return type_ in ("sex", "yes or no", "number", "text")
    if kind == "phone":
        return type_ in ("telephone", "number", "text")
    if name == "language":
        return type_ not in ("number", "date", "e-mail", "telephone")
    if name == "state":
        return type_ in ("state", "text", "language", "yes or no")
    if name in ("first_name", "last_name", *FULL_NAMES, "city"):
        return type_ not in ("number", "date", "e-mail")
    return True


def _type_of(present: list[str]) -> str:
    """The narrowest type that holds for the values, as a word for people."""
    if not present:
        return "empty"
    if _most(present, _is_email):
        return "e-mail"
    if all(cell.lower() in values.TRUE | values.FALSE for cell in present):
        return "yes or no"
    if all(cell.lower() in SEXES for cell in present):
        return "sex" if any(cell.lower() in _TELLING for cell in present) else "text"
    if values.guess_date_format(present):
        return "date"
    if _most(present, lambda cell: len(cell) >= 10 and _reads(values.date_reader("%Y-%m-%d"), cell)):
        return "date"
    if _most(present, lambda cell: _reads(values.number, cell)):
        return "number"
    if _most(present, lambda cell: sum(map(str.isdigit, cell)) >= 7 and _reads(values.phone_cell, cell)):
        return "telephone"
    if _most(present, lambda cell: cell.casefold().replace(" ", "_") in STATES):
        return "state"
    if _most(present, lambda cell: (len(cell) > 3 or cell.lower() in ("en", "es")) and _is_language(cell)):
        return "language"
    return "text"


def _is_language(cell: str) -> bool:
    return not any(map(str.isdigit, cell)) and len(cell) < 40 and is_common_name(cell)


def _is_email(cell: str) -> bool:
    return "@" in cell and _read(values.email_cell, cell) != ""


def _most(present: list[str], test: Any) -> bool:
    return sum(1 for cell in present if test(cell)) >= 0.8 * len(present)


def _reads(reader: Any, cell: str) -> bool:
    try:
        reader(cell)
    except values.BadValue:
        return False
    return True


def _read(reader: Any, cell: str) -> Any:
    """What can be read of a cell, if only a part."""
    try:
        return reader(cell)
    except values.BadValue as error:
        return error.rest
