"""The clinic's name or logo."""

from __future__ import annotations

from apps.content.block_settings import Choice, alignment
from apps.content.design import Block
from apps.content.kinds.protocol import Inside, Kind
from apps.content.mail_look import GUTTER, Mail, tag
from apps.mail.encoders import v1


class Header(Kind):
    """Says at once who writes."""

    name = "header"
    label = "Clinic header"
    icon = "building-hospital"
    hint = "The clinic's name or logo, so people know at once who writes."
    settings = (
        Choice("show", "Show", "name", choices=(("name", "Clinic name"), ("logo", "Logo"))),
        alignment("left"),
    )

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        hold, brand = mail.tokens.hold, mail.brand
        if block.settings["show"] == "logo" and brand.logo:
            look = {
                "src": hold(v1.escape_attribute(brand.asset(brand.logo))),
                "alt": hold(v1.escape_attribute(brand.name)),
                "width": "160px",
                "align": block.settings["align"],
                "padding": f"16px {GUTTER}",
                "css-class": mail.classes(block),
            }
            return tag("mj-image", look)
        look = {
            "align": block.settings["align"],
            "font-size": "18px",
            "font-weight": "600",
            "color": mail.accent,
            "padding": f"16px {GUTTER} 8px",
            "css-class": mail.classes(block, "brand"),
        }
        return tag("mj-text", look, hold(v1.escape_html(brand.name)))

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        return mail.brand.name

    def draft(self, block: Block, inside: Inside) -> str:
        return "{{ clinic.name }}"
