"""Writing a template in a further language: the switch, and what is older than the main text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.text import Truncator

from apps.content import rich, variants
from apps.content.design import LANGUAGES, Design
from apps.content.kinds import KINDS


def language_context(design: Design, variant: str, begun: Sequence[str]) -> dict[str, Any]:
    """The switch between languages: each with how far it is; and the words of the one being written.

    ``begun``: the languages somebody wrote something in.
    """
    gaps = {code: len(variants.missing(design, code)) for code in variants.others(design)}
    older = {code: variants.older(design, code) for code in begun}
    switch = [{"code": design.language, "name": LANGUAGES[design.language], "main": True, "current": not variant}]
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
        "variant_name": LANGUAGES.get(variant, ""),
        "variant_words": design.variants.get(variant, {}),
        "variant_gaps": gaps.get(variant, 0),
        "variant_begun": variant in begun,
        "older_words": {name: words for (block, name), words in older.get(variant, {}).items() if not block},
        "variant_older": _older_rows(design, older.get(variant, {})),
        "main_name": LANGUAGES[design.language],
        "switch": switch,
    }


_MESSAGE = {"subject": "Subject", "preheader": "Preview line", "text": "Your text part"}


def _older_rows(design: Design, older: Mapping[variants.Place, Any]) -> list[dict[str, str]]:
    """The places whose main words changed since, each block once, with the first of the words it has now."""
    found: dict[str, dict[str, str]] = {}
    for block_id, name in older:
        block = design.find(block_id) if block_id else None
        label = KINDS[block.type].label if block is not None else _MESSAGE[name]
        now = str(getattr(design, name)) if block is None else plain_words(block.settings[name])
        found.setdefault(block_id or name, {"block": block_id, "label": label, "words": Truncator(now).chars(40)})
    return list(found.values())


def plain_words(value: Any) -> str:
    """A text, a rich text or the rows of a table as one plain line."""
    if isinstance(value, tuple):
        return "; ".join(": ".join(cell for cell in cells if cell) for cells in value)
    return rich.plain(value) if "<" in value else str(value)
