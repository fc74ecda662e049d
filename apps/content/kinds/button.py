"""A button that leads somewhere."""

from __future__ import annotations

from collections.abc import Mapping

from apps.content.block_settings import Line, Link, alignment
from apps.content.brands import ink_on
from apps.content.design import Block
from apps.content.fields import MergeField
from apps.content.kinds.protocol import Inside, Kind
from apps.content.mail_look import GUTTER, Mail, tag


class Button(Kind):
    """The one thing a reader should do."""

    name = "button"
    label = "Button"
    icon = "hand-finger"
    settings = (
        Line("label", "Label", "Open"),
        Link("url", "Link", hint="https://… or a link field such as {{ clinic.portal_url }}"),
        alignment("left"),
    )

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        settings, tokens, color = block.settings, mail.tokens, mail.brand.primary
        if not settings["url"]:
            tokens.say("This button has no link. Give it one.")
        look = {
            "href": tokens.hold(tokens.url(settings["url"]) if settings["url"] else "#"),
            "align": settings["align"],
            "background-color": color,
            "color": ink_on(color),
            "font-size": "16px",
            "font-weight": "600",
            "line-height": "20px",
            "border-radius": "6px",
            "inner-padding": "14px 24px",
            "padding": f"12px {GUTTER}",
            "css-class": mail.classes(block),
        }
        return tag("mj-button", look, tokens.hold(tokens.text(settings["label"])))

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        label = mail.tokens.text(block.settings["label"])
        return f"{label}:\n{mail.tokens.url(block.settings['url'])}" if block.settings["url"] else label

    def draft(self, block: Block, inside: Inside) -> str:
        return f"{block.settings['label']}:\n{block.settings['url']}"

    def summary(self, block: Block, catalog: Mapping[str, MergeField]) -> str:
        return str(block.settings["label"])

    def links(self, block: Block) -> list[tuple[str, str]]:
        return [(block.settings["url"], block.settings["label"])]
