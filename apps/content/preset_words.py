"""Words that the product itself puts into a template, in every language it knows. Pure.

A new footer says why somebody gets the mail. Nobody wrote that sentence, so nobody has to translate it: it comes
along when a translation is begun, a footer is added, or the template turns to another main language. From then on
the words are the template's own, to be changed like all others; what somebody wrote is never touched. A kind of block
that has such words gives them as ``presets`` of a setting.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from apps.content import variants
from apps.content.editor import changes
from apps.content.kinds import KINDS


def presets_of(kind: str) -> dict[str, Mapping[str, str]]:
    """Our own words in a new block of that kind: setting to words by language."""
    return {setting.name: setting.presets for setting in KINDS[kind].settings if setting.presets}


def translated(data: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Blocks JSON with our words in `language` where the main ones are still ours and no others stand there."""
    after, main = dict(data), data["language"]
    own = data.get("variants", {}).get(language, {}).get("blocks", {})
    for block, *_ in changes.every(list(data["blocks"])):
        for name, words in presets_of(block["type"]).items():
            ours = block.get(name) == words.get(main) and language in words
            if ours and language != main and not own.get(block["id"], {}).get(name):
                after = variants.write(after, language, block["id"], {name: words[language]})
    return after


def begun(data: Mapping[str, Any], language: str) -> dict[str, Any]:
    """Blocks JSON as it is when somebody begins to write `language`; unchanged where they have begun."""
    return dict(data) if data.get("variants", {}).get(language) else translated(data, language)


def turned(data: Mapping[str, Any], before: str, block_id: str = "") -> dict[str, Any]:
    """Blocks JSON whose main language was `before`: words that are still ours are those of the language it has now.

    With `block_id` in that block alone.
    """
    after = copy.deepcopy(dict(data))
    for block, *_ in changes.every(after["blocks"]):
        for name, words in presets_of(block["type"]).items():
            ours = block.get(name) == words.get(before) and data["language"] in words
            if ours and block_id in ("", block["id"]):
                block[name] = words[data["language"]]
    return after
