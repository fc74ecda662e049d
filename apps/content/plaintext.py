"""The text/plain part, generated from the blocks unless the author wrote one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.content import rich
from apps.content.blocks import Block, Design
from apps.content.brands import BrandFacts
from apps.content.mjml import UNSUBSCRIBE
from apps.content.weaving import Weaver


def to_text(design: Design, brand: BrandFacts, weaver: Weaver) -> str:
    """The text part with the weaver's tokens in it. Ends in a line break."""
    weaver.block = ""
    if design.text is not None:
        return weaver.text(design.text.replace("\r\n", "\n").strip("\n")) + "\n"
    writer = _Writer(design.language, brand, weaver)
    return "".join(writer.block(block) for block in design.blocks).strip("\n") + "\n"


def skeleton(design: Design) -> str:
    """The generated text part as an author would type it, merge fields and all, to begin editing from.

    Branches are written one after the other: text typed by hand has no conditions.
    """
    return "".join(_draft(block) for block in design.blocks).strip("\n") + "\n"


class _Writer:
    def __init__(self, language: str, brand: BrandFacts, weaver: Weaver) -> None:
        self.language, self.brand, self.weaver = language, brand, weaver

    def block(self, block: Block) -> str:
        """One block, followed by an empty line."""
        weaver = self.weaver
        weaver.block = block.id
        if block.type == "columns":
            return "".join(self.block(inner) for blocks in block.lists for inner in blocks)
        if block.type == "condition":
            settings = block.settings
            opening = weaver.test(settings["field"], settings["op"], settings["values"])
            then, otherwise = ("".join(self.block(inner) for inner in blocks) for blocks in block.lists)
            return opening + then + weaver.otherwise + otherwise + weaver.end
        if block.type == "loop":
            with weaver.loop(block.settings["field"], block.settings["name"]) as opening:
                body = "".join(self.block(inner) for inner in block.lists[0])
            return opening + body + weaver.end
        text: str = getattr(self, block.type)(block.settings)
        return text + "\n\n" if text else ""

    def header(self, settings: Mapping[str, Any]) -> str:
        return self.brand.name

    def heading(self, settings: Mapping[str, Any]) -> str:
        return self.weaver.text(settings["text"])

    def text(self, settings: Mapping[str, Any]) -> str:
        return rich.to_text(settings["html"], self.weaver.text, self.weaver.url)

    def image(self, settings: Mapping[str, Any]) -> str:
        if settings["decorative"] or not settings["src"]:
            return ""
        text = f"[{self.weaver.text(settings['alt'])}]" if settings["alt"] else ""
        return f"{text} {self.weaver.url(settings['href'])}".strip() if settings["href"] else text

    def button(self, settings: Mapping[str, Any]) -> str:
        label = self.weaver.text(settings["label"])
        return f"{label}:\n{self.weaver.url(settings['url'])}" if settings["url"] else label

    def details(self, settings: Mapping[str, Any]) -> str:
        return "\n".join(f"{self.weaver.text(label)}: {self.weaver.text(value)}" for label, value in settings["rows"])

    def divider(self, settings: Mapping[str, Any]) -> str:
        return "- - -"

    def spacer(self, settings: Mapping[str, Any]) -> str:
        return ""

    def footer(self, settings: Mapping[str, Any]) -> str:
        brand = self.brand
        lines = ["- - -"]
        if settings["reason"]:
            lines.append(self.weaver.text(settings["reason"]))
        lines += [part for part in (brand.name, brand.postal_address, brand.phone) if part]
        if settings["unsubscribe"]:
            lines.append(f"{UNSUBSCRIBE[self.language]}:\n{self.weaver.url('{{ unsubscribe.url }}')}")
        return "\n".join(lines)


def _draft(block: Block) -> str:
    settings = block.settings
    match block.type:
        case "header":
            text = "{{ clinic.name }}"
        case "heading":
            text = settings["text"]
        case "text":
            text = rich.plain(settings["html"])
        case "button":
            text = f"{settings['label']}:\n{settings['url']}"
        case "image":
            text = f"[{settings['alt']}]" if settings["alt"] and not settings["decorative"] else ""
        case "details":
            text = "\n".join(f"{label}: {value}" for label, value in settings["rows"])
        case "divider":
            text = "- - -"
        case "footer":
            text = f"- - -\n{settings['reason']}\n{{{{ clinic.name }}}}\n{{{{ clinic.postal_address }}}}"
            if settings["unsubscribe"]:
                text += "\n{{ unsubscribe.url }}"
        case "columns" | "condition":
            return "".join(_draft(inner) for blocks in block.lists for inner in blocks)
        case _:
            text = ""
    return text + "\n\n" if text else ""
