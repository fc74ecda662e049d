"""Rows of people made ready for the tables: read, checked, keyed and, where nobody knows them yet, sealed.

This is the work of an import that one process can do without looking into the database, so that several may share
it: each chunk by itself, from the cells as they stand in the file. Pure but for the vault's keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts.consent.given import ConsentCell, standing
from apps.contacts.person import search_values
from apps.contacts.person.fields import FieldSpec
from apps.contacts.person.sealed_rows import Fresh, Packed, pack
from apps.imports.column_mapping import ColumnMapping
from apps.imports.readers import synthea
from apps.imports.readers.people import PersonReader
from apps.imports.readers.rows import PersonRow, Rejection, Unread

Line = tuple[int, list[str]]
"""Line number in the file, cells."""
Reader = Callable[[int, list[str]], PersonRow | Rejection]


@dataclass(frozen=True)
class Recipe:
    """How the rows of one file are read; ``mapping`` None means Synthea's patients.csv.

    Own attributes come along as plain data, because whoever prepares cannot look them up: ``attributes`` are their
    types and ``choices`` their lists by name (how cells are read), ``own`` describes them as fields (how they are
    keyed). In ``zone`` (the clinic's) the last day of a consent ends.
    """

    headers: tuple[str, ...]
    today: date
    mapping: ColumnMapping | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    invent_addresses: bool = False
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own: Mapping[str, FieldSpec] = field(default_factory=dict, repr=False)
    zone: str = "UTC"

    @property
    def match(self) -> tuple[str, str]:
        """By what people are found again, and the name of the system their outside ids come from."""
        return (self.mapping.match_on, self.mapping.source) if self.mapping else ("external_id", synthea.SOURCE)

    def reader(self) -> Reader:
        """Raises ``BadMapping`` for a column that is missing."""
        if self.mapping is None:
            return synthea.PatientReader(self.headers, today=self.today, invent_addresses=self.invent_addresses)
        return PersonReader(
            self.headers,
            self.mapping,
            today=self.today,
            attributes=self.attributes,
            choices=self.choices,
            zone=ZoneInfo(self.zone),
        )

    @property
    def consents(self) -> int:
        """How many consents a row can state."""
        names = self.mapping.columns.values() if self.mapping else ()
        return sum(1 for name in names if name.startswith("consent.") and name.count(".") == 1)


@dataclass(slots=True)
class Prepared:
    """A chunk of rows, ready. Lists run in step over the good rows; ``places`` are their places in the chunk.

    ``rejected`` has place and reason; ``unread`` the cells that were left out, by place; ``mended`` the numbers of rows
    whose key lost a ``.0``; ``tags`` names of tags by the number of the row. ``packed`` is there for all good rows or
    for none; without it there are the ``rows``: profile and consents.
    """

    rejected: list[tuple[int, str]] = field(default_factory=list, repr=False)
    unread: list[tuple[int, tuple[Unread, ...]]] = field(default_factory=list, repr=False)
    mended: set[int] = field(default_factory=set)
    tags: dict[int, tuple[str, ...]] = field(default_factory=dict, repr=False)
    places: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list, repr=False)
    guardians: list[str] = field(default_factory=list, repr=False)
    matches: list[bytes] = field(default_factory=list, repr=False)
    unique: list[tuple[bytes, ...]] = field(default_factory=list, repr=False)
    consents: list[int] = field(default_factory=list)
    rows: list[tuple[dict[str, Any], tuple[ConsentCell, ...]]] | None = field(default=None, repr=False)
    packed: Packed | None = field(default=None, repr=False)
    people: list[int] = field(default_factory=list)


def prepare(reader: Reader, recipe: Recipe, lines: Sequence[Line], fresh: Fresh | None) -> Prepared:
    """Make a chunk ready; ``reader`` is the recipe's. With ``fresh`` ids it is packed as if nobody in it were known."""
    made = Prepared()
    rows: list[PersonRow] = []
    for place, (line, cells) in enumerate(lines):
        row = reader(line, cells)
        if isinstance(row, Rejection):
            made.rejected.append((place, row.reason))
        else:
            if row.unread:
                made.unread.append((place, row.unread))
            if row.mended:
                made.mended.add(len(rows))
            if row.tags:
                made.tags[len(rows)] = row.tags
            made.places.append(place)
            rows.append(row)
    _add(made, rows, recipe.match, fresh, recipe.own)
    return made


def prepared(rows: Sequence[PersonRow], match: tuple[str, str]) -> Prepared:
    """Rows that were read elsewhere, made ready."""
    made = Prepared(places=list(range(len(rows))))
    made.unread = [(place, row.unread) for place, row in enumerate(rows) if row.unread]
    made.mended = {number for number, row in enumerate(rows) if row.mended}
    made.tags = {number: row.tags for number, row in enumerate(rows) if row.tags}
    _add(made, rows, match, None, {})
    return made


def _add(
    made: Prepared,
    rows: Sequence[PersonRow],
    match: tuple[str, str],
    fresh: Fresh | None,
    own: Mapping[str, FieldSpec],
) -> None:
    match_on, source = match
    all_unique = []
    for row in rows:
        unique = search_values.unique_identities(row.profile)
        all_unique.append(unique)
        made.unique.append(tuple([token for _, token in unique]))
        if match_on == "mrn":
            made.matches.append(unique[0][1])  # a record number stands first
        else:
            made.matches.append(search_values.match_token(match_on, source, row.key)[1])
        made.keys.append(row.key)
        made.guardians.append(row.guardian)
        made.consents.append(len(row.consents))
    if fresh is None:
        made.rows = [(row.profile, row.consents) for row in rows]
        return
    made.people = fresh.people[: len(rows)]
    states = [standing(row.consents, fresh.now) for row in rows]
    profiles, consents = [row.profile for row in rows], [row.consents for row in rows]
    made.packed, _ = pack(fresh, profiles, consents=consents, states=states, own=own, unique=all_unique)
