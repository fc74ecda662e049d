"""Blocks to MJML, and MJML to HTML with the precautions the compiler needs.

The source made here holds structure and tokens only (see `weaving`). The compiler (mjml-python, engine mrml)
is fast and right with care: it wants ``0px`` instead of ``0``, attribute values on one line, an alt on every
image, no remote fonts, and it must never be given deep nesting, which kills the process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import mjml as engine

from apps.content import rich
from apps.content.blocks import LAYOUTS, LEAVES, BadTemplate, Block, Design, Problem
from apps.content.brands import BrandFacts, contrast, ink_on
from apps.content.weaving import Weaver
from apps.mail.encoders import v1

MAX_SIZE = 512 * 1024
MAX_DEPTH = 100

FONT = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
INK = "#1b2430"
SOFT_INK = "#566173"
CARD = "#ffffff"
TINT = "#eef2f6"
LINE = "#dde3ea"

_GUTTER = "24px"
_HEADING = {"1": (24, 32), "2": (20, 28), "3": (16, 24)}
_SPACE = {"small": 8, "medium": 24, "large": 48}
_RICH = {
    "p": "margin:0 0 12px 0",
    "ul": "margin:0 0 12px 0;padding:0 0 0 24px",
    "ol": "margin:0 0 12px 0;padding:0 0 0 24px",
    "li": "margin:0 0 4px 0",
    "blockquote": f"margin:0 0 12px 0;padding:0 0 0 12px;border-left:3px solid {LINE}",
}
# Mail wraps anywhere rather than grow too wide (mj-table), but a label of one word stays whole on the narrowest phone.
_TH = "text-align:left;vertical-align:top;font-weight:400;padding:4px 16px 4px 0;width:30%;word-break:normal"
_TD = "vertical-align:top;font-weight:600;padding:4px 0"
_BOX = 'role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"'

UNSUBSCRIBE = {"en": "Unsubscribe or choose what we send you", "es": "Darse de baja o elegir qué le enviamos"}

_DARK_CSS = (
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


def compile_mjml(source: str) -> str:
    """MJML to HTML. Raises `BadTemplate` on what is too large, too deep or not MJML."""
    try:
        # Without fonts={} the page would link a public font host, which learns who opens a clinic's mail.
        html: str = engine.mjml2html(prepare(source), fonts={}, social_icon_origin="none:")
    except (ValueError, OSError) as error:
        raise BadTemplate([Problem("The template does not compile. Undo the last change.")]) from error
    return html


_TAG = re.compile(r"<(/?)([A-Za-z][\w-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*?)(/?)>", re.DOTALL)
_SPACING = re.compile(r'\b((?:inner-)?padding(?:-\w+)?|border-radius)="([^"]*)"')
_ZERO = re.compile(r"(?<![\w.])0(?![\w.%])")


def prepare(source: str) -> str:
    """`source` as the compiler needs it: white space in attributes collapsed, ``0`` written ``0px``.

    Refuses more than 512 KB and nesting deeper than 100 (the engine crashes the process at some thousands).
    """
    if len(source.encode("utf-8", "replace")) > MAX_SIZE:
        raise BadTemplate([Problem("The template is larger than 512 KB. Remove blocks or shorten the text.")])
    depth = 0
    for found in _TAG.finditer(source):
        if found[4]:
            continue
        depth += -1 if found[1] else 1
        if depth > MAX_DEPTH:
            raise BadTemplate([Problem("The template is nested more than 100 deep. Move blocks out of blocks.")])
    return _TAG.sub(_tidy, source)


def _tidy(tag: re.Match[str]) -> str:
    inside = re.sub(r"\s+", " ", tag[3])
    inside = _SPACING.sub(lambda found: f'{found[1]}="{_ZERO.sub("0px", found[2])}"', inside)
    return f"<{tag[1]}{tag[2]}{inside}{tag[4]}>"


def to_html(design: Design, brand: BrandFacts, weaver: Weaver, *, mark: bool = False) -> str:
    """The HTML part with the weaver's tokens still in it. `mark` adds a class per block, for the preview."""
    return weaver.unfold(compile_mjml(_Builder(design.language, brand, weaver, mark).document(design)))


