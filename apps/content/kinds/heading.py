"""A heading of one of three levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from apps.content.block_settings import Choice, Line, alignment
from apps.content.design import Block, Finding
from apps.content.fields import MergeField
from apps.content.kinds.protocol import Checked, Inside, Kind
from apps.content.mail_look import Mail, tag

_SIZES = {"1": (24, 32), "2": (20, 28), "3": (16, 24)}
"""Font size and line height by level, in pixels."""


class Heading(Kind):
    """What a part of the mail is about."""

    name = "heading"
    label = "Heading"
    icon = "heading"
    settings = (
        Line("text", "Text", "A heading"),
        Choice("level", "Level", "1", choices=(("1", "Main heading"), ("2", "Section"), ("3", "Small"))),
        alignment("left"),
    )
    has_text = True

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        size, line = _SIZES[block.settings["level"]]
        element = f"h{block.settings['level']}"
        text = mail.tokens.hold(mail.tokens.text(block.settings["text"]))
        style = f"margin:0;font-size:{size}px;line-height:{line}px;font-weight:600"
        look = {
            "align": block.settings["align"],
            "font-size": f"{size}px",
            "line-height": f"{line}px",
            "css-class": mail.classes(block, "ink"),
        }
        return tag("mj-text", look, f'<{element} style="{style}">{text}</{element}>')

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        return mail.tokens.text(block.settings["text"])

    def draft(self, block: Block, inside: Inside) -> str:
        return str(block.settings["text"])

    def summary(self, block: Block, catalog: Mapping[str, MergeField]) -> str:
        return str(block.settings["text"])

    def check(self, block: Block) -> Iterator[Finding]:
        if not block.settings["text"]:
            yield Finding("empty", "This heading is empty. Write it, or remove the block.", block=block.id)

    def check_all(self, found: Sequence[Block], mail: Checked) -> Iterator[Finding]:
        last = 0
        for block in found:
            level = int(block.settings["level"])
            if level > last + 1:
                yield Finding(
                    "heading-order",
                    f"A heading of level {level} follows one of level {last}. People who listen use the order: "
                    f"choose level {last + 1}."
                    if last
                    else "The first heading must be a main heading.",
                    block=block.id,
                    setting="level",
                )
            last = level
