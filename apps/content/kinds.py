"""The kinds of blocks a template is made of, and what each holds: data that `blocks` reads and the editor draws."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

LANGUAGES = {"en": "English", "es": "Spanish"}
FOOTER_REASON = {
    "en": "You get this message because you are in touch with {{ clinic.name }}.",
    "es": "Recibe este mensaje porque está en contacto con {{ clinic.name }}.",
}
"""What a new footer says, by language (``content.shipped`` fills it in)."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a block. `kind`: line, rich, link, image, choice, flag, number, rows, field, words."""

    name: str
    kind: str
    label: str
    default: Any = ""
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of block. `lists` names the JSON keys of its nested lists."""

    name: str
    label: str
    icon: str
    settings: tuple[Setting, ...]
    lists: tuple[str, ...] = ()
    hint: str = ""


ALIGN = Setting("align", "choice", "Alignment", "left", (("left", "Left"), ("center", "Center"), ("right", "Right")))
OPERATIONS = (
    ("exists", "has a value"),
    ("missing", "has no value"),
    ("is", "is"),
    ("is_not", "is not"),
    ("in", "is one of"),
)

BLOCKS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "header",
            "Clinic header",
            "building-hospital",
            (
                Setting("show", "choice", "Show", "name", (("name", "Clinic name"), ("logo", "Logo"))),
                replace(ALIGN, default="left"),
            ),
            hint="The clinic's name or logo, so people know at once who writes.",
        ),
        Kind(
            "heading",
            "Heading",
            "heading",
            (
                Setting("text", "line", "Text", "A heading"),
                Setting(
                    "level",
                    "choice",
                    "Level",
                    "1",
                    (("1", "Main heading"), ("2", "Section"), ("3", "Small")),
                ),
                ALIGN,
            ),
        ),
        Kind(
            "text",
            "Text",
            "align-left",
            (
                Setting("html", "rich", "Text", "<p>Write here.</p>"),
                Setting("tone", "choice", "Look", "plain", (("plain", "Plain"), ("tint", "Tinted box"))),
            ),
        ),
        Kind(
            "image",
            "Image",
            "photo",
            (
                Setting("src", "image", "Image"),
                Setting("alt", "line", "Description", "", hint="What someone reads who cannot see it."),
                Setting("decorative", "flag", "Decoration only (no description needed)", False),
                Setting("width", "number", "Width in pixels", 552, low=16, high=600),
                Setting("href", "link", "Link (optional)"),
                replace(ALIGN, default="center"),
            ),
        ),
        Kind(
            "button",
            "Button",
            "hand-finger",
            (
                Setting("label", "line", "Label", "Open"),
                Setting("url", "link", "Link", "", hint="https://… or a link field such as {{ clinic.portal_url }}"),
                replace(ALIGN, default="left"),
            ),
        ),
        Kind(
            "details",
            "Details",
            "list-details",
            (Setting("rows", "rows", "Rows", (("When", ""),), hint="One fact a row, such as When or Where."),),
            hint="A small table of facts, such as the time and place of a visit.",
        ),
        Kind("divider", "Divider", "separator-horizontal", ()),
        Kind(
            "spacer",
            "Space",
            "arrow-autofit-height",
            (
                Setting(
                    "size",
                    "choice",
                    "Height",
                    "medium",
                    (("small", "Small"), ("medium", "Medium"), ("large", "Large")),
                ),
            ),
        ),
        Kind(
            "columns",
            "Columns",
            "columns-2",
            (
                Setting(
                    "layout",
                    "choice",
                    "Layout",
                    "1-1",
                    (
                        ("1-1", "Two equal"),
                        ("1-2", "Narrow, wide"),
                        ("2-1", "Wide, narrow"),
                        ("1-1-1", "Three"),
                    ),
                ),
            ),
            ("columns",),
        ),
        Kind(
            "condition",
            "Condition",
            "git-branch",
            (
                Setting("field", "field", "If this field", "appointment.location"),
                Setting("op", "choice", "Test", "exists", OPERATIONS),
                Setting("values", "words", "Value", (), hint="Several values: one a line."),
            ),
            ("then", "otherwise"),
            hint="Shows one part to some people and another to the rest.",
        ),
        Kind(
            "loop",
            "Repeat",
            "repeat",
            (
                Setting("field", "field", "For each of", "appointments"),
                Setting("name", "line", "Called", "visit", hint="Used as {{ visit.start }} inside."),
            ),
            ("blocks",),
            hint="Repeats its content for each item of a list.",
        ),
        Kind(
            "footer",
            "Footer",
            "layout-bottombar",
            (
                Setting(
                    "reason",
                    "line",
                    "Why they get this",
                    FOOTER_REASON["en"],
                ),
                Setting("unsubscribe", "flag", "Unsubscribe link", True),
            ),
            hint="Clinic name, postal address, phone and the unsubscribe link. Always last.",
        ),
    )
}

LAYOUTS = {"1-1": (1, 1), "1-2": (1, 2), "2-1": (2, 1), "1-1-1": (1, 1, 1)}
OF_A_LANGUAGE = frozenset({"line", "rich", "rows", "link"})
"""Kinds of settings that may differ from language to language."""
LEAVES = frozenset({"header", "heading", "text", "image", "button", "details", "divider", "spacer"})
