"""The blocks of a template: the checking of JSON against their schema.

One list, `kinds.BLOCKS`, says what every kind of block holds; `parse` accepts nothing else. Errors name the block
and say what to do, so the editor, the command line and the API can show them as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.content import rich
from apps.content.kinds import (
    BLOCKS,
    LANGUAGES,
    LAYOUTS,
    LEAVES,
    OF_A_LANGUAGE,
    OPERATIONS,
    Kind,
    Setting,
)
from apps.core.errors import Refused

MAX_BLOCKS = 200
MAX_DEPTH = 6
MAX_TEXT = 20_000
MAX_LINE = 500


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a template. `block` is a block id, or "" for the template as a whole."""

    message: str
    block: str = ""
    setting: str = ""


class BadTemplate(Refused):
    """A template that cannot be saved or compiled; `problems` has all that was found."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(problems[0].message if problems else "The template cannot be read.")


@dataclass(frozen=True, slots=True)
class Block:
    """One block, checked: all settings of its kind are there; `lists` are its nested lists in order of the
    kind.
    """

    id: str
    type: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    lists: tuple[tuple[Block, ...], ...] = ()

    @property
    def kind(self) -> Kind:
        """Its kind."""
        return BLOCKS[self.type]


@dataclass(frozen=True, slots=True)
class Design:
    """A whole template, checked. `text` is the author's own text part, or None to generate it."""

    subject: str
    preheader: str
    language: str
    blocks: tuple[Block, ...]
    text: str | None = None
    level: int = 0
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The words in further languages: code to ``subject, preheader, text, blocks`` (block id to settings). Only what
    is written stands there; `apps.content.variants` says what is missing. ``older`` has the same shape and holds the
    main words that a translation was made from, where those have changed since.
    """

    def walk(self) -> Iterator[Block]:
        """Every block, outer before inner."""
        yield from walk(self.blocks)

    def find(self, block_id: str) -> Block | None:
        """The block of that id."""
        return next((block for block in self.walk() if block.id == block_id), None)


def walk(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Every block of a list, outer before inner."""
    for block in blocks:
        yield block
        for inner in block.lists:
            yield from walk(inner)


def new(kind: str, block_id: str) -> dict[str, Any]:
    """A fresh block of `kind` as JSON, with its defaults."""
    spec = BLOCKS[kind]
    data: dict[str, Any] = {"id": block_id, "type": kind}
    for setting in spec.settings:
        data[setting.name] = _out(setting.default)
    if kind == "columns":
        data["columns"] = [[], []]
    else:
        data.update({name: [] for name in spec.lists})
    return data


def with_ids(data: Any) -> Any:
    """`data` (a template as JSON, or any part of it) with an id for each block that has none, by its place.

    Who writes a file by hand need not invent ids; translations (`variants`) name blocks by theirs.
    """
    taken: set[str] = set()

    def collect(part: Any) -> None:
        if isinstance(part, Mapping):
            if isinstance(part.get("id"), str):
                taken.add(part["id"])
            for value in part.values():
                collect(value)
        elif isinstance(part, list):
            for value in part:
                collect(value)

    def given(part: Any) -> Any:
        if isinstance(part, list):
            return [given(value) for value in part]
        if not isinstance(part, Mapping):
            return part
        out = {}
        if isinstance(part.get("type"), str) and "id" not in part:
            number = 1
            while f"b{number}" in taken:
                number += 1
            taken.add(f"b{number}")
            out["id"] = f"b{number}"
        return out | {name: given(value) for name, value in part.items()}

    collect(data)
    return given(data)


