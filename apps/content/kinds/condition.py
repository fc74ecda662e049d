"""One part of the mail for some people and another for the rest."""

from __future__ import annotations

from collections.abc import Mapping

from apps.content.block_settings import Choice, FieldName, Values
from apps.content.design import Block
from apps.content.fields import MergeField
from apps.content.kinds.protocol import Inside, Kind, field_label
from apps.content.mail_look import Mail, raw

_TESTS = (
    ("exists", "has a value"),
    ("missing", "has no value"),
    ("is", "is"),
    ("is_not", "is not"),
    ("in", "is one of"),
)


class Condition(Kind):
    """Two branches, chosen by a merge field."""

    name = "condition"
    label = "Condition"
    icon = "git-branch"
    hint = "Shows one part to some people and another to the rest."
    settings = (
        FieldName("field", "If this field", "appointment.location"),
        Choice("op", "Test", "exists", choices=_TESTS),
        Values("values", "Value", hint="Several values: one a line."),
    )
    lists = ("then", "otherwise")
    list_labels = ("If so", "Otherwise")

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        tokens = mail.tokens
        opening = _opening(block, mail)
        then, otherwise = inside(block.lists[0]), inside(block.lists[1])
        return f"{raw(opening)}{then}{raw(tokens.otherwise)}{otherwise}{raw(tokens.end)}"

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        opening = _opening(block, mail)
        then, otherwise = inside(block.lists[0]), inside(block.lists[1])
        return opening + then + mail.tokens.otherwise + otherwise + mail.tokens.end

    def draft(self, block: Block, inside: Inside) -> str:
        # One after the other: text typed by hand has no conditions.
        return "".join(inside(blocks) for blocks in block.lists)

    def summary(self, block: Block, catalog: Mapping[str, MergeField]) -> str:
        return f"{field_label(block.settings['field'], catalog)} {dict(_TESTS)[block.settings['op']]}"


def _opening(block: Block, mail: Mail) -> str:
    settings = block.settings
    return mail.tokens.test(settings["field"], settings["op"], settings["values"])
