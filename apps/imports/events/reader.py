"""Rows of a list of events, by a mapping. Pure: each row by itself, but for repeated ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from apps.contacts.timeline.results import KIND
from apps.contacts.timeline.value_sets import BY_TEXT
from apps.contacts.values import BadValue, date_reader, text
from apps.imports.events.mapping import KINDS, EventMapping, code_system, kind_of
from apps.imports.readers.rows import EventRow, Rejection, Row, ragged
from apps.imports.readers.synthea import Repeats
from apps.imports.readers.tables import Table

_MOMENT = re.compile(r"(.+?)[T ]+(\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?)\s*(Z|[+-]\d\d:?\d\d)?")
_SPREADSHEET_NUMBER = re.compile(r"(\d+)\.0+")


def read(table: Table, mapping: EventMapping, *, today: date) -> Iterator[Row]:
    """Rows of the table. Raises ``Unreadable`` when the file breaks further down."""
    reader = _Reader(table.headers, mapping, today)
    for line, cells in table.rows():
        if wrong := ragged(line, cells, len(table.headers)):
            yield wrong
            continue
        try:
            yield reader(line, cells)
        except BadValue as error:
            yield Rejection(line, str(error), tuple(cells))


class _Reader:
    def __init__(self, headers: tuple[str, ...], mapping: EventMapping, today: date) -> None:
        self._at = {name: headers.index(header) for header, name in mapping.columns.items()}
        self._mapping = mapping
        self._today = today
        self._form = date_reader(mapping.date_format)
        self._iso = date_reader("%Y-%m-%d")
        self._seen = Repeats()

    def __call__(self, line: int, cells: list[str]) -> EventRow:
        """The event of a row. Raises ``BadValue`` for what makes it nobody's, nothing or never."""

        def cell(name: str, longest: int = 500) -> str:
            if name not in self._at:
                return ""
            try:
                return text(cells[self._at[name]], longest)
            except BadValue as error:
                raise BadValue(f"the {name.replace('_', ' ')} {error}") from None

        person = cell(self._mapping.match_on, 200)
        if not person:
            raise BadValue("the row does not say whom it is about")
        kind = self._mapping.kind or kind_of(cell("kind")) or ""
        if not kind:
            raise BadValue("the kind of event is none of " + ", ".join(KINDS))
        on, start = self._moment(cell("date"))
        event: dict[str, Any] = {"kind": kind, **self._code(kind, cell), "start": start}
        if kind == KIND:
            event["value"], event["unit"] = cell("value"), cell("unit", 60)
            if not event["value"]:
                raise BadValue("the result is empty")
        if visit := cell("class", 60):
            event["class"] = visit.lower()
        unread = ""
        if ended := cell("end"):
            try:
                event["stop"] = self._moment(ended)[1]
            except BadValue:
                unread = "the end date cannot be read: the event was taken without it"
        if own := cell("event_id", 120):
            identity = f"events|id|{kind}|{own}"
        else:
            base = (
                f"events|{self._mapping.match_on}|{person.casefold()}|{kind}|{event['system']}|{event['code']}|{start}"
            )
            identity = self._seen.identity(base, event)
        return EventRow(line, person, identity, event, on, tuple(cells), unread)

    def _moment(self, cell: str) -> tuple[date, str]:
        """Day, and the moment as it is kept: the day in ISO form, with the time where the cell has one."""
        if not cell:
            raise BadValue("the date is empty")
        found = _MOMENT.fullmatch(cell)
        day_text, time = (found[1], found[2]) if found else (cell, "")
        try:
            day = self._form(day_text)
        except BadValue:
            try:
                day = self._iso(day_text)
            except BadValue:
                raise BadValue("the date is not written as the mapping says") from None
        if day is None:
            raise BadValue("the date is empty")
        if day > self._today:
            raise BadValue("the date lies in the future")
        clock = _clock(time)
        return day, f"{day.isoformat()}T{clock}" if clock and clock != "00:00:00" else day.isoformat()

    def _code(self, kind: str, cell: Any) -> dict[str, Any]:
        code, term = cell("code", 40), cell("term")
        if number := _SPREADSHEET_NUMBER.fullmatch(code):
            code = number[1]
        if not code and not term:
            raise BadValue("the row does not say what happened: code and name are empty")
        if not code:
            return {"code": term.casefold()[:80], "system": BY_TEXT, "term": term}
        named = cell("system", 80)
        system = code_system(named) if named else self._mapping.system or KINDS[kind][1]
        return {"code": code, "system": system, "term": term or None}


def _clock(time: str) -> str:
    """ "2:05 PM" as 14:05:00; "" for none."""
    found = re.fullmatch(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*(?:([AaPp])\.?[Mm]\.?)?", time.strip())
    if found is None:
        return ""
    hour = int(found[1])
    if found[4]:
        hour = hour % 12 + (12 if found[4] in "pP" else 0)
    if hour > 23 or int(found[2]) > 59:
        return ""
    return f"{hour:02}:{found[2]}:{found[3] or '00'}"
