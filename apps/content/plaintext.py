"""The text/plain part, generated from the blocks unless the author wrote one."""

from __future__ import annotations

from apps.content.design import Block, Design
from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Blocks
from apps.content.mail_look import Mail


def to_text(design: Design, mail: Mail) -> str:
    """The text part with the merge tokens in it. Ends in a line break."""
    tokens = mail.tokens
    tokens.block = ""
    if design.text is not None:
        return tokens.text(design.text.replace("\r\n", "\n").strip("\n")) + "\n"

    def inside(blocks: Blocks) -> str:
        out = ""
        for block in blocks:
            tokens.block = block.id
            out += _paragraph(block, KINDS[block.type].text(block, mail, inside))
        return out

    return inside(design.blocks).strip("\n") + "\n"


def skeleton(design: Design) -> str:
    """The generated text part as an author would type it, merge fields and all, to begin editing from."""

    def inside(blocks: Blocks) -> str:
        return "".join(_paragraph(block, KINDS[block.type].draft(block, inside)) for block in blocks)

    return inside(design.blocks).strip("\n") + "\n"


def _paragraph(block: Block, text: str) -> str:
    """With an empty line after it; blocks inside a block have theirs already."""
    return text + "\n\n" if text and not KINDS[block.type].lists else text
