"""Rows of any list of people, read by a mapping."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts import values
from apps.contacts.cell_text import clean, whole_number
from apps.contacts.consent.given import NO_END, ConsentCell
from apps.contacts.person.life_dates import EARLIEST, life_problem
from apps.contacts.person.names import split_name, without_suffix
from apps.contacts.person.reach import OTHERS, Way, put
from apps.contacts.tags.names import misfit, split
from apps.contacts.values import BadValue
from apps.imports.column_mapping import ColumnMapping, target_of
from apps.imports.readers.rows import FOOT, PersonRow, Rejection, Row, Unread, is_foot, ragged
from apps.imports.readers.tables import Table

UTC = ZoneInfo("UTC")


def read(
    table: Table,
    mapping: ColumnMapping,
    *,
    today: date,
    attributes: Mapping[str, str] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
    zone: ZoneInfo = UTC,
) -> Iterator[Row]:
    """Rows of `table`; `attributes` are own ones by name to type, `choices` the lists of those that have one.

    In `zone` the last day of a consent ends.

    A key that stands in an earlier row of the file is rejected, so that a second import changes nothing. Raises
    `BadMapping` for a column that is missing, `Unreadable` when the file breaks.
    """
    reader = PersonReader(table.headers, mapping, today=today, attributes=attributes, choices=choices, zone=zone)
    seen: set[str] = set()
    for line, cells in table.rows():
        row = reader(line, cells)
        if isinstance(row, PersonRow) and repeated(seen, row.key):
            row = Rejection(line, REPEATED, tuple(cells))
        yield row


# The line number would make each of these reasons one of its own.
REPEATED = "an earlier row has the same key"


def repeated(seen: set[str], key: str) -> bool:
    """Whether a key stood in an earlier row of the file; notes it in `seen`.

    Ids may repeat in other case or spacing; the tokens of the vault fold them the same way.
    """
    folded = key.casefold()
    if folded in seen:
        return True
    seen.add(folded)
    return False


_NEW: Any = object()
_REMEMBERED = 20_000
"""How many cells of a column a reader remembers with their values: a list has few towns and many birth dates."""
_OWN = ("email", "phone")
"""Kinds of which everybody has their own: remembering them would help nobody."""


@dataclass(frozen=True, slots=True)
class _Step:
    """How one column is read: its place, its target, and the values of cells that were read before."""

    index: int
    column: str
    head: str
    inner: str
    part: str
    read: Callable[[str], Any]
    known: dict[str, Any] | None
    decides: bool
    """Whether a cell that cannot be read rejects the row: the match key, and consents."""


class PersonReader:
    """Reads rows of a list one by one; each row by itself, so that several processes may share a file.

    Raises `BadMapping` when `headers` lack a column of the mapping.
    """

    def __init__(
        self,
        headers: tuple[str, ...],
        mapping: ColumnMapping,
        *,
        today: date,
        attributes: Mapping[str, str] | None = None,
        choices: Mapping[str, Sequence[str]] | None = None,
        zone: ZoneInfo = UTC,
    ) -> None:
        mapping.bind(headers)
        self._zone = zone
        self._mapping, self._today, self._latest = mapping, today, today.isoformat()
        self._width = len(headers)
        steps = _steps(headers, mapping, attributes, choices or {}, today)
        self._steps = steps
        self._others = [step for step in steps if step.head != "consent"]
        self._stated = [step.index for step in steps if step.head == "consent"]
        self._consents: dict[tuple[str, ...], tuple[ConsentCell, ...]] = {} if self._stated else {(): ()}
        self._countries = "country" in mapping.columns.values()
        self._key_column = next((column for column, name in mapping.columns.items() if name == mapping.match_on), "")

    def __call__(self, line: int, cells: list[str]) -> PersonRow | Rejection:
        """The person of a row, or why there is none."""
        if len(cells) != self._width and (wrong := ragged(line, cells, self._width)):
            return Rejection(line, FOOT, tuple(cells)) if is_foot(cells) else wrong
        try:
            return self._person(line, cells)
        except BadValue as error:
            return Rejection(line, FOOT if is_foot(cells) else str(error), tuple(cells))

    def _person(self, line: int, cells: list[str]) -> PersonRow:
        mapping = self._mapping
        profile: dict[str, Any] = {}
        unread: list[Unread] = []
        stated = tuple([cells[index] for index in self._stated])
        # Lists state the same consent in row after row.
        consents = self._consents.get(stated)
        parts: dict[str, dict[str, Any]] = {}
        outside = ""
        for step in self._steps if consents is None else self._others:
            cell, known = cells[step.index], step.known
            value = _NEW if known is None else known.get(cell, _NEW)
            if value is _NEW:
                try:
                    value = _value(step, cell)
                except BadValue as error:
                    if step.decides and (step.head == "consent" or not error.rest):
                        raise BadValue(f"{step.column} {error}") from None
                    # One odd cell costs the cell, not the patient.
                    unread.append((step.column, str(error), cell))
                    value = error.rest
                else:
                    if known is not None and len(known) < _REMEMBERED:
                        known[cell] = value
            if value is None or value in ("", ()):
                continue
            head = step.head
            if head == "consent":
                parts.setdefault(step.inner, {})[step.part] = value
            elif step.inner:
                profile.setdefault(head, {})[step.inner] = value
            elif head == "external_id":
                outside = value
                profile["external_ids"] = {mapping.source: value}
            elif head == "full_name":
                profile.update(value)
            elif head == "last_name" and type(value) is dict:
                # A column of their own says more than what stands behind a name.
                profile["last_name"] = value["last_name"]
                profile.setdefault("suffix", value["suffix"])
            else:
                profile[head] = value
        if "other_emails" in profile or "other_phones" in profile:
            _others(profile)
        key = outside if mapping.match_on == "external_id" else profile.get(mapping.match_on, "")
        if not key:
            raise BadValue(f"{self._key_column} is empty: people are matched by it")
        if len(profile) <= _FEW and is_foot(cells):
            raise BadValue(FOOT)
        born, died = profile.get("birth_date"), profile.get("death_date")
        # Days in ISO form stand in the order of their texts.
        if died or (born and not _EARLIEST <= born <= self._latest):
            self._impossible(profile, cells, unread)
        if self._countries:
            _with_zeros(profile.get("address") or {})
        mended = False
        if key.endswith("0") and mapping.match_on in _NUMBERED and (whole := whole_number(key)) != key:
            key, mended = whole, True
            if mapping.match_on == "mrn":
                profile["mrn"] = key
            else:
                profile["external_ids"] = {mapping.source: key}
        profile.setdefault("relation", mapping.relation)
        guardian = str(profile.pop("guardian", ""))
        if consents is None:
            consents = _consents(parts, mapping, self._today, self._zone)
            if len(self._consents) < _REMEMBERED:
                self._consents[stated] = consents
        tags = profile.pop("tags", ())
        if isinstance(tags, str):  # what was left of a cell with an odd one in it
            tags = tuple(split(tags))
        return PersonRow(line, key, profile, consents, guardian, tuple(cells), tuple(unread), mended, tags)

    def _impossible(self, profile: dict[str, Any], cells: list[str], unread: list[Unread]) -> None:
        """Leave out a day of birth or death that cannot be. Systems write 1/1/1900 for "not dead"."""
        while problem := life_problem(_day(profile.get("birth_date")), _day(profile.get("death_date")), self._today):
            head = "birth_date" if problem.startswith("The birth") else "death_date"
            del profile[head]
            step = next(step for step in self._steps if step.head == head)
            unread.append((step.column, problem[0].lower() + problem[1:], cells[step.index]))


def _with_zeros(address: dict[str, Any]) -> None:
    """Give a ZIP code its zeros back, where the row says no other country."""
    if address.get("zip") and " ".join(address.get("country", "").casefold().split()) in _HERE:
        address["zip"] = values.zip_code(address["zip"])


_NUMBERED = ("mrn", "external_id")
"""What numbers of systems are: spreadsheets take them for measures, and put ``.0`` behind them."""
_HERE = frozenset({"", "us", "usa", "u.s.", "u.s.a.", "united states", "united states of america", "estados unidos"})
"""Names of the country whose postal codes have five digits, zeros in front included."""
_FEW = 3
"""A row that says no more than this is looked at: it may be the foot of the list."""

_EARLIEST = EARLIEST.isoformat()


def _value(step: _Step, cell: str) -> Any:
    if "'" in cell or not cell.isascii():
        cell = clean(cell)
    value = step.read(cell)
    return value.isoformat() if isinstance(value, date) and step.head != "consent" else value


def _others(profile: dict[str, Any]) -> None:
    """Other addresses and telephones as the profile has them: without repeats, the first in an empty primary place."""
    for kind, place in OTHERS.items():
        if more := profile.pop(place, None):
            known = [Way(profile[kind], primary=True)] if profile.get(kind) else []
            put(profile, kind, [*known, *(Way(value, primary=False) for cell in more.values() for value in cell)])


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _end_of(until: date | None, zone: ZoneInfo) -> datetime | None:
    """The moment after the last day in the clinic's zone; other systems write the year 9999 for "no end"."""
    if until is None or until.year >= NO_END:
        return None
    return datetime.combine(until + timedelta(days=1), time.min, zone)


