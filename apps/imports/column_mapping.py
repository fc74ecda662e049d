"""Which column means what: MAPPING.json, its checks, and the guesses of the mapping page.

    {"match_on": "mrn", "columns": {"GivenName": "first_name"}, "date_format": "%m/%d/%Y",
     "ignore": ["Password"]}

A consent may have columns beside its own: `consent.marketing.date` (needed), `.until` (the last day it holds; empty or
year 9999 for no end), `.method`, `.wording`, `.by`.

Optional keys: `relation` (default "patient"), `mode` (update, fill, skip), `consent` (defaults for `method`,
`wording`, `by` where a file has no such column), `source` (name of the system that `external_id` comes from),
`century` ("19" or "20": of which two-digit years of birth are that may be of both), `tags` (names of tags for everybody
in the list; a column may go to `tags` too, with several between commas or semicolons). `encoding`, `header_line` and
`sheet` say how the file is read, where it would be read otherwise by itself (`readers.code_pages`, `readers.tables`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.contacts import values
from apps.contacts.days import CENTURIES
from apps.contacts.tags.names import misfit, split
from apps.imports.column_guesses import ColumnGuess, guess, suggest
from apps.imports.column_targets import CONSENT_TARGET, FULL_NAMES, MATCHABLE, TARGETS, target_of
from apps.imports.diff import MODES, UPDATE
from apps.imports.readers.code_pages import ENCODINGS


class BadMapping(Exception):
    """The mapping cannot be used; `str()` says which part and what to do."""


class NotJson(BadMapping):
    """The text of a mapping is no JSON at all."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A mapping that was checked for itself; `bind` checks it against a file's header."""

    match_on: str
    columns: dict[str, str]
    date_format: str = "%Y-%m-%d"
    ignore: tuple[str, ...] = ()
    relation: str = "patient"
    mode: str = UPDATE
    source: str = "file"
    consent: dict[str, str] = field(default_factory=dict)
    century: str = ""
    tags: tuple[str, ...] = ()
    reading: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form, as the mapping page exports it."""
        document: dict[str, Any] = {
            "match_on": self.match_on,
            "columns": dict(self.columns),
            "date_format": self.date_format,
            "ignore": list(self.ignore),
        }
        if self.relation != "patient":
            document["relation"] = self.relation
        if self.mode != UPDATE:
            document["mode"] = self.mode
        if self.source != "file":
            document["source"] = self.source
        if self.consent:
            document["consent"] = dict(self.consent)
        if self.century:
            document["century"] = self.century
        if self.tags:
            document["tags"] = list(self.tags)
        return document | self.reading

    def as_json(self) -> str:
        """Indented JSON text."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False) + "\n"

    def bind(self, headers: tuple[str, ...]) -> None:
        """Raise `BadMapping` unless every column of the mapping stands in the file."""
        missing = [column for column in self.columns if column not in headers]
        if missing:
            names = ", ".join(f"“{column}”" for column in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            raise BadMapping(f"The file has no column {names}{more}. Choose the right file, or correct the mapping.")


def parse(document: object, attributes: Mapping[str, str] | None = None) -> ColumnMapping:
    """Check a mapping document. Raises `BadMapping` naming the part."""
    if not isinstance(document, dict):
        raise BadMapping("The mapping is not a JSON object. Export one from the mapping page to see its form.")
    known = {"match_on", "columns", "date_format", "ignore", "relation", "mode", "consent", "source", "century", "tags"}
    known |= set(READING)
    if strange := sorted(set(map(str, document)) - known):
        raise BadMapping(f"The mapping has an unknown key “{strange[0]}”. Known keys: {', '.join(sorted(known))}.")
    columns = document.get("columns")
    if not isinstance(columns, dict) or not columns:
        raise BadMapping("The mapping has no “columns”: name at least one column and its field.")
    _check_columns(columns, attributes)
    match_on = document.get("match_on")
    if not isinstance(match_on, str) or match_on not in MATCHABLE:
        named = ", ".join(f"{TARGETS[name].label.lower()} ({name})" for name in MATCHABLE)
        raise BadMapping(f"Choose what people are matched by (“match_on” in a mapping file): {named}.")
    if match_on not in columns.values():
        raise BadMapping(f"People are matched by “{TARGETS[match_on].label}”, but no column is mapped to it.")
    form = document.get("date_format", "%Y-%m-%d")
    try:
        values.check_date_format(form)
    except values.BadValue as error:
        raise BadMapping(f"“date_format” {error}. Use one such as %m/%d/%Y.") from None
    ignore = document.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(column, str) for column in ignore):
        raise BadMapping("“ignore” must be a list of column names.")
    if both := [column for column in ignore if column in columns]:
        raise BadMapping(f"Column “{both[0]}” is mapped and ignored at once. Choose one.")
    relation = document.get("relation", "patient")
    if not isinstance(relation, str) or relation not in set(values.RELATIONS.values()):
        raise BadMapping("“relation” must be one of patient, b2b, subscriber.")
    mode = document.get("mode", UPDATE)
    if not isinstance(mode, str) or mode not in MODES:
        raise BadMapping(f"“mode” must be one of {', '.join(MODES)}.")
    source = document.get("source", "file")
    if not isinstance(source, str) or not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", source):
        raise BadMapping("“source” must be a short name in lower case, such as epic or crm.")
    consent = document.get("consent", {})
    if not isinstance(consent, dict) or not set(consent) <= {"method", "wording", "by"}:
        raise BadMapping("“consent” may hold method, wording and by.")
    if not all(isinstance(value, str) for value in consent.values()):
        raise BadMapping("The values of “consent” must be text.")
    century = str(document.get("century", ""))
    if century and century not in CENTURIES:
        raise BadMapping("“century” must be 19 or 20: of which century two-digit years of birth are.")
    return ColumnMapping(
        match_on,
        dict(columns),
        form,
        tuple(ignore),
        relation,
        mode,
        source,
        dict(consent),
        century,
        _tags_of(document),
        reading_of(document),
    )


