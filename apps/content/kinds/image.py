"""A picture of the library, described or marked as decoration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from apps.content.block_settings import Flag, Line, Link, Number, Picture, alignment
from apps.content.design import Block, Finding
from apps.content.fields import MergeField
from apps.content.kinds.protocol import Inside, Kind
from apps.content.mail_look import GUTTER, SOFT_INK, Mail, tag
from apps.mail.encoders import v1


class Image(Kind):
    """A picture, possibly with a link."""

    name = "image"
    label = "Image"
    icon = "photo"
    settings = (
        Picture("src", "Image"),
        Line("alt", "Description", hint="What someone reads who cannot see it."),
        Flag("decorative", "Decoration only (no description needed)"),
        Number("width", "Width in pixels", 552, low=16, high=600),
        Link("href", "Link (optional)"),
        alignment("center"),
    )

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        settings, tokens = block.settings, mail.tokens
        if not settings["src"]:
            tokens.say("This image block has no image. Choose one, or remove the block.")
            look = {"color": SOFT_INK, "align": "center", "css-class": mail.classes(block, "soft")}
            return tag("mj-text", look, tokens.hold("Image"))
        look = {
            "src": tokens.hold(v1.escape_attribute(_address(settings["src"], mail))),
            "alt": "" if settings["decorative"] else tokens.hold(tokens.attribute(settings["alt"])),
            "width": f"{settings['width']}px",
            "align": settings["align"],
            "padding": f"8px {GUTTER}",
            "href": tokens.hold(tokens.url(settings["href"])) if settings["href"] else "",
            "css-class": mail.classes(block),
        }
        return tag("mj-image", look)

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        settings, tokens = block.settings, mail.tokens
        if settings["decorative"] or not settings["src"]:
            return ""
        text = f"[{tokens.text(settings['alt'])}]" if settings["alt"] else ""
        return f"{text} {tokens.url(settings['href'])}".strip() if settings["href"] else text

    def draft(self, block: Block, inside: Inside) -> str:
        settings = block.settings
        return f"[{settings['alt']}]" if settings["alt"] and not settings["decorative"] else ""

    def summary(self, block: Block, catalog: Mapping[str, MergeField]) -> str:
        return str(block.settings["alt"])

    def unread(self, block: Block) -> frozenset[str]:
        return frozenset({"alt"}) if block.settings["decorative"] else frozenset()

    def links(self, block: Block) -> list[tuple[str, str]]:
        return [(block.settings["href"], block.settings["alt"])] if block.settings["href"] else []

    def check(self, block: Block) -> Iterator[Finding]:
        settings = block.settings
        if not settings["src"]:
            return
        if not settings["alt"] and not settings["decorative"]:
            yield Finding(
                "alt",
                "This image has no description. Write what someone should know who cannot see it, "
                "or mark it as decoration.",
                block=block.id,
                setting="alt",
            )
        if not settings["src"].startswith("asset:"):
            yield Finding(
                "image-host",
                "This image lies on another host, which learns who opens the mail. Upload it to the library.",
                block=block.id,
                setting="src",
            )
        if settings["decorative"] and settings["href"]:
            yield Finding("alt-link", "A linked image needs a description.", block=block.id, setting="alt")


def _address(reference: str, mail: Mail) -> str:
    url = mail.brand.asset(reference)
    if reference.startswith("asset:") or url.lower().startswith("https://"):
        return url
    mail.tokens.say("An image must come from the library or begin with https://. Choose it again.")
    return ""
