"""Writing a template in a further language: the switch, the words of a block, what is older than the main text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.text import Truncator

from apps.content import blocks, rich, variants
from apps.content.blocks import Block, Design


def language_context(design: Design, variant: str, begun: Sequence[str]) -> dict[str, Any]:
    """The switch between languages: each with how far it is; and the words of the one being written.

    ``begun``: the languages somebody wrote something in.
    """
    gaps = {code: len(variants.missing(design, code)) for code in variants.others(design)}
    older = {code: variants.older(design, code) for code in begun}
    switch = [
        {"code": design.language, "name": blocks.LANGUAGES[design.language], "main": True, "current": not variant}
    ]
    switch += [
        {
            "code": code,
            "name": name,
            "begun": code in begun,
            "gaps": gaps[code],
            "older": len(older.get(code, ())),
            "current": code == variant,
        }
        for code, name in variants.others(design).items()
    ]
    return {
        "variant": variant,
        "variant_name": blocks.LANGUAGES.get(variant, ""),
        "variant_words": design.variants.get(variant, {}),
        "variant_gaps": gaps.get(variant, 0),
        "variant_begun": variant in begun,
        "older_words": {name: words for (block, name), words in older.get(variant, {}).items() if not block},
        "variant_older": _older_rows(design, older.get(variant, {})),
        "main_name": blocks.LANGUAGES[design.language],
        "switch": switch,
    }


_MESSAGE = {"subject": "Subject", "preheader": "Preview line", "text": "Your text part"}


def _older_rows(design: Design, older: Mapping[variants.Place, Any]) -> list[dict[str, str]]:
    """The places whose main words changed since, each block once, with the first of the words it has now."""
    found: dict[str, dict[str, str]] = {}
    for block_id, name in older:
        block = design.find(block_id) if block_id else None
        label = block.kind.label if block is not None else _MESSAGE[name]
        now = str(getattr(design, name)) if block is None else _words_of_value(block.settings[name])
        found.setdefault(block_id or name, {"block": block_id, "label": label, "words": Truncator(now).chars(40)})
    return list(found.values())


def _words_of_value(value: Any) -> str:
    """A text, a rich text or the rows of a table as one plain line."""
    if isinstance(value, tuple):
        return "; ".join(": ".join(cell for cell in cells if cell) for cells in value)
    return rich.plain(value) if "<" in value else str(value)


def words_of(block: Block, design: Design, language: str) -> list[dict[str, Any]]:
    """The form of a block in a further language: its words only, with those of the main language beside them."""
    own = design.variants.get(language, {}).get("blocks", {}).get(block.id, {})
    older = variants.older(design, language)
    out: list[dict[str, Any]] = []
    for setting in block.kind.settings:
        main = block.settings[setting.name]
        if not variants.is_own(block.type, setting):
            continue
        row: dict[str, Any] = {
            "setting": setting,
            "value": own.get(setting.name, ""),
            "id": f"set-{block.id}-{setting.name}",
            "lang": language,
            "main": rich.plain(main) if setting.kind == "rich" else main,
            "optional": setting.kind == "link",
        }
        if setting.kind == "rows":
            theirs = own.get(setting.name, ())
            row["main"] = ""
            row["value"] = [
                (*(theirs[number] if number < len(theirs) else ("", "")), label, text)
                for number, (label, text) in enumerate(main)
            ]
        row["older"] = _words_of_value(older.get((block.id, setting.name), ""))
        needed = variants.is_words(block.type, setting) and variants.says_something(main)
        row["missing"] = needed and not variants.complete(setting, main, own.get(setting.name))
        if needed or setting.kind == "link" or own.get(setting.name):
            out.append(row)
    return out
