"""Blocks to MJML, and MJML to HTML with the precautions the compiler needs.

The source made here holds structure and tokens only (see `merge_tokens`). The compiler (mjml-python, engine mrml)
is fast and right with care: it wants ``0px`` instead of ``0``, attribute values on one line, an alt on every
image, no remote fonts, and it must never be given deep nesting, which kills the process.
"""

from __future__ import annotations

import re

import mjml as engine

from apps.content.design import BadTemplate, Block, Design, Problem
from apps.content.kinds import KINDS
from apps.content.kinds.protocol import Blocks, Place
from apps.content.mail_look import DARK_CSS, FONT, GUTTER, INK, Mail, tag
from apps.mail.encoders import v1

MAX_SIZE = 512 * 1024
MAX_DEPTH = 100


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


def to_html(design: Design, mail: Mail) -> str:
    """The HTML part with the merge tokens still in it."""
    return mail.tokens.unfold(compile_mjml(_document(design, mail)))


def is_inline(block: Block) -> bool:
    """Whether a block fits into a column with its neighbors."""
    return KINDS[block.type].place is Place.COLUMN and all(is_inline(one) for blocks in block.lists for one in blocks)


def _document(design: Design, mail: Mail) -> str:
    tokens = mail.tokens
    fixed = design.subject if "{{" not in design.subject else ""
    head = tag("mj-title", {}, tokens.hold(v1.escape_html(v1.canonical(fixed or mail.brand.name))))
    if design.preheader:
        head += tag("mj-preview", {}, tokens.hold(tokens.text(design.preheader)))
    scheme = '<meta name="{}color-scheme{}" content="light dark">'
    head += tag("mj-raw", {}, scheme.format("", "") + scheme.format("supported-", "s"))
    text = {"font-size": "16px", "line-height": "24px", "color": INK, "padding": f"8px {GUTTER}"}
    head += tag("mj-attributes", {}, tag("mj-all", {"font-family": FONT}) + tag("mj-text", text))
    head += tag("mj-style", {}, DARK_CSS)
    top = tag("mj-section", {"padding": "8px 0px"}, "<mj-column></mj-column>")
    body = top + _Writer(mail).sections(design.blocks)
    page = {"width": "600px", "background-color": mail.brand.page}
    root = {"lang": design.language, "dir": "auto"}
    return tag("mjml", root, tag("mj-head", {}, head) + tag("mj-body", page, body))


class _Writer:
    """Writes lists of blocks as sections, or inside a column."""

    def __init__(self, mail: Mail) -> None:
        self.mail = mail

    def sections(self, blocks: Blocks) -> str:
        """Sections: neighbors that fit into one column share one."""
        out: list[str] = []
        run: list[Block] = []

        def flush() -> None:
            if run:
                out.append(self.mail.section(tag("mj-column", {}, self.column(tuple(run)))))
                run.clear()

        for block in blocks:
            if is_inline(block):
                run.append(block)
                continue
            flush()
            self.mail.tokens.block = block.id
            kind = KINDS[block.type]
            inside = self.column if kind.place is Place.ROW else self.sections
            out.append(kind.mjml(block, self.mail, inside))
        flush()
        return "".join(out)

    def column(self, blocks: Blocks) -> str:
        """What stands below each other inside a column."""
        out = ""
        for block in blocks:
            self.mail.tokens.block = block.id
            out += KINDS[block.type].mjml(block, self.mail, self.column)
        return out