def is_inline(block: Block) -> bool:
    """Whether a block fits into a column with its neighbors."""
    if block.type in LEAVES:
        return True
    inner = [b for blocks in block.lists for b in blocks]
    return block.type in ("condition", "loop") and all(is_inline(b) for b in inner)


def _tag(name: str, attributes: Mapping[str, str], inside: str | None = None) -> str:
    written = "".join(f' {key}="{value}"' for key, value in attributes.items() if value != "" or key == "alt")
    return f"<{name}{written} />" if inside is None else f"<{name}{written}>{inside}</{name}>"


class _Builder:
    """Writes MJML for one template."""

    def __init__(self, language: str, brand: BrandFacts, weaver: Weaver, mark: bool) -> None:
        self.language, self.brand, self.weaver, self.mark = language, brand, weaver, mark
        # A pale brand color stays on buttons; text in it would be hard to read.
        self.accent = brand.primary if contrast(brand.primary, CARD) >= 4.5 else INK
        self.footer_ink = SOFT_INK if contrast(SOFT_INK, brand.page) >= 4.5 else ink_on(brand.page)

    def document(self, design: Design) -> str:
        weaver = self.weaver
        fixed = design.subject if "{{" not in design.subject else ""
        head = _tag("mj-title", {}, weaver.hold(v1.escape_html(v1.canonical(fixed or self.brand.name))))
        if design.preheader:
            head += _tag("mj-preview", {}, weaver.hold(weaver.text(design.preheader)))
        scheme = '<meta name="{}color-scheme{}" content="light dark">'
        head += _tag("mj-raw", {}, scheme.format("", "") + scheme.format("supported-", "s"))
        text = {"font-size": "16px", "line-height": "24px", "color": INK, "padding": f"8px {_GUTTER}"}
        head += _tag("mj-attributes", {}, _tag("mj-all", {"font-family": FONT}) + _tag("mj-text", text))
        head += _tag("mj-style", {}, _DARK_CSS)
        top = _tag("mj-section", {"padding": "8px 0px"}, "<mj-column></mj-column>")
        body = top + "".join(self.chunks(design.blocks))
        page = {"width": "600px", "background-color": self.brand.page}
        root = {"lang": design.language, "dir": "auto"}
        return _tag("mjml", root, _tag("mj-head", {}, head) + _tag("mj-body", page, body))

    def chunks(self, blocks: tuple[Block, ...]) -> list[str]:
        """Sections: neighbors that fit into one column share one."""
        out: list[str] = []
        run: list[Block] = []

        def flush() -> None:
            if run:
                out.append(self.section(_tag("mj-column", {}, "".join(self.inline(b) for b in run))))
                run.clear()

        for block in blocks:
            if is_inline(block):
                run.append(block)
                continue
            flush()
            self.weaver.block = block.id
            if block.type == "columns":
                out.append(self.columns(block))
            elif block.type == "footer":
                out.append(self.footer(block))
            else:
                out.append(self.around(block, lambda inner: "".join(self.chunks(inner))))
        flush()
        return out

    def around(self, block: Block, inside: Any) -> str:
        """A condition or repeat around what `inside` makes of its lists."""
        weaver, settings = self.weaver, block.settings
        weaver.block = block.id
        if block.type == "loop":
            with weaver.loop(settings["field"], settings["name"]) as opening:
                body = inside(block.lists[0])
            return self.raw(opening) + body + self.raw(weaver.end)
        opening = weaver.test(settings["field"], settings["op"], settings["values"])
        then, otherwise = inside(block.lists[0]), inside(block.lists[1])
        return self.raw(opening) + then + self.raw(weaver.otherwise) + otherwise + self.raw(weaver.end)

    def raw(self, token: str) -> str:
        return f"<mj-raw>{token}</mj-raw>"

    def classes(self, block: Block, *names: str) -> str:
        return " ".join([*names, f"blk-{block.id}"] if self.mark else names)

    def section(self, inside: str, classes: str = "card") -> str:
        return _tag("mj-section", {"background-color": CARD, "padding": "8px 0px", "css-class": classes}, inside)

    def columns(self, block: Block) -> str:
        shares = LAYOUTS[block.settings["layout"]]
        inside = ""
        for share, blocks in zip(shares, block.lists, strict=True):
            width = {"width": f"{100 * share / sum(shares):.4f}%"}
            body = "".join(self.inline(b) for b in blocks)
            if self.mark and not blocks:  # in the editor alone: a column nobody sees is a column nobody fills
                empty = {"color": SOFT_INK, "align": "center", "css-class": "soft"}
                body = _tag("mj-text", empty, self.weaver.hold("Empty column"))
            inside += _tag("mj-column", width, body)
        return self.section(inside, self.classes(block, "card"))

    def footer(self, block: Block) -> str:
        weaver, brand = self.weaver, self.brand
        lines = [weaver.text(block.settings["reason"])] if block.settings["reason"] else []
        about = [v1.escape_html(part) for part in (brand.name, brand.postal_address, brand.phone) if part]
        lines.append(" · ".join(about))
        if block.settings["unsubscribe"]:
            href = weaver.url("{{ unsubscribe.url }}")
            style = f"color:{self.footer_ink};text-decoration:underline"
            lines.append(f'<a href="{href}" class="link" style="{style}">{UNSUBSCRIBE[self.language]}</a>')
        html = weaver.hold("".join(f'<p style="margin:0 0 8px 0">{line}</p>' for line in lines))
        look = {
            "font-size": "13px",
            "line-height": "20px",
            "color": self.footer_ink,
            "css-class": self.classes(block, "soft"),
        }
        return _tag("mj-section", {"padding": "16px 0px"}, _tag("mj-column", {}, _tag("mj-text", look, html)))

    def inline(self, block: Block) -> str:
        """A block inside a column."""
        self.weaver.block = block.id
        if block.type in ("condition", "loop"):
            return self.around(block, lambda inner: "".join(self.inline(b) for b in inner))
        out: str = getattr(self, f"leaf_{block.type}")(block, block.settings)
        return out

    def leaf_header(self, block: Block, settings: Mapping[str, Any]) -> str:
        hold, brand = self.weaver.hold, self.brand
        if settings["show"] == "logo" and brand.logo:
            look = {
                "src": hold(v1.escape_attribute(brand.asset(brand.logo))),
                "alt": hold(v1.escape_attribute(brand.name)),
                "width": "160px",
                "align": settings["align"],
                "padding": f"16px {_GUTTER}",
                "css-class": self.classes(block),
            }
            return _tag("mj-image", look)
        look = {
            "align": settings["align"],
            "font-size": "18px",
            "font-weight": "600",
            "color": self.accent,
            "padding": f"16px {_GUTTER} 8px",
            "css-class": self.classes(block, "brand"),
        }
        return _tag("mj-text", look, hold(v1.escape_html(brand.name)))

    def leaf_heading(self, block: Block, settings: Mapping[str, Any]) -> str:
        size, line = _HEADING[settings["level"]]
        tag = f"h{settings['level']}"
        text = self.weaver.hold(self.weaver.text(settings["text"]))
        style = f"margin:0;font-size:{size}px;line-height:{line}px;font-weight:600"
        look = {
            "align": settings["align"],
            "font-size": f"{size}px",
            "line-height": f"{line}px",
            "css-class": self.classes(block, "ink"),
        }
        return _tag("mj-text", look, f'<{tag} style="{style}">{text}</{tag}>')

    def leaf_text(self, block: Block, settings: Mapping[str, Any]) -> str:
        weaver = self.weaver
        styles = {**_RICH, "a": f"color:{self.accent};text-decoration:underline"}
        html = rich.to_html(settings["html"], weaver.text, weaver.url, styles)
        before, mark, after = html.rpartition(f'<p style="{_RICH["p"]}">')
        if mark and html.endswith("</p>") and "<p" not in after:
            html = f'{before}<p style="margin:0">{after}'  # the block's own padding follows
        if settings["tone"] == "tint":
            # A table of its own: padding and color in one cell work in every mail program.
            style = f"background:{TINT};border-radius:6px;padding:16px"
            html = f'<table {_BOX}><tr><td class="tint" style="{style}">{html}</td></tr></table>'
        return _tag("mj-text", {"css-class": self.classes(block, "ink")}, weaver.hold(html))

    def leaf_image(self, block: Block, settings: Mapping[str, Any]) -> str:
        weaver = self.weaver
        if not settings["src"]:
            weaver.say("This image block has no image. Choose one, or remove the block.")
            look = {"color": SOFT_INK, "align": "center", "css-class": self.classes(block, "soft")}
            return _tag("mj-text", look, weaver.hold("Image"))
        look = {
            "src": weaver.hold(v1.escape_attribute(self.image_url(settings["src"]))),
            "alt": "" if settings["decorative"] else weaver.hold(weaver.attribute(settings["alt"])),
            "width": f"{settings['width']}px",
            "align": settings["align"],
            "padding": f"8px {_GUTTER}",
            "href": weaver.hold(weaver.url(settings["href"])) if settings["href"] else "",
            "css-class": self.classes(block),
        }
        return _tag("mj-image", look)

    def image_url(self, reference: str) -> str:
        url = self.brand.asset(reference)
        if reference.startswith("asset:") or url.lower().startswith("https://"):
            return url
        self.weaver.say("An image must come from the library or begin with https://. Choose it again.")
        return ""

    def leaf_button(self, block: Block, settings: Mapping[str, Any]) -> str:
        weaver, color = self.weaver, self.brand.primary
        if not settings["url"]:
            weaver.say("This button has no link. Give it one.")
        look = {
            "href": weaver.hold(weaver.url(settings["url"]) if settings["url"] else "#"),
            "align": settings["align"],
            "background-color": color,
            "color": ink_on(color),
            "font-size": "16px",
            "font-weight": "600",
            "line-height": "20px",
            "border-radius": "6px",
            "inner-padding": "14px 24px",
            "padding": f"12px {_GUTTER}",
            "css-class": self.classes(block),
        }
        return _tag("mj-button", look, weaver.hold(weaver.text(settings["label"])))

    def leaf_details(self, block: Block, settings: Mapping[str, Any]) -> str:
        weaver = self.weaver
        rows = ""
        for label, value in settings["rows"]:
            head, cell = weaver.text(label), weaver.text(value)
            rows += f'<tr><th scope="row" style="{_TH}">{head}</th><td style="{_TD}">{cell}</td></tr>'
        look = {
            "font-size": "16px",
            "line-height": "24px",
            "color": INK,
            "padding": f"8px {_GUTTER}",
            "css-class": self.classes(block, "ink"),
        }
        return _tag("mj-table", look, weaver.hold(rows))

    def leaf_divider(self, block: Block, settings: Mapping[str, Any]) -> str:
        look = {"border-width": "1px", "border-color": LINE, "padding": f"12px {_GUTTER}"}
        return _tag("mj-divider", {**look, "css-class": self.classes(block)})

    def leaf_spacer(self, block: Block, settings: Mapping[str, Any]) -> str:
        return _tag("mj-spacer", {"height": f"{_SPACE[settings['size']]}px", "css-class": self.classes(block)})
