"""Templates as JSON: read with every problem named, and written again.

`parse` accepts what the kinds of blocks (`apps.content.kinds`) say they hold and nothing else. Errors name the block
and say what to do, so the editor, the command line and the API can show them as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from apps.content import rich
from apps.content.block_settings import MAX_TEXT, Say, Setting, line, sendable
from apps.content.design import LANGUAGES, BadTemplate, Block, Design, Problem, walk
from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Blocks, Json, Place, to_json

MAX_BLOCKS = 200
MAX_DEPTH = 6


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
    text = sendable(text) if text is not None else None
    reader = _Reader(problems)
    blocks = reader.read_list(data.get("blocks", []), "", 1)
    ends = [number for number, block in enumerate(blocks) if KINDS[block.type].place is Place.END]
    if ends and ends != [len(blocks) - 1]:
        first = blocks[ends[0]]
        label = KINDS[first.type].label.lower()
        problems.append(Problem(f"The {label} comes once and last. Move it to the end and keep only one.", first.id))
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
        out["text"] = sendable(text)
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
            for setting in KINDS[block.type].settings
            if setting.varies and values.get(setting.name)
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
        block_id: {name: to_json(value) for name, value in values.items()}
        for block_id, values in words.get("blocks", {}).items()
    }
    out = {**words, "blocks": own} if own else dict(words)
    return {**out, "older": _words_out(words["older"])} if "older" in words else out


def dump_block(block: Block) -> Json:
    """The JSON of one block."""
    settings = {name: to_json(value) for name, value in block.settings.items()}
    lists = KINDS[block.type].dump_lists(block, lambda blocks: [dump_block(inner) for inner in blocks])
    return {"id": block.id, "type": block.type, **settings, **lists}


def _line(value: Any, name: str, problems: list[Problem]) -> str:
    return line(value, name, lambda message: problems.append(Problem(message, "", name)))


_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,31}\Z")


class _Reader:
    """Reads nested lists of blocks, collecting problems."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        self.seen: set[str] = set()

    def read_list(self, raw: Any, parent: str, depth: int, narrow: bool = False) -> Blocks:
        """`narrow`: the list stands, at any depth, inside a column."""
        if not isinstance(raw, list):
            self.problems.append(Problem("A list of blocks is expected here.", parent))
            return ()
        if depth > MAX_DEPTH:
            self.problems.append(Problem("Blocks are nested too deeply. Move them out.", parent))
            return ()
        return tuple(block for item in raw if (block := self.read(item, parent, depth, narrow)) is not None)

    def read(self, raw: Any, parent: str, depth: int, narrow: bool) -> Block | None:
        if not isinstance(raw, Mapping) or not isinstance(raw.get("type"), str) or raw["type"] not in KINDS:
            shown = str(raw.get("type") if isinstance(raw, Mapping) else raw)[:30]
            self.problems.append(Problem(f"“{shown}” is not a kind of block. Use one of: {', '.join(KINDS)}.", parent))
            return None
        kind, block_id = KINDS[raw["type"]], raw.get("id")
        label = kind.label.lower()
        if not isinstance(block_id, str) or not _ID.match(block_id):
            self.problems.append(
                Problem(f"A {label} block has no proper id. Use lower-case letters and digits.", parent)
            )
            return None
        say = self.saying(block_id)
        if block_id in self.seen:
            say(f"Two blocks have the id “{block_id}”. Give each its own.")
            return None
        self.seen.add(block_id)
        if len(self.seen) > MAX_BLOCKS:
            self.problems.append(Problem(f"A template has at most {MAX_BLOCKS} blocks. Remove some."))
            return None
        if depth > 1 and kind.place is Place.END:
            say(f"The {label} cannot stand inside another block. Move it out.")
        if narrow and kind.place is Place.ROW:
            say(f"{kind.label} cannot stand inside columns. Move them out.")
        known = {setting.name for setting in kind.settings} | set(kind.lists) | {"id", "type"}
        for name in sorted(set(raw) - known):
            say(f"A {label} has no setting “{name}”. Remove it.")
        settings = {setting.name: self.setting(setting, raw, block_id) for setting in kind.settings}
        inside = narrow or kind.place is Place.ROW
        lists = kind.read_lists(raw, settings, lambda items: self.read_list(items, block_id, depth + 1, inside), say)
        return Block(block_id, kind.name, settings, lists)

    def setting(self, setting: Setting, raw: Mapping[str, Any], block_id: str) -> Any:
        return setting.parse(raw.get(setting.name, setting.default), self.saying(block_id, setting.name))

    def saying(self, block_id: str, setting: str = "") -> Say:
        return lambda message: self.problems.append(Problem(message, block_id, setting))


__all__ = ["LANGUAGES", "BadTemplate", "Block", "Design", "Problem", "dump", "dump_block", "parse", "walk", "with_ids"]
