"""Names of tags as people and files write them: pure."""

from __future__ import annotations

import re

from apps.vault.tokens import normalize

LONGEST_NAME = 60
_BETWEEN = re.compile(r"[,;\n\r]")


def split(text: str) -> list[str]:
    """The names in one cell or line: between commas, semicolons or line ends, each once, as first written."""
    found: dict[str, str] = {}
    for part in _BETWEEN.split(text):
        if name := " ".join(part.split()):
            found.setdefault(normalize(name), name)
    return list(found.values())


def misfit(name: str) -> str:
    """What keeps a text from being the name of one tag, as the end of a sentence ("is empty"), or ""."""
    if not name:
        return "is empty"
    if len(name) > LONGEST_NAME:
        return f"has more than {LONGEST_NAME} characters"
    if split(name) != [name] or not name.isprintable() or not normalize(name):
        return "has signs that stand between tags, or that cannot be seen"
    return ""
