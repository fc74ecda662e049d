"""Words that the product itself puts into a template, in every language it knows. Pure.

A new footer says why somebody gets the mail. Nobody wrote that sentence, so nobody has to translate it: it comes
along when a translation is begun, a footer is added, or the template turns to another main language. From then on
the words are the template's own, to be changed like all others; what somebody wrote is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.content import editing, variants
from apps.content.kinds import FOOTER_REASON

# (kind of block, setting) to its words by language.
_SHIPPED: Mapping[tuple[str, str], Mapping[str, str]] = {("footer", "reason"): FOOTER_REASON}


def translated(data: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Blocks JSON with our words in `language` where the main ones are still ours and no others stand there."""
    after, main = dict(data), data["language"]
    own = data.get("variants", {}).get(language, {}).get("blocks", {})
    for block, *_ in editing.every(list(data["blocks"])):
        for (kind, name), words in _SHIPPED.items():
            ours = kind == block["type"] and block.get(name) == words.get(main) and language in words
            if ours and language != main and not own.get(block["id"], {}).get(name):
                after = variants.write(after, language, block["id"], {name: words[language]})
    return after


def begun(data: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Blocks JSON as it is when somebody begins to write `language`; unchanged where they have begun."""
    return dict(data) if data.get("variants", {}).get(language) else translated(data, language)


def turned(data: Mapping[str, Any], before: str) -> dict[str, Any]:
    """Blocks JSON whose main language was `before`: words that are still ours are those of the language it has now."""
    blocks = list(data["blocks"])
    for number, block in enumerate(blocks):
        for (kind, name), words in _SHIPPED.items():
            if kind == block["type"] and block.get(name) == words.get(before) and data["language"] in words:
                blocks[number] = {**blocks[number], name: words[data["language"]]}
    return {**data, "blocks": blocks}
