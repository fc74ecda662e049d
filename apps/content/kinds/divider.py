"""A thin line."""

from __future__ import annotations

from apps.content.design import Block
from apps.content.kinds.protocol import Inside, Kind
from apps.content.mail_look import GUTTER, LINE, Mail, tag


class Divider(Kind):
    """Sets parts apart."""

    name = "divider"
    label = "Divider"
    icon = "separator-horizontal"

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        look = {"border-width": "1px", "border-color": LINE, "padding": f"12px {GUTTER}"}
        return tag("mj-divider", {**look, "css-class": mail.classes(block)})

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        return "- - -"

    def draft(self, block: Block, inside: Inside) -> str:
        return "- - -"
