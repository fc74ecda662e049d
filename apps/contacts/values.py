"""One cell becomes one clean value, or `BadValue` with a reason a person understands.

Reasons never quote the value: they are counted and shown outside the sealed file of rejected rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime

from email_validator import EmailNotValidError, validate_email

DATE_FORMATS = {
    "%Y-%m-%d": "year-month-day, as 1985-04-12",
    "%m/%d/%Y": "month/day/year, as 4/12/1985",
    "%d/%m/%Y": "day/month/year, as 12/4/1985",
    "%m-%d-%Y": "month-day-year, as 4-12-1985",
    "%d.%m.%Y": "day.month.year, as 12.4.1985",
    "%d-%m-%Y": "day-month-year, as 12-4-1985",
    "%Y/%m/%d": "year/month/day, as 1985/04/12",
    "%Y%m%d": "yearmonthday, as 19850412",
    "%d %b %Y": "day month year, as 12 Apr 1985",
    "%b %d, %Y": "month day, year, as Apr 12, 1985",
}
"""The formats offered on the mapping page; a MAPPING.json may use any format of `strptime`."""

_THREE_NUMBERS = re.compile(r"%([Ymd])([/.\-])%([Ymd])\2%([Ymd])")
_NUMBERS = re.compile(r"(\d{1,4})([/.\-])(\d{1,2})\2(\d{1,4})")
_PLAIN_EMAIL = re.compile(
    r"[A-Za-z0-9_+%'-]+(?:\.[A-Za-z0-9_+%'-]+)*@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
_PHONE = re.compile(r"[0-9+().\-/\s]+(?:\s*(?:x|ext\.?)\s*[0-9]{1,6})?", re.IGNORECASE)
_PLAIN_PHONE = re.compile(r"\+?[0-9]{5,15}")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

SEX = {
    "f": "F", "female": "F", "woman": "F", "w": "F", "mujer": "F", "femenino": "F",
    "m": "M", "male": "M", "man": "M", "hombre": "M", "masculino": "M",
    "x": "X", "nonbinary": "X", "non-binary": "X", "other": "X", "o": "X", "diverse": "X", "otro": "X",
    "u": "", "unknown": "", "unk": "", "n/a": "", "na": "", "not specified": "", "undisclosed": "", "-": "",
}  # fmt: skip
LANGUAGE = {
    "english": "en", "eng": "en", "en-us": "en", "en_us": "en", "inglés": "en", "ingles": "en",
    "spanish": "es", "spa": "es", "es-us": "es", "es-mx": "es", "español": "es", "espanol": "es",
    "french": "fr", "german": "de", "portuguese": "pt", "chinese": "zh", "vietnamese": "vi", "arabic": "ar",
    "korean": "ko", "russian": "ru", "tagalog": "tl", "haitian creole": "ht",
}  # fmt: skip
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}")
TRUE = frozenset({"yes", "y", "true", "t", "1", "x", "on", "sí", "si"})
FALSE = frozenset({"no", "n", "false", "f", "0", "off", ""})
GRANTED = TRUE | {"granted", "opt-in", "optin", "opted in", "subscribed", "consented", "accepted", "agreed"}
DENIED = (FALSE - {""}) | {
    "denied", "withdrawn", "opt-out", "optout", "opted out", "unsubscribed", "declined", "refused", "revoked",
}  # fmt: skip
RELATIONS = {
    "patient": "patient", "member": "patient", "b2b": "b2b", "business": "b2b", "business contact": "b2b",
    "provider": "b2b", "partner": "b2b", "subscriber": "subscriber", "public": "subscriber",
}  # fmt: skip


class BadValue(ValueError):
    """The cell cannot be used; `str()` is the reason, without the column's name and without the value."""


def text(cell: str, longest: int = 200) -> str:
    """Text without control characters, runs of white space made one space."""
    value = " ".join(cell.split())
    if len(value) > longest:
        raise BadValue(f"has more than {longest} characters")
    if not value.isprintable() and _CONTROL.search(value):
        raise BadValue("has control characters in it")
    return value


def email(cell: str) -> str:
    """An address, its domain in lower case. Syntax only (RFC 5321, 5322, 6531); nothing is looked up."""
    value = cell.strip()
    if not value:
        return ""
    if len(value) > 254:
        raise BadValue("is not an e-mail address: it is too long")
    if _PLAIN_EMAIL.fullmatch(value) and value.index("@") <= 64:
        local, _, domain = value.rpartition("@")
        return f"{local}@{domain.lower()}"
    try:
        return validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise BadValue("is not an e-mail address") from None


def phone(cell: str) -> str:
    """A telephone number as it was typed, spaces tidied; five to fifteen digits (E.164) and an extension."""
    if _PLAIN_PHONE.fullmatch(cell):
        return cell
    value = " ".join(cell.split())
    if not value:
        return ""
    digits = sum(character.isdigit() for character in value)
    if not 5 <= digits <= 21 or not _PHONE.fullmatch(value):
        raise BadValue("is not a telephone number")
    return value


def sex(cell: str) -> str:
    """F, M, X or nothing."""
    value = cell.strip().lower()
    if not value:
        return ""
    try:
        return SEX[value]
    except KeyError:
        raise BadValue("is none of female, male, other, unknown") from None


