"""Rows of any list of people, read by a mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from apps.contacts.importing import values
from apps.contacts.importing.mapping import ColumnMapping, Target, target_of
from apps.contacts.importing.rows import ConsentCell, PersonRow, Rejection, Row, life_problem, ragged
from apps.contacts.importing.sources import Table
from apps.contacts.importing.values import BadValue


def read(
    table: Table,
    mapping: ColumnMapping,
    *,
    today: date,
    attributes: Mapping[str, str] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Row]:
    """Rows of `table`; `attributes` are own ones by name to type, `choices` the lists of those that have one.

    A key that stands in an earlier row of the file is rejected, so that a second import changes nothing. Raises
    `BadMapping` for a column that is missing, `Unreadable` when the file breaks.
    """
    mapping.bind(table.headers)
    readers = _readers(table, mapping, attributes, choices or {})
    width = len(table.headers)
    first_line: dict[str, int] = {}
    for line, cells in table.rows():
        if wrong := ragged(line, cells, width):
            yield wrong
            continue
        try:
            row = _person(line, cells, readers, mapping, today)
        except BadValue as error:
            yield Rejection(line, str(error), tuple(cells))
            continue
        # Ids may repeat in other case or spacing; the tokens of the vault fold them the same way.
        folded = row.key.casefold()
        if folded in first_line:
            # The line number would make each of these reasons one of its own.
            yield Rejection(line, "an earlier row has the same key", tuple(cells))
            continue
        first_line[folded] = line
        yield row


_Reader = tuple[int, str, Target, Callable[[str], Any]]


def _readers(
    table: Table,
    mapping: ColumnMapping,
    attributes: Mapping[str, str] | None,
    choices: Mapping[str, Sequence[str]],
) -> list[_Reader]:
    kinds: dict[str, Callable[[str], Any]] = {
        "date": values.date_reader(mapping.date_format),
        "email": values.email,
        "phone": values.phone,
        "sex": values.sex,
        "language": values.language,
        "relation": values.relation,
        "consent": values.consent_state,
        "number": values.number,
        "boolean": values.boolean,
    }
    found: list[_Reader] = []
    for column, name in mapping.columns.items():
        target = target_of(name, attributes)
        if target is None:
            continue
        longest = target.longest

        def words(cell: str, longest: int = longest) -> str:
            return values.text(cell, longest)

        reader = kinds.get(target.kind, words)
        if target.path[0] == "attributes" and target.path[1] in choices:
            reader = values.choice_reader(choices[target.path[1]])
        found.append((table.headers.index(column), column, target, reader))
    return found


def _person(line: int, cells: list[str], readers: list[_Reader], mapping: ColumnMapping, today: date) -> PersonRow:
    profile: dict[str, Any] = {}
    consents: dict[str, dict[str, Any]] = {}
    outside = ""
    for index, column, target, reader in readers:
        try:
            value = reader(cells[index])
        except BadValue as error:
            raise BadValue(f"{column} {error}") from None
        if value is None or value == "":
            continue
        head = target.path[0]
        if head == "consent":
            consents.setdefault(target.path[1], {})[target.path[2]] = value
        elif head == "external_id":
            outside = value
            profile["external_ids"] = {mapping.source: value}
        elif head == "full_name":
            profile["first_name"], profile["last_name"] = split_name(value)
        elif len(target.path) == 2:
            profile.setdefault(head, {})[target.path[1]] = _plain(value)
        else:
            profile[head] = _plain(value)
    key = outside if mapping.match_on == "external_id" else profile.get(mapping.match_on, "")
    if not key:
        column = next(column for column, name in mapping.columns.items() if name == mapping.match_on)
        raise BadValue(f"{column} is empty: people are found again by it")
    born, died = _day(profile, "birth_date"), _day(profile, "death_date")
    if problem := life_problem(born, died, today):
        raise BadValue(problem)
    profile.setdefault("relation", mapping.relation)
    guardian = str(profile.pop("guardian", ""))
    return PersonRow(line, key, profile, _consents(consents, mapping, today), guardian=guardian, cells=tuple(cells))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _day(profile: dict[str, Any], name: str) -> date | None:
    return date.fromisoformat(profile[name]) if name in profile else None


def split_name(full: str) -> tuple[str, str]:
    """First and last name of “Last, First” or “First Last”; the last word is the family name."""
    if "," in full:
        last, _, first = full.partition(",")
        return first.strip(), last.strip()
    first, _, last = full.rpartition(" ")
    return first.strip(), last.strip()


def _consents(found: dict[str, dict[str, Any]], mapping: ColumnMapping, today: date) -> tuple[ConsentCell, ...]:
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
        default = mapping.consent
        made.append(
            ConsentCell(
                purpose=purpose,
                state=state,
                on=on,
                method=parts.get("method") or default.get("method", "import"),
                wording=parts.get("wording") or default.get("wording", ""),
                by=parts.get("by") or default.get("by", ""),
            )
        )
    return tuple(made)
