"""Carries out what the browser asks the editor to do: one operation, blocks JSON in, blocks JSON out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.content import blocks, preset_words, variants
from apps.content.design import LANGUAGES
from apps.content.editor import changes
from apps.content.editor.forms import read_settings
from apps.content.kinds import KINDS
from apps.core.errors import Refused
from apps.core.numbers import whole


def edit_of(post: Mapping[str, Any], data: dict[str, Any]) -> tuple[dict[str, Any], str, str]:
    """Carry out the operation a request asks for; returns the design, the block to choose, and what to say."""
    op, block_id = str(post.get("op", "")), str(post.get("block", ""))
    language = str(post.get("variant", ""))
    if language in LANGUAGES and language != data["language"]:
        found = _words_edit(post, data, op, block_id, language)
        if found is not None:
            return found
    if op == "add":
        index = whole(post.get("index", ""), None)
        after, block_id = changes.add(data, str(post.get("kind", "")), str(post.get("place", "")), index)
        if preset_words.presets_of(str(post.get("kind", ""))):
            after = preset_words.turned(after, "en", block_id)  # its defaults are English
            for code in variants.started(blocks.parse(after)):
                after = preset_words.translated(after, code)
        return after, block_id, f"Added {_where(after, block_id)}."
    if op == "move":
        after = changes.move(data, block_id, str(post.get("place", "")), whole(post.get("index", 0), 0))
        return after, block_id, f"Moved {_where(after, block_id)}."
    if op in ("up", "down"):
        after = changes.step(data, block_id, -1 if op == "up" else 1)
        return after, block_id, f"Moved {_where(after, block_id)}."
    if op == "delete":
        block, source, position, _ = changes.find(data, block_id)
        after = changes.delete(data, block_id)
        left = [one["id"] for one in source if one["id"] != block_id]
        beside = left[min(position, len(left) - 1)] if left else ""
        return after, beside, f"{KINDS[block['type']].label} deleted."
    if op == "duplicate":
        after, block_id = changes.duplicate(data, block_id)
        return after, block_id, f"Copied: {_where(after, block_id)}."
    if op == "update":
        block, *_ = changes.find(data, block_id)
        return changes.update(data, block_id, read_settings(block["type"], post)), block_id, ""
    if op == "message":
        names = ("subject", "preheader", "language")
        after = {**data, **{name: str(post[name]) for name in names if name in post}}
        if "level" in post:
            after["level"] = whole(post["level"], 0)
        if after["language"] != data["language"] and after["language"] in LANGUAGES:
            after = preset_words.turned(after, data["language"])
        return after, "", ""
    if op == "text":
        after = {key: value for key, value in data.items() if key != "text"}
        if post.get("own"):
            after["text"] = str(post.get("text", ""))
        return after, "", "Text part saved." if post.get("own") else "The text part is generated again."
    raise Refused("block.change_unknown", "That is not something the editor does.")


def _where(design: dict[str, Any], block_id: str) -> str:
    block, source, index, _ = changes.find(design, block_id)
    return f"{KINDS[block['type']].label} to position {index + 1} of {len(source)}"


def _words_edit(
    post: Mapping[str, Any], data: dict[str, Any], op: str, block_id: str, language: str
) -> tuple[dict[str, Any], str, str] | None:
    """An operation on the words of a further language; None when the operation is about the template as a whole."""
    if op == "update":
        block, *_ = changes.find(data, block_id)
        values = read_settings(block["type"], post, keep_rows=True)
        names = {setting.name for setting in KINDS[block["type"]].settings if setting.is_own}
        own = {name: value for name, value in values.items() if name in names}
        return variants.write(preset_words.begun(data, language), language, block_id, own), block_id, ""
    if op == "message":
        own = {name: str(post[name]) for name in ("subject", "preheader", "text") if name in post}
        return variants.write(preset_words.begun(data, language), language, "", own), "", ""
    if op == "current":
        return variants.up_to_date(data, language, post.get("block")), block_id, "Marked as up to date."
    if op == "drop":
        return variants.drop(data, language), "", f"The {LANGUAGES[language]} words are removed."
    return None
