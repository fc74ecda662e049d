"""A part of the mail for each item of a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from apps.content.block_settings import FieldName, Line, Say
from apps.content.design import Block
from apps.content.fields import MergeField
from apps.content.kinds.protocol import Inside, Kind, field_label
from apps.content.mail_look import Mail, raw

_WORD = re.compile(r"[a-z][a-z_]{0,29}\Z")


class _ItemName(Line):
    """What the item is called inside: for merge fields, not for readers."""

    @property
    def takes_fields(self) -> bool:
        return False

    def parse(self, value: Any, say: Say) -> str:
        text = super().parse(value, say)
        if not _WORD.match(text):
            say("The name in a repeat must be one word of lower-case letters.")
        return text


class Loop(Kind):
    """Repeats what stands in it."""

    name = "loop"
    label = "Repeat"
    icon = "repeat"
    hint = "Repeats its content for each item of a list."
    settings = (
        FieldName("field", "For each of", "appointments", lists=True),
        _ItemName("name", "Called", "visit", hint="Used as {{ visit.start }} inside.", translated=False),
    )
    lists = ("blocks",)
    list_labels = ("Each time",)

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        tokens = mail.tokens
        with tokens.loop(block.settings["field"], block.settings["name"]) as opening:
            body = inside(block.lists[0])
        return raw(opening) + body + raw(tokens.end)

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        with mail.tokens.loop(block.settings["field"], block.settings["name"]) as opening:
            body = inside(block.lists[0])
        return opening + body + mail.tokens.end

    def draft(self, block: Block, inside: Inside) -> str:
        return ""  # text typed by hand repeats nothing

    def summary(self, block: Block, catalog: Mapping[str, MergeField]) -> str:
        return field_label(block.settings["field"], catalog)

    def scope(self, block: Block) -> dict[str, str]:
        return {block.settings["name"]: block.settings["field"]}