def parse(data: Any) -> Design:
    """Check template JSON and return it as a `Design`. Raises `BadTemplate` with every problem found."""
    if not isinstance(data, Mapping):
        raise BadTemplate([Problem("The template must be a JSON object with subject, preheader and blocks.")])
    problems: list[Problem] = []
    unknown = sorted(set(data) - {"subject", "preheader", "language", "blocks", "text", "level", "name", "variants"})
    if unknown:
        problems.append(Problem(f"“{unknown[0]}” is not part of a template. Remove it."))
    subject = _line(data.get("subject", ""), "subject", problems)
    preheader = _line(data.get("preheader", ""), "preheader", problems)
    language = data.get("language", "en")
    if not isinstance(language, str) or language not in LANGUAGES:
        problems.append(Problem(f"The language must be one of {', '.join(LANGUAGES)}.", setting="language"))
    level = data.get("level", 0)
    if type(level) is not int or not 0 <= level <= 3:
        problems.append(Problem("The level must be 0, 1, 2 or 3.", setting="level"))
        level = 0
    text = data.get("text")
    if text is not None and (not isinstance(text, str) or len(text) > MAX_TEXT * 5):
        problems.append(Problem("The text part must be text of at most 100,000 characters.", setting="text"))
        text = None
    text = _sendable(text) if text is not None else None
    reader = _Reader(problems)
    blocks = reader.read_list(data.get("blocks", []), "", 1)
    feet = [number for number, block in enumerate(blocks) if block.type == "footer"]
    if feet and feet != [len(blocks) - 1]:
        problems.append(
            Problem("The footer comes once and last. Move it to the end and keep only one.", blocks[feet[0]].id)
        )
    variants = _variants(data.get("variants", {}), blocks, reader)
    if language in variants:
        name = LANGUAGES[language]
        problems.append(
            Problem(
                f"This template has {name} words of its own. Remove them before you make {name} its main language.",
                setting="language",
            )
        )
    if problems:
        raise BadTemplate(problems)
    return Design(subject, preheader, language, blocks, text, level, variants)


def _variants(raw: Any, blocks: tuple[Block, ...], reader: _Reader) -> dict[str, dict[str, Any]]:
    """The words in further languages, checked like the main ones; words of blocks that are gone are left out."""
    problems = reader.problems
    if not isinstance(raw, Mapping):
        problems.append(Problem("The words in further languages must be a JSON object."))
        return {}
    found: dict[str, dict[str, Any]] = {}
    known = {block.id: block for block in walk(blocks)}
    for language, words in raw.items():
        if language not in LANGUAGES or not isinstance(words, Mapping):
            problems.append(Problem(f"A further language must be one of {', '.join(LANGUAGES)}.", setting="language"))
            continue
        if not (out := _words(words, known, reader)):
            continue
        older = words.get("older")
        if isinstance(older, Mapping) and (marks := _words(older, known, reader)):
            out["older"] = marks
        found[language] = out
    return found


def _words(words: Mapping[str, Any], known: Mapping[str, Block], reader: _Reader) -> dict[str, Any]:
    """Subject, preview line, text part and words of blocks; only what is written."""
    problems = reader.problems
    lines = {name: _line(words.get(name, ""), name, problems) for name in ("subject", "preheader")}
    out: dict[str, Any] = {name: text for name, text in lines.items() if text}
    text = words.get("text")
    if isinstance(text, str) and 0 < len(text) <= MAX_TEXT * 5:
        out["text"] = _sendable(text)
    elif text:
        problems.append(Problem("The text part must be text of at most 100,000 characters.", setting="text"))
    given = words.get("blocks", {})
    own = {}
    for block_id, values in given.items() if isinstance(given, Mapping) else ():
        block = known.get(block_id)
        if block is None or not isinstance(values, Mapping):
            continue
        read = {
            setting.name: reader.setting(setting, values, block_id)
            for setting in block.kind.settings
            if setting.kind in OF_A_LANGUAGE and values.get(setting.name)
        }
        read = {name: value for name, value in read.items() if value and _has_words(value)}
        if read:
            own[block_id] = read
    if own:
        out["blocks"] = own
    return out


def _has_words(value: Any) -> bool:
    """Whether anything is written: an emptied text block still holds tags, an emptied table empty cells."""
    if isinstance(value, tuple):
        return any(cell for row in value for cell in row)
    return bool(rich.plain(value).strip() if value.startswith("<") else value)


def dump(design: Design) -> dict[str, Any]:
    """The JSON of a design; `parse` reads it back unchanged."""
    out: dict[str, Any] = {
        "subject": design.subject,
        "preheader": design.preheader,
        "language": design.language,
        "blocks": [dump_block(block) for block in design.blocks],
    }
    if design.text is not None:
        out["text"] = design.text
    if design.level:
        out["level"] = design.level
    if design.variants:
        out["variants"] = {language: _words_out(words) for language, words in design.variants.items()}
    return out


