"""The templates that come with the product: starters to begin from, portal notices, account mail."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from apps.content.blocks import parse
from apps.content.design import Design

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Preset:
    """One shipped template. `kind`: template (offered to marketers), notice (portal), account (staff mail)."""

    slug: str
    name: str
    description: str
    kind: str
    purpose: str
    design: Design


@lru_cache(maxsize=1)
def all_presets() -> dict[str, Preset]:
    """Every shipped template by slug, starters first."""
    found = []
    for path in FOLDER.glob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        found.append(
            Preset(path.stem, data["name"], data["description"], data["kind"], data["purpose"], parse(data["design"]))
        )
    order = {"template": 0, "notice": 1, "account": 2}
    found.sort(key=lambda preset: (order[preset.kind], preset.slug))
    return {preset.slug: preset for preset in found}


def notice(language: str) -> Preset:
    """The portal notice in `language`, English when there is none."""
    return all_presets().get(f"portal_notice_{language[:2]}") or all_presets()["portal_notice"]