MOST_TAGS = 20


def _tags_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The tags that everybody in the list gets. Raises `BadMapping` for what can be none."""
    found = document.get("tags", [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found) or len(found) > MOST_TAGS:
        raise BadMapping(f"“tags” must be a list of up to {MOST_TAGS} names of tags.")
    for name in found:
        if wrong := misfit(name):
            raise BadMapping(f"A tag for everybody in the list {wrong}. Correct “{name[:80]}”.")
    return tuple(split("\n".join(found)))


READING = ("encoding", "header_line", "sheet")
"""Parts of a mapping that say how the file is read, where it is read otherwise than it would be by itself."""


def reading_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """How a mapping wants its file read. Raises `BadMapping` naming the part."""
    found = {name: document[name] for name in READING if document.get(name) not in (None, "")}
    line = found.get("header_line")
    if line is not None and (not isinstance(line, int) or isinstance(line, bool) or not 1 <= line <= 1000):
        raise BadMapping("“header_line” must be the number of the line with the names of the columns, from 1.")
    if "encoding" in found and found["encoding"] not in ENCODINGS:
        raise BadMapping(f"“encoding” must be one of {', '.join(ENCODINGS)}.")
    if not isinstance(found.get("sheet", ""), str):
        raise BadMapping("“sheet” must be the name of a sheet of the workbook.")
    return found


def _check_columns(columns: dict[Any, Any], attributes: Mapping[str, str] | None) -> None:
    used: dict[str, str] = {}
    for column, name in columns.items():
        if not isinstance(name, str) or target_of(name, attributes) is None:
            raise BadMapping(f"Column “{column}” is mapped to a field that does not exist. Choose another.")
        if name in used:
            raise BadMapping(f"Columns “{used[name]}” and “{column}” are mapped to the same field. Choose one.")
        used[name] = str(column)
    for name in used:
        found = CONSENT_TARGET.fullmatch(name)
        if found and found[2] and f"consent.{found[1]}" not in used:
            whole = TARGETS[f"consent.{found[1]}"].label
            raise BadMapping(f"“{TARGETS[name].label}” needs a column for “{whole}” beside it.")
        if found and not found[2] and f"{name}.date" not in used:
            day = TARGETS[f"{name}.date"].label
            raise BadMapping(f"Consent to {found[1]} needs the day it was given: let a column go to “{day}”.")
    names = FULL_NAMES & set(used)
    if len(names) == 2 or (names and {"first_name", "last_name"} & set(used)):
        raise BadMapping("Map either the full name or first and last name, not both.")


def parse_json(text: str, attributes: Mapping[str, str] | None = None) -> ColumnMapping:
    """`parse` for the text of a MAPPING.json. Raises ``NotJson`` for a text that is none, else as `parse` does."""
    if len(text) > 200_000:
        raise BadMapping("The mapping is larger than 200 kB; that is not a mapping.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotJson("The mapping is not JSON. Export one from the mapping page to see its form.") from None
    return parse(document, attributes)


__all__ = [
    "MATCHABLE",
    "TARGETS",
    "BadMapping",
    "ColumnGuess",
    "ColumnMapping",
    "NotJson",
    "guess",
    "parse",
    "parse_json",
    "suggest",
    "target_of",
]
