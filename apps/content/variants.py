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
from apps.content.block_settings import Setting
from apps.content.design import LANGUAGES, Block, Design, Problem
from apps.content.kinds import KINDS

_FIELD = re.compile(r"\{\{.*?\}\}", re.DOTALL)


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
        kind = KINDS[block.type]
        unread = kind.unread(block)
        for setting in kind.settings:
            main = block.settings[setting.name]
            if not setting.is_words or setting.name in unread or not says_something(main):
                continue
            if not complete(setting, main, own.get(setting.name)):
                found.append(Problem(f"{kind.label}: “{setting.label}” is missing.", block.id, setting.name))
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
    for setting in KINDS[block.type].settings:
        value = own.get(setting.name)
        if not value:
            continue
        if setting.kind == "rows":
            value = tuple(
                tuple(_cell(value, number, column) or cell for column, cell in enumerate(row))
                for number, row in enumerate(block.settings[setting.name])
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


# Which words a translation is older than. A place is (block id, setting), ("", "subject") for the message itself.
Place = tuple[str, str]


def aged(before: Design, after: Design) -> Design:
    """`after` with its translations marked where the main words changed and the translation did not.

    The mark keeps the main words the translation was made from: they tell what changed, and when they come back the
    mark goes by itself. Writing the translation anew takes it away too.
    """
    then, now = dict(_main_words(before)), dict(_main_words(after))
    found = {}
    for language, words in after.variants.items():
        was, own = _flat(before.variants.get(language, {})), _flat(words)
        marks = _flat(words.get("older", {}))
        for place, main in now.items():
            old = marks.get(place, then.get(place, main))
            if place not in own or own[place] != was.get(place) or old == main or not says_something(old):
                marks.pop(place, None)
            else:
                marks[place] = old
        found[language] = _marked(words, {place: old for place, old in marks.items() if place in now})
    return replace(after, variants=found)


def older(design: Design, language: str) -> dict[Place, Any]:
    """Where a translation is older than the main words, with the main words it was made from, in reading order."""
    marks = _flat(design.variants.get(language, {}).get("older", {}))
    return {place: marks[place] for place, _ in _main_words(design) if place in marks}


def older_still(design: Design, draft: Design, language: str) -> dict[Place, Any]:
    """``older`` for a frozen design that has no marks of its own, told by those of the draft it was taken from."""
    now, own = dict(_main_words(design)), _flat(design.variants.get(language, {}))
    theirs = _flat(draft.variants.get(language, {}))
    return {
        place: old
        for place, old in older(draft, language).items()
        if place in own and own[place] == theirs.get(place) and now.get(place) != old
    }


def up_to_date(data: Mapping[str, Any], language: str, block_id: str | None = None) -> dict[str, Any]:
    """Blocks JSON where somebody looked: the marks of one block ("" for the message) or of all (None) are gone."""
    words = dict(data.get("variants", {}).get(language, {}))
    marks = dict(words.pop("older", {}))
    if block_id:
        marks["blocks"] = {key: value for key, value in marks.get("blocks", {}).items() if key != block_id}
    elif block_id == "":
        marks = {"blocks": marks.get("blocks", {})}
    if block_id is not None and any(marks.values()):
        words["older"] = marks
    return {**data, "variants": {**data.get("variants", {}), language: words}}


def unmarked(design: Design) -> Design:
    """The design without marks: what is published holds words only."""
    return replace(design, variants={code: _marked(words, {}) for code, words in design.variants.items()})


def _main_words(design: Design) -> list[tuple[Place, Any]]:
    found: list[tuple[Place, Any]] = [(("", "subject"), design.subject), (("", "preheader"), design.preheader)]
    if design.text is not None:
        found.append((("", "text"), design.text))
    for block in design.walk():
        found += [
            ((block.id, setting.name), block.settings[setting.name])
            for setting in KINDS[block.type].settings
            if setting.is_words
        ]
    return found


def _flat(words: Mapping[str, Any]) -> dict[Place, Any]:
    found = {("", name): words[name] for name in ("subject", "preheader", "text") if name in words}
    for block_id, values in words.get("blocks", {}).items():
        found.update({(block_id, name): value for name, value in values.items()})
    return found


def _marked(words: Mapping[str, Any], marks: Mapping[Place, Any]) -> dict[str, Any]:
    out = {name: value for name, value in words.items() if name != "older"}
    if marks:
        kept: dict[str, Any] = {name: old for (block, name), old in marks.items() if not block}
        for (block, name), old in marks.items():
            if block:
                kept.setdefault("blocks", {}).setdefault(block, {})[name] = old
        out["older"] = kept
    return out


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
            for setting in KINDS[block.type].settings
            if setting.is_own and (setting.is_words or twin.settings[setting.name] != block.settings[setting.name])
        }
    words: dict[str, Any] = {"subject": other.subject, "preheader": other.preheader, "blocks": blocks}
    if other.text is not None:
        words["text"] = other.text
    return replace(main, variants={**main.variants, other.language: words})
