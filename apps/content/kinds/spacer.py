"""Empty space."""

from __future__ import annotations

from apps.content.block_settings import Choice
from apps.content.design import Block
from apps.content.kinds.protocol import Inside, Kind
from apps.content.mail_look import Mail, tag

_HEIGHTS = {"small": 8, "medium": 24, "large": 48}
"""In pixels."""


class Spacer(Kind):
    """Room between parts."""

    name = "spacer"
    label = "Space"
    icon = "arrow-autofit-height"
    settings = (
        Choice("size", "Height", "medium", choices=(("small", "Small"), ("medium", "Medium"), ("large", "Large"))),
    )

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        look = {"height": f"{_HEIGHTS[block.settings['size']]}px", "css-class": mail.classes(block)}
        return tag("mj-spacer", look)

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        return ""

    def draft(self, block: Block, inside: Inside) -> str:
        return ""