def _steps(
    headers: tuple[str, ...],
    mapping: ColumnMapping,
    attributes: Mapping[str, str] | None,
    choices: Mapping[str, Sequence[str]],
    today: date,
) -> list[_Step]:
    names = set(mapping.columns.values())
    kinds: dict[str, Callable[[str], Any]] = {
        "date": values.date_reader(mapping.date_format),
        "birth": values.date_reader(mapping.date_format, birth=today, century=mapping.century),
        "email": values.email_cell,
        "phone": values.phone_cell,
        "key": values.record_number,
        "zip": values.postal_code if "country" in names else values.zip_code,
        "sex": values.sex,
        "language": values.language,
        "relation": values.relation,
        "consent": values.consent_state,
        "number": values.number,
        "boolean": values.boolean,
        "tags": _tags,
    }
    found: list[_Step] = []
    for column, name in mapping.columns.items():
        target = target_of(name, attributes)
        if target is None:
            continue
        longest = target.longest

        def words(cell: str, longest: int = longest) -> str:
            return values.text(cell, longest)

        head, inner, part = (*target.path, "", "")[:3]
        known: dict[str, Any] | None = None if target.kind in _OWN or name == mapping.match_on else {}
        read = kinds.get(target.kind, words)
        if head in OTHERS.values():
            read = _several(read)
        elif head == "last_name":
            read = _last_name(longest)
        elif head == "full_name":
            read = _full_name(name == "full_name_two_families")
        elif head == "attributes" and inner in choices:
            read = values.choice_reader(choices[inner])
        decides = head == "consent" or name == mapping.match_on
        found.append(_Step(headers.index(column), column, head, inner, part, read, known, decides))
    return found


