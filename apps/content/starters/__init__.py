"""The templates that come with the product: starters to begin from, portal notices, account mail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from apps.content.blocks import Design, parse

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Starter:
    """One shipped template. `kind`: template (offered to marketers), notice (portal), account (staff mail)."""

    slug: str
    name: str
    description: str
    kind: str
    purpose: str
    design: Design


@lru_cache(maxsize=1)
def all_starters() -> dict[str, Starter]:
    """Every shipped template by slug, starters first."""
    found = []
    for path in FOLDER.glob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        found.append(
            Starter(path.stem, data["name"], data["description"], data["kind"], data["purpose"], parse(data["design"]))
        )
    order = {"template": 0, "notice": 1, "account": 2}
    found.sort(key=lambda starter: (order[starter.kind], starter.slug))
    return {starter.slug: starter for starter in found}


def notice(language: str) -> Starter:
    """The portal notice in `language`, English when there is none."""
    return all_starters().get(f"portal_notice_{language[:2]}") or all_starters()["portal_notice"]
