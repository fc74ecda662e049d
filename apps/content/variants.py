"""One template, several languages: the words of a design in a second language. Pure.

The blocks, their order and their look belong to the template once; a variant holds words only (and, where it must,
other links). A recipient gets a variant whole or not at all: while anything of it is missing, everybody gets the
main language, because half a translation is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apps.content import rich
from apps.content.blocks import LANGUAGES, Block, Design, Problem, Setting

_FIELD = re.compile(r"\{\{.*?\}\}", re.DOTALL)
WORDS = frozenset({"line", "rich", "rows"})


def is_words(block_type: str, setting: Setting) -> bool:
    """Whether a setting is read by people, and therefore has one text a language."""
    # The name inside a repeat is for merge fields, not for readers.
    return setting.kind in WORDS and not (block_type == "loop" and setting.name == "name")


def is_own(block_type: str, setting: Setting) -> bool:
    """Whether a variant may hold this setting: words, and links that may lead to another page."""
    return is_words(block_type, setting) or setting.kind == "link"


def says_something(value: Any) -> bool:
    """Whether a text has words of its own: merge fields alone ("{{ clinic.phone }}") need no translation."""
    if isinstance(value, (tuple, list)):
        return any(says_something(cell) for row in value for cell in row)
    text = _FIELD.sub("", rich.plain(value) if "<" in value else value)
    return any(letter.isalpha() for letter in text)


def others(design: Design) -> dict[str, str]:
    """The languages a design could have besides its main one: code to name."""
    return {code: name for code, name in LANGUAGES.items() if code != design.language}


def missing(design: Design, language: str) -> list[Problem]:
    """What a variant still lacks, in reading order; nothing for the main language."""
    if language == design.language:
        return []
    words = design.variants.get(language, {})
    found = [
        Problem(f"{label} is missing.", "", name)
        for name, label in (("subject", "The subject"), ("preheader", "The preview line"))
        if says_something(getattr(design, name)) and not words.get(name)
    ]
    if design.text is not None and not words.get("text"):
        found.append(Problem("Your own text part is missing.", "", "text"))
    for block in design.walk():
        own = words.get("blocks", {}).get(block.id, {})
        for setting in block.kind.settings:
            if not is_words(block.type, setting) or not says_something(block.settings[setting.name]):
                continue
            if setting.name == "alt" and block.settings.get("decorative"):
                continue
            if not complete(setting, block.settings[setting.name], own.get(setting.name)):
                found.append(Problem(f"{block.kind.label}: “{setting.label}” is missing.", block.id, setting.name))
    return found


def complete(setting: Setting, main: Any, own: Any) -> bool:
    """Whether `own` says everything that `main` says."""
    if not own:
        return False
    if setting.kind != "rows":
        return True
    return all(
        _cell(own, row, column) or not says_something(cell)
        for row, cells in enumerate(main)
        for column, cell in enumerate(cells)
    )


def _cell(rows: Any, row: int, column: int) -> str:
    return str(rows[row][column]) if row < len(rows) else ""


def started(design: Design) -> list[str]:
    """The languages somebody has begun to write, complete or not."""
    return [language for language in LANGUAGES if design.variants.get(language)]


def ready(design: Design) -> list[str]:
    """The further languages this design can be sent in: begun and complete."""
    return [language for language in started(design) if not missing(design, language)]


def in_language(design: Design, language: str) -> Design:
    """The design as its reader in `language` would get it, were it complete: missing words stay in the main one."""
    if language == design.language or language not in LANGUAGES:
        return replace(design, variants={})
    words: Mapping[str, Any] = design.variants.get(language, {})
    blocks = words.get("blocks", {})
    return Design(
        subject=words.get("subject") or design.subject,
        preheader=words.get("preheader") or design.preheader,
        language=language,
        blocks=tuple(_turned(block, blocks) for block in design.blocks),
        text=None if design.text is None else words.get("text") or design.text,
        level=design.level,
    )


def _turned(block: Block, words: Mapping[str, Mapping[str, Any]]) -> Block:
    own = words.get(block.id, {})
    settings = dict(block.settings)
    for setting in block.kind.settings:
        value = own.get(setting.name)
        if not value:
            continue
        if setting.kind == "rows":
            value = tuple(
                (
                    _cell(value, number, 0) or label,
                    _cell(value, number, 1) or text,
                )
                for number, (label, text) in enumerate(block.settings[setting.name])
            )
        settings[setting.name] = value
    return replace(
        block,
        settings=settings,
        lists=tuple(tuple(_turned(inner, words) for inner in blocks) for blocks in block.lists),
    )


def write(data: Mapping[str, Any], language: str, block_id: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Blocks JSON with `values` as the words of one block, or of the message when `block_id` is ""."""
    variants = {code: dict(words) for code, words in dict(data.get("variants", {})).items()}
    words = variants.setdefault(language, {})
    if block_id:
        words["blocks"] = {**words.get("blocks", {}), block_id: {**words.get("blocks", {}).get(block_id, {}), **values}}
    else:
        words.update(values)
    return {**data, "variants": variants}


def drop(data: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Blocks JSON without the words in `language`."""
    variants = {code: words for code, words in dict(data.get("variants", {})).items() if code != language}
    return {**data, "variants": variants}


def from_designs(main: Design, other: Design) -> Design:
    """`main` with the words of `other` as its variant: for shipped texts that stand as two files of equal shape.

    Raises ``ValueError`` when the two do not have the same blocks.
    """
    theirs = {block.id: block for block in other.walk()}
    blocks: dict[str, dict[str, Any]] = {}
    for block in main.walk():
        twin = theirs.get(block.id)
        if twin is None or twin.type != block.type:
            raise ValueError(f"block {block.id} has no counterpart in {other.language}")
        blocks[block.id] = {
            setting.name: twin.settings[setting.name]
            for setting in block.kind.settings
            if is_own(block.type, setting)
            and (is_words(block.type, setting) or twin.settings[setting.name] != block.settings[setting.name])
        }
    words: dict[str, Any] = {"subject": other.subject, "preheader": other.preheader, "blocks": blocks}
    if other.text is not None:
        words["text"] = other.text
    return replace(main, variants={**main.variants, other.language: words})
