"""The look all mail has in common, and what a block needs at hand to write itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apps.content.brands import BrandFacts, contrast, ink_on
from apps.content.design import Block
from apps.content.merge_tokens import MergeTokens

FONT = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
INK = "#1b2430"
SOFT_INK = "#566173"
CARD = "#ffffff"
TINT = "#eef2f6"
LINE = "#dde3ea"
GUTTER = "24px"

DARK_CSS = (
    ":root{color-scheme:light dark;supported-color-schemes:light dark}"
    "@media (prefers-color-scheme:dark){"
    "body,body>div{background-color:#0f1620!important}"
    ".card,.card>table{background:#17202c!important;background-color:#17202c!important}"
    ".ink,.ink>div,.ink h1,.ink h2,.ink h3,.ink th,.ink td{color:#e6ebf1!important}"
    ".soft>div{color:#a3afbd!important}"
    ".tint{background:#1f2a38!important;background-color:#1f2a38!important}"
    ".link,.brand>div{color:#82b7f2!important}"
    "}"
)
"""Classes a block may use: ink, soft (text), link, brand (accent), card, tint (surfaces)."""


def tag(name: str, attributes: Mapping[str, str], inside: str | None = None) -> str:
    """An MJML element; empty attributes are left out, but for ``alt``, which means something when it is empty."""
    written = "".join(f' {key}="{value}"' for key, value in attributes.items() if value != "" or key == "alt")
    return f"<{name}{written} />" if inside is None else f"<{name}{written}>{inside}</{name}>"


def raw(token: str) -> str:
    """A token between the elements of MJML: where a branch or a repeat begins and ends."""
    return f"<mj-raw>{token}</mj-raw>"


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail that is written: who sends it, in which language, and the merge tokens it collects.

    `mark` adds a class per block, for the preview.
    """

    language: str
    brand: BrandFacts
    tokens: MergeTokens
    mark: bool = False

    @property
    def accent(self) -> str:
        """The color of links. A pale brand color stays on buttons; text in it would be hard to read."""
        return self.brand.primary if contrast(self.brand.primary, CARD) >= 4.5 else INK

    @property
    def footer_ink(self) -> str:
        """The color of text that stands on the page instead of on the card."""
        return SOFT_INK if contrast(SOFT_INK, self.brand.page) >= 4.5 else ink_on(self.brand.page)

    def classes(self, block: Block, *names: str) -> str:
        """The classes of a block's element."""
        return " ".join([*names, f"blk-{block.id}"] if self.mark else names)

    def section(self, inside: str, classes: str = "card") -> str:
        """A row on the card, around columns."""
        return tag("mj-section", {"background-color": CARD, "padding": "8px 0px", "css-class": classes}, inside)