def _several(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def readers(cell: str) -> Any:
        return tuple(value for part in re.split(r"[;,|\n]", cell) if part.strip() and (value := read(part.strip())))

    return readers


def _tags(cell: str) -> tuple[str, ...]:
    found = split(cell)
    good = tuple(name for name in found if not misfit(name))
    if len(good) < len(found):
        wrong = next(filter(None, map(misfit, found)))
        raise BadValue(f"has a tag that {wrong}", rest="; ".join(good))
    return good


def _last_name(longest: int) -> Callable[[str], Any]:
    def read(cell: str) -> Any:
        name = values.text(cell, longest)
        family, suffix = without_suffix(name) if " " in name or "," in name else (name, "")
        return {"last_name": family, "suffix": suffix} if suffix else name

    return read


def _full_name(two_families: bool) -> Callable[[str], Any]:
    def read(cell: str) -> Any:
        full = values.text(cell)
        return split_name(full, two_families=two_families).fields() if full else None

    return read


def _consents(
    found: dict[str, dict[str, Any]], mapping: ColumnMapping, today: date, zone: ZoneInfo
) -> tuple[ConsentCell, ...]:
    made: list[ConsentCell] = []
    for purpose, parts in sorted(found.items()):
        state = parts.get("")
        if not state:
            continue
        on = parts.get("date")
        if on is None:
            raise BadValue(f"consent to {purpose} has no date")
        if on > today:
            raise BadValue(f"the date of the consent to {purpose} lies in the future")
        until = parts.get("until")
        if until is not None and until < on:
            raise BadValue(f"the consent to {purpose} ends before it was given")
        default = mapping.consent
        made.append(
            ConsentCell(
                purpose=purpose,
                state=state,
                on=on,
                method=parts.get("method") or default.get("method", "import"),
                wording=parts.get("wording") or default.get("wording", ""),
                by=parts.get("by") or default.get("by", ""),
                expires=_end_of(until, zone) if state == "granted" else None,
            )
        )
    return tuple(made)
