"""Paragraphs, lists and links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

from apps.content import rich
from apps.content.block_settings import Choice, Rich
from apps.content.design import Block, Finding
from apps.content.fields import MergeField
from apps.content.kinds.protocol import Inside, Kind
from apps.content.mail_look import LINE, TINT, Mail, tag

_STYLES = {
    "p": "margin:0 0 12px 0",
    "ul": "margin:0 0 12px 0;padding:0 0 0 24px",
    "ol": "margin:0 0 12px 0;padding:0 0 0 24px",
    "li": "margin:0 0 4px 0",
    "blockquote": f"margin:0 0 12px 0;padding:0 0 0 12px;border-left:3px solid {LINE}",
}
_BOX = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'


class Text(Kind):
    """What the mail has to say."""

    name = "text"
    label = "Text"
    icon = "align-left"
    settings = (
        Rich("html", "Text", "<p>Write here.</p>"),
        Choice("tone", "Look", "plain", choices=(("plain", "Plain"), ("tint", "Tinted box"))),
    )
    has_text = True

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        tokens = mail.tokens
        styles = {**_STYLES, "a": f"color:{mail.accent};text-decoration:underline"}
        html = rich.to_html(block.settings["html"], tokens.text, tokens.url, styles)
        before, mark, after = html.rpartition(f'<p style="{_STYLES["p"]}">')
        if mark and html.endswith("</p>") and "<p" not in after:
            html = f'{before}<p style="margin:0">{after}'  # the block's own padding follows
        if block.settings["tone"] == "tint":
            # A table of its own: padding and color in one cell work in every mail program.
            style = f"background:{TINT};border-radius:6px;padding:16px"
            html = f'<table {_BOX}><tr><td class="tint" style="{style}">{html}</td></tr></table>'
        return tag("mj-text", {"css-class": mail.classes(block, "ink")}, tokens.hold(html))

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        return rich.to_text(block.settings["html"], mail.tokens.text, mail.tokens.url)

    def draft(self, block: Block, inside: Inside) -> str:
        return rich.plain(block.settings["html"])

    def summary(self, block: Block, catalog: Mapping[str, MergeField]) -> str:
        return rich.plain(block.settings["html"])

    def links(self, block: Block) -> list[tuple[str, str]]:
        reader = _Links()
        reader.feed(block.settings["html"])
        return reader.found

    def check(self, block: Block) -> Iterator[Finding]:
        if not rich.plain(block.settings["html"]).strip():
            yield Finding("empty", "This text block is empty. Write it, or remove the block.", False, block.id)


class _Links(HTMLParser):
    """Collects (target, words) of the links of rich text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.open = True
            self.found.append((dict(attrs).get("href") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag != "a"

    def handle_data(self, data: str) -> None:
        if self.open:
            target, words = self.found[-1]
            self.found[-1] = (target, words + data)
