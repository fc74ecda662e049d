"""The form of the chosen block: its settings as fields, what was posted, and the merge fields on offer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import reverse

from apps.content import variants
from apps.content.design import Block, Design, walk
from apps.content.editor.languages import plain_words
from apps.content.fields import LABS_GROUP, MergeField
from apps.content.kinds import KINDS


def settings_of(block: Block, catalog: Mapping[str, MergeField]) -> list[dict[str, Any]]:
    """The form of a block: its settings with their values."""
    out = []
    for setting in KINDS[block.type].settings:
        value = block.settings[setting.name]
        row = {"setting": setting, "id": f"set-{block.id}-{setting.name}", **setting.form(value, catalog)}
        if setting.kind == "image" and value.startswith("asset:"):
            row["url"] = reverse("content:image", args=[value.removeprefix("asset:")])
        out.append(row)
    return out


def words_of(block: Block, design: Design, language: str) -> list[dict[str, Any]]:
    """The form of a block in a further language: its words only, with those of the main language beside them."""
    own = design.variants.get(language, {}).get("blocks", {}).get(block.id, {})
    older = variants.older(design, language)
    out: list[dict[str, Any]] = []
    for setting in KINDS[block.type].settings:
        main = block.settings[setting.name]
        if not setting.is_own:
            continue
        written = own.get(setting.name)
        row: dict[str, Any] = {
            "setting": setting,
            "id": f"set-{block.id}-{setting.name}",
            "lang": language,
            **setting.translation(main, written),
        }
        row["older"] = plain_words(older.get((block.id, setting.name), ""))
        needed = setting.is_words and variants.says_something(main)
        row["missing"] = needed and not variants.complete(setting, main, written)
        if needed or not setting.is_words or written:
            out.append(row)
    return out


def merge_groups(
    design: Design, block: Block | None, catalog: Mapping[str, MergeField], *, account: bool
) -> list[tuple[str, list[tuple[str, str, int]]]]:
    """The merge fields for the picker: group to (field, label, level); inside a repeat its items come first.

    ``account``: with those that only mail of the system itself fills (codes, links to an account).
    """
    groups: dict[str, list[tuple[str, str, int]]] = {}
    if block is not None:
        around = [one for one in design.walk() if any(block in walk(inner) for inner in one.lists)]
        for outer in around:
            for name, source in KINDS[outer.type].scope(outer).items():
                level = catalog[source].level if source in catalog else 0
                items = (("start", "day and time"), ("kind", "kind"), ("location", "place"), ("provider", "clinician"))
                groups["This item"] = [(f"{name}.{key}", f"{name}: {label}", level) for key, label in items]
    for field in catalog.values():
        if field.type != "items" and (account or not field.name.startswith("account.")):
            groups.setdefault(field.group, []).append((field.name, field.label, field.level))
    if labs := groups.pop(LABS_GROUP, None):
        groups[LABS_GROUP] = labs  # by far the longest: last, and folded
    return list(groups.items())


def read_settings(kind: str, post: Mapping[str, Any], *, keep_rows: bool = False) -> dict[str, Any]:
    """A block's settings from a posted form. ``keep_rows``: empty rows stay, because their place counts."""
    out: dict[str, Any] = {}
    for setting in KINDS[kind].settings:
        out |= setting.from_form(post, keep_empty=keep_rows)
    return out
