"""Days as lists write them: formats, two-digit years, the time that a database puts behind a day. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime

from apps.contacts.cell_text import BadValue, digits_folded, says_nothing

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
    "%d-%b-%Y": "day-month-year, as 12-Apr-1985",
    "%m/%d/%y": "month/day/year of two digits, as 4/12/85",
    "%d/%m/%y": "day/month/year of two digits, as 12/4/85",
    "%m-%d-%y": "month-day-year of two digits, as 4-12-85",
    "%d-%m-%y": "day-month-year of two digits, as 12-4-85",
    "%d.%m.%y": "day.month.year of two digits, as 12.4.85",
    "%d-%b-%y": "day-month-year of two digits, as 12-Apr-85",
    "%y-%m-%d": "year of two digits-month-day, as 85-04-12",
    "%m%d%Y": "monthdayyear, as 04121985",
}
"""The formats offered on the mapping page; a MAPPING.json may use any format of `strptime`."""

CENTURIES = ("19", "20")
"""What a mapping may say about two-digit years of birth that could be of either century."""

UNCLEAR_CENTURY = "has a year of two digits that may be 19xx or 20xx: choose the century beside the date format"

_THREE_NUMBERS = re.compile(r"%([Yymd])([/.\-])%([Yymd])\2%([Yymd])")
_TIME = re.compile(
    r"(?:T|,?\s+)(?:[01]?\d|2[0-4])[:.][0-5]\d(?:[:.][0-6]\d(?:[.,:]\d{1,9})?)?\s*(?:[ap]\.?\s?m\.?)?"
    r"\s*(?:Z|UTC|GMT|E[SD]T|C[SD]T|M[SD]T|P[SD]T|[+-]\d{2}(?::?\d{2}(?::\d{2})?)?)?(?:\s*\[[\w/+-]+\])?$",
    re.IGNORECASE,
)
_STAMP = re.compile(r"(\d{8})(?:\d{4}|\d{6})(?:\.\d{1,6})?(?:Z|[+-]\d{4})?")
_NO_DAY = frozenset({"0000-00-00", "00/00/0000", "0/0/0000", "00-00-0000", "00.00.0000", "00000000", "00/00/00", "//",
                     "__/__/____", "mm/dd/yyyy", "0"})  # fmt: skip
_MONTHS = {"ene": "jan", "abr": "apr", "ago": "aug", "dic": "dec", "sept": "sep", "set": "sep"}

Day = Callable[[str], date | None]


def date_reader(form: str, *, birth: date | None = None, century: str = "") -> Day:
    """A function from cell to day for a `strptime` format; a time behind the day is left out.

    ``birth``: the days are of births, and this is today. None lies ahead: a two-digit year is then of the last century.
    Where both are possible ``century`` decides ("19", "20"); "" raises `BadValue`. Years of other days turn at 69, as
    POSIX has it. The common all-number formats avoid `strptime`, which would be half of the time of an import.
    """
    words = DATE_FORMATS.get(form, "the form given in the mapping")
    plain = _plain_reader(form, birth, century)

    def read(cell: str) -> date | None:
        try:
            return plain(cell)
        except ValueError as error:
            if isinstance(error, BadValue):
                raise
        value = _day_part(cell, form)
        if not value:
            return None
        try:
            return plain(value)
        except ValueError as error:
            if isinstance(error, BadValue):
                raise
            raise BadValue(f"is not a date ({words})") from None

    return read


def _day_part(cell: str, form: str) -> str:
    """The day of a cell without the time behind it; "" for a cell that says there is none."""
    value = digits_folded(cell).strip()
    if value.casefold() in _NO_DAY or says_nothing(value):
        return ""
    if form == "%Y%m%d" and (stamp := _STAMP.fullmatch(value)):
        return stamp[1]  # HL7's and DICOM's time stamp
    if len(value) > 8 and (time := _TIME.search(value)):
        value = value[: time.start()].rstrip(" ,")
    if form == "%Y-%m-%d" and (short := re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", value)):
        return f"{short[1]}-{short[2]:0>2}-{short[3]:0>2}"
    return value.removesuffix(".0") if form in ("%Y%m%d", "%m%d%Y") else value


def _plain_reader(form: str, birth: date | None, century: str) -> Day:
    """Reads what stands exactly in the format; raises ``ValueError`` for anything else."""
    if form == "%Y-%m-%d":

        def iso(cell: str) -> date | None:
            if len(cell) != 10 or cell[4] != "-":
                if cell and not cell.isspace():
                    raise ValueError
                return None
            return date.fromisoformat(cell)

        return iso
    parts = _THREE_NUMBERS.fullmatch(form)
    named = (parts[1], parts[3], parts[4]) if parts else ()
    if parts and {each.lower() for each in named} == {"y", "m", "d"} and ("Y" in named or "y" in named):
        separator, short = parts[2], "y" in named
        order = [each.lower() for each in named]
        year, month, day = order.index("y"), order.index("m"), order.index("d")

        def numbers(cell: str) -> date | None:
            found = cell.split(separator)
            if len(found) != 3:
                if cell and not cell.isspace():
                    raise ValueError
                return None
            written = found[year].strip()
            if len(written) == 4:
                return date(int(written), int(found[month]), int(found[day]))
            if not short or len(written) != 2:
                raise ValueError
            return _of_short_year(int(written), int(found[month]), int(found[day]), birth, century)

        return numbers
    short = "%y" in form

    def slow(cell: str) -> date | None:
        value = cell.strip()
        if not value:
            return None
        found = _strptime(value, form)
        if short:
            return _of_short_year(found.year % 100, found.month, found.day, birth, century)
        return found

    return slow


def _strptime(value: str, form: str) -> date:
    """``strptime``, with months as people write them: in full, with a dot, in Spanish."""
    try:
        return datetime.strptime(value, form).date()  # noqa: DTZ007 - a calendar day has no zone
    except ValueError:
        if "%b" not in form:
            raise
    word = re.search(r"[^\W\d_]{3,}\.?", value)
    if word is None:
        raise ValueError
    month = word[0].rstrip(".").casefold()
    short = _MONTHS.get(month, _MONTHS.get(month[:3], month[:3]))
    text = f"{value[: word.start()]}{short}{value[word.end() :]}".replace(" de ", " ")
    text = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", text)
    for each in dict.fromkeys((form, form.replace(", ", " "), form.replace("-", " "), form.replace(" ", "-"))):
        try:
            return datetime.strptime(" ".join(text.split()), each).date()  # noqa: DTZ007
        except ValueError:
            continue
    raise ValueError


def _of_short_year(short: int, month: int, day: int, birth: date | None, century: str) -> date:
    """The day of a two-digit year. Raises `BadValue` for a birth of either century that nobody decided."""
    if birth is None:
        return date(short + (2000 if short < 69 else 1900), month, day)
    last = _day_or_none(1900 + short, month, day)
    this = _day_or_none(2000 + short, month, day)
    if this is None or this > birth:
        if last is None:
            raise ValueError
        return last
    if last is None:
        return this
    if century not in CENTURIES:
        raise BadValue(UNCLEAR_CENTURY)
    return this if century == "20" else last


def _day_or_none(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def check_date_format(form: str) -> None:
    """Raise `BadValue` unless `form` is a format that can hold a day."""
    try:
        probe = datetime.strptime(datetime(1987, 6, 5).strftime(form), form)  # noqa: DTZ001, DTZ007
    except (ValueError, TypeError):
        raise BadValue("is not a date format") from None
    if (probe.year, probe.month, probe.day) != (1987, 6, 5):
        raise BadValue("does not name year, month and day")


def guess_date_format(samples: list[str], share: float = 0.8) -> str | None:
    """The format under which most samples are dates, at least ``share`` of them; `None` when there is none.

    A few typing errors do not hide that a column has dates. When month and day cannot be told apart, the American
    order wins (it stands first in `DATE_FORMATS`), and a year of four digits before one of two.
    """
    present = [sample for sample in samples if sample.strip() and not says_nothing(sample)]
    if not present:
        return None
    best, most = None, 0
    for form in DATE_FORMATS:
        reader = date_reader(form)
        found = sum(1 for sample in present if _is_day(reader, sample))
        if found > most:
            best, most = form, found
        if found == len(present):
            break
    return best if most >= share * len(present) else None


def unclear_births(samples: Iterable[str], form: str, today: date) -> list[str]:
    """The samples whose two-digit year of birth may be of either century."""
    if "%y" not in form:
        return []
    reader = date_reader(form, birth=today)
    found = []
    for sample in samples:
        try:
            reader(sample)
        except BadValue as error:
            if str(error) == UNCLEAR_CENTURY:
                found.append(sample)
    return found


def _is_day(reader: Day, sample: str) -> bool:
    try:
        found = reader(sample)
    except BadValue:
        return False
    return found is not None and 1850 <= found.year <= 2200