def _words_out(words: Mapping[str, Any]) -> dict[str, Any]:
    own = {
        block_id: {name: _out(value) for name, value in values.items()}
        for block_id, values in words.get("blocks", {}).items()
    }
    out = {**words, "blocks": own} if own else dict(words)
    return {**out, "older": _words_out(words["older"])} if "older" in words else out


def dump_block(block: Block) -> dict[str, Any]:
    """The JSON of one block."""
    data: dict[str, Any] = {"id": block.id, "type": block.type}
    data.update({name: _out(value) for name, value in block.settings.items()})
    if block.type == "columns":
        data["columns"] = [[dump_block(inner) for inner in column] for column in block.lists]
    else:
        for name, blocks in zip(block.kind.lists, block.lists, strict=True):
            data[name] = [dump_block(inner) for inner in blocks]
    return data


def _out(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_out(item) for item in value]
    return value


def _sendable(text: str) -> str:
    """`text` without lone surrogates, which JSON can carry and no mail can: they become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _line(value: Any, name: str, problems: list[Problem], block: str = "") -> str:
    if not isinstance(value, str):
        problems.append(Problem(f"“{name}” must be text.", block, name))
        return ""
    text = " ".join(_sendable(value).split())
    if len(text) > MAX_LINE:
        problems.append(Problem(f"“{name}” is longer than {MAX_LINE} characters. Shorten it.", block, name))
        return ""
    return text


_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")
_NAME = re.compile(r"[a-z][a-z_]{0,29}\Z")
_FIELD = re.compile(r"[A-Za-z_][\w.]{0,79}\Z")


class _Reader:
    """Reads nested lists of blocks, collecting problems."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.seen: set[str] = set()

    def read_list(self, raw: Any, parent: str, depth: int, narrow: bool = False) -> tuple[Block, ...]:
        """`narrow`: the list stands, at any depth, inside a column."""
        if not isinstance(raw, list):
            self.problems.append(Problem("A list of blocks is expected here.", parent))
            return ()
        if depth > MAX_DEPTH:
            self.problems.append(Problem("Blocks are nested too deeply. Move them out.", parent))
            return ()
        return tuple(block for item in raw if (block := self.read(item, parent, depth, narrow)) is not None)

    def read(self, raw: Any, parent: str, depth: int, narrow: bool) -> Block | None:
        if not isinstance(raw, Mapping) or not isinstance(raw.get("type"), str) or raw["type"] not in BLOCKS:
            kind = raw.get("type") if isinstance(raw, Mapping) else raw
            shown = str(kind)[:30]
            self.problems.append(Problem(f"“{shown}” is not a kind of block. Use one of: {', '.join(BLOCKS)}.", parent))
            return None
        kind, block_id = BLOCKS[raw["type"]], raw.get("id")
        if not isinstance(block_id, str) or not _ID.match(block_id):
            self.problems.append(
                Problem(
                    f"A {kind.label.lower()} block has no proper id. Use lower-case letters and digits.",
                    parent,
                )
            )
            return None
        if block_id in self.seen:
            self.problems.append(Problem(f"Two blocks have the id “{block_id}”. Give each its own.", block_id))
            return None
        self.seen.add(block_id)
        if len(self.seen) > MAX_BLOCKS:
            self.problems.append(Problem(f"A template has at most {MAX_BLOCKS} blocks. Remove some."))
            return None
        if depth > 1 and kind.name == "footer":
            self.problems.append(Problem("The footer cannot stand inside another block. Move it out.", block_id))
        if narrow and kind.name == "columns":
            self.problems.append(Problem("Columns cannot stand inside columns. Move them out.", block_id))
        known = {setting.name for setting in kind.settings} | set(kind.lists) | {"id", "type"}
        for name in sorted(set(raw) - known):
            self.problems.append(Problem(f"A {kind.label.lower()} has no setting “{name}”. Remove it.", block_id))
        settings = {setting.name: self.setting(setting, raw, block_id) for setting in kind.settings}
        return Block(block_id, kind.name, settings, self.lists(kind, raw, settings, block_id, depth, narrow))

    def lists(
        self,
        kind: Kind,
        raw: Mapping[str, Any],
        settings: Mapping[str, Any],
        block_id: str,
        depth: int,
        narrow: bool,
    ) -> tuple[tuple[Block, ...], ...]:
        if kind.name != "columns":
            return tuple(self.read_list(raw.get(name, []), block_id, depth + 1, narrow) for name in kind.lists)
        columns = raw.get("columns", [])
        wanted = len(LAYOUTS.get(settings["layout"], (1, 1)))
        if not isinstance(columns, list) or not 1 <= len(columns) <= 3:
            self.problems.append(Problem("Columns need two or three lists of blocks.", block_id))
            return ((),) * wanted
        inside = [self.read_list(column, block_id, depth + 1, True) for column in columns]
        # A narrower layout keeps what stood in the column that goes: it moves to the last one.
        while len(inside) > wanted:
            extra = inside.pop()
            inside[-1] = inside[-1] + extra
        return tuple(inside + [()] * (wanted - len(inside)))

    def setting(self, setting: Setting, raw: Mapping[str, Any], block_id: str) -> Any:
        value = raw.get(setting.name, setting.default)
        match setting.kind:
            case "line" | "link" | "image":
                text = _line(value, setting.label, self.problems, block_id)
                if setting.name == "name" and not _NAME.match(text):
                    self.say("The name in a repeat must be one word of lower-case letters.", block_id, setting)
                return text
            case "rich":
                return self.rich(value, block_id, setting)
            case "choice":
                if not isinstance(value, str) or value not in dict(setting.choices):
                    self.say(
                        f"“{setting.label}” must be one of {', '.join(dict(setting.choices))}.",
                        block_id,
                        setting,
                    )
                    return setting.default
            case "flag":
                if not isinstance(value, bool):
                    self.say(f"“{setting.label}” must be yes or no.", block_id, setting)
                    return setting.default
            case "number":
                whole = isinstance(value, int) and not isinstance(value, bool)
                if not whole or not setting.low <= value <= setting.high:
                    self.say(
                        f"“{setting.label}” must be a whole number from {setting.low} to {setting.high}.",
                        block_id,
                        setting,
                    )
                    return setting.default
            case "field":
                if not isinstance(value, str) or not _FIELD.match(value):
                    self.say(f"“{setting.label}” must be the name of a field. Choose one.", block_id, setting)
                    return setting.default
            case "words":
                return self.words(value, block_id, setting)
            case "rows":
                return self.rows(value, block_id, setting)
        return value

    def say(self, message: str, block_id: str, setting: Setting) -> None:
        self.problems.append(Problem(message, block_id, setting.name))

    def rich(self, value: Any, block_id: str, setting: Setting) -> str:
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            self.say(f"A text block holds at most {MAX_TEXT:,} characters. Split it.", block_id, setting)
            return ""
        try:
            return rich.clean(_sendable(value))
        except rich.TooDeep:
            self.say("This text is nested too deeply. Paste it again as plain text.", block_id, setting)
            return ""

    def words(self, value: Any, block_id: str, setting: Setting) -> tuple[str, ...]:
        if not isinstance(value, (list, tuple)) or len(value) > 50:
            self.say("The values of a condition must be a list of at most 50 words.", block_id, setting)
            return ()
        return tuple(_line(item, setting.label, self.problems, block_id) for item in value)

    def rows(self, value: Any, block_id: str, setting: Setting) -> tuple[tuple[str, str], ...]:
        good = isinstance(value, (list, tuple)) and len(value) <= 20
        if not good or any(not isinstance(row, (list, tuple)) or len(row) != 2 for row in value):
            self.say("Details are at most 20 rows of a label and a value.", block_id, setting)
            return ()
        return tuple(
            (
                _line(label, setting.label, self.problems, block_id),
                _line(text, setting.label, self.problems, block_id),
            )
            for label, text in value
        )


__all__ = [
    "BLOCKS",
    "LANGUAGES",
    "LAYOUTS",
    "LEAVES",
    "OPERATIONS",
    "BadTemplate",
    "Block",
    "Design",
    "Kind",
    "Problem",
    "Setting",
    "dump",
    "dump_block",
    "new",
    "parse",
    "walk",
]