def language(cell: str) -> str:
    """A two or three letter code (ISO 639); English and Spanish names of languages are understood."""
    value = cell.strip().lower()
    if not value:
        return ""
    if value in LANGUAGE:
        return LANGUAGE[value]
    code = value.replace("_", "-").split("-")[0]
    if not _LANGUAGE_CODE.fullmatch(code):
        raise BadValue("is not a language; use a code such as en or es")
    return code


def relation(cell: str) -> str:
    """patient, b2b or subscriber."""
    value = cell.strip().lower()
    if not value:
        return ""
    try:
        return RELATIONS[value]
    except KeyError:
        raise BadValue("is none of patient, b2b, subscriber") from None


def number(cell: str) -> int | float | str:
    """A whole or decimal number; thousands separators of the US are understood."""
    value = cell.strip()
    if not value:
        return ""
    try:
        plain = value.replace(",", "") if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", value) else value
        found = float(plain)
    except ValueError:
        raise BadValue("is not a number") from None
    if found != found or found in (float("inf"), float("-inf")):
        raise BadValue("is not a number")
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


def boolean(cell: str) -> bool | str:
    """Yes or no."""
    value = cell.strip().lower()
    if not value:
        return ""
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise BadValue("is neither yes nor no")


def choice_reader(choices: Sequence[str]) -> Callable[[str], str]:
    """A function from cell to one of ``choices``; case and spaces do not count."""
    known = {" ".join(choice.casefold().split()): choice for choice in choices}

    def read(cell: str) -> str:
        value = " ".join(cell.casefold().split())
        if not value:
            return ""
        try:
            return known[value]
        except KeyError:
            raise BadValue("is none of the choices of this attribute") from None

    return read


def consent_state(cell: str) -> str:
    """granted, denied or nothing."""
    value = " ".join(cell.lower().split())
    if not value or value in ("none", "unknown", "n/a", "-"):
        return ""
    if value in GRANTED:
        return "granted"
    if value in DENIED:
        return "denied"
    raise BadValue("says neither yes nor no")


def date_reader(form: str) -> Callable[[str], date | None]:
    """A function from cell to date for a `strptime` format; ISO timestamps are read under the ISO format.

    The common all-number formats avoid `strptime`, which would be half of the time of an import.
    """
    parts = _THREE_NUMBERS.fullmatch(form)
    words = DATE_FORMATS.get(form, "the form given in the mapping")

    def bad() -> BadValue:
        return BadValue(f"is not a date ({words})")

    if form == "%Y-%m-%d":

        def iso(cell: str) -> date | None:
            value = cell.strip()
            if not value:
                return None
            if len(value) > 10 and value[10] not in "T ":
                raise bad()
            try:
                if len(value) > 10:
                    datetime.fromisoformat(value)
                return date.fromisoformat(value[:10]) if value[4:5] == "-" else _raise(bad())
            except ValueError:
                raise bad() from None

        return iso
    if parts and {parts[1], parts[3], parts[4]} == {"Y", "m", "d"}:
        separator, order = parts[2], (parts[1], parts[3], parts[4])
        year, month, day = order.index("Y"), order.index("m"), order.index("d")

        def numbers(cell: str) -> date | None:
            value = cell.strip()
            if not value:
                return None
            found = value.split(separator)
            if len(found) != 3 or len(found[year]) != 4:
                raise bad()
            try:
                return date(int(found[year]), int(found[month]), int(found[day]))
            except ValueError:
                raise bad() from None

        return numbers

    def slow(cell: str) -> date | None:
        value = cell.strip()
        if not value:
            return None
        try:
            return datetime.strptime(value, form).date()  # noqa: DTZ007 - a calendar day has no zone
        except ValueError:
            raise bad() from None

    return slow


def _raise(error: BadValue) -> date:
    raise error


def check_date_format(form: str) -> None:
    """Raise `BadValue` unless `form` is a format that can hold a day."""
    try:
        probe = datetime.strptime(datetime(1987, 6, 5).strftime(form), form)  # noqa: DTZ001, DTZ007
    except (ValueError, TypeError):
        raise BadValue("is not a date format") from None
    if (probe.year, probe.month, probe.day) != (1987, 6, 5):
        raise BadValue("does not name year, month and day")


def guess_date_format(samples: list[str]) -> str | None:
    """The format under which most samples are dates, at least four in five; `None` when there is none.

    A few typing errors do not hide that a column has dates. When month and day cannot be told apart, the American
    order wins (it stands first in `DATE_FORMATS`).
    """
    present = [sample for sample in samples if sample.strip()]
    best, most = None, 0
    for form in DATE_FORMATS:
        reader = date_reader(form)
        found = sum(1 for sample in present if _is_day(reader, sample))
        if found > most:
            best, most = form, found
        if found == len(present):
            break
    return best if present and most >= 0.8 * len(present) else None


def _is_day(reader: Callable[[str], date | None], sample: str) -> bool:
    try:
        found = reader(sample)
    except BadValue:
        return False
    return found is not None and 1850 <= found.year <= 2200
