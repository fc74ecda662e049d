"""A small table of facts."""

from __future__ import annotations

from collections.abc import Mapping

from apps.content.block_settings import Column, Rows
from apps.content.design import Block
from apps.content.fields import MergeField
from apps.content.kinds.protocol import Inside, Kind
from apps.content.mail_look import GUTTER, INK, Mail, tag

# Mail wraps anywhere rather than grow too wide (mj-table), but a label of one word stays whole on the narrowest phone.
_TH = "text-align:left;vertical-align:top;font-weight:400;padding:4px 16px 4px 0;width:30%;word-break:normal"
_TD = "vertical-align:top;font-weight:600;padding:4px 0"


class Details(Kind):
    """Facts such as the time and place of a visit."""

    name = "details"
    label = "Details"
    icon = "list-details"
    hint = "A small table of facts, such as the time and place of a visit."
    settings = (
        Rows(
            "rows",
            "Rows",
            (("When", ""),),
            hint="One fact a row, such as When or Where.",
            columns=(Column("label", "Label", example="When"), Column("value", "Value")),
            shape="Details are at most 20 rows of a label and a value.",
        ),
    )
    has_text = True

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        tokens, rows = mail.tokens, ""
        for label, value in block.settings["rows"]:
            head, cell = tokens.text(label), tokens.text(value)
            rows += f'<tr><th scope="row" style="{_TH}">{head}</th><td style="{_TD}">{cell}</td></tr>'
        look = {
            "font-size": "16px",
            "line-height": "24px",
            "color": INK,
            "padding": f"8px {GUTTER}",
            "css-class": mail.classes(block, "ink"),
        }
        return tag("mj-table", look, tokens.hold(rows))

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        say = mail.tokens.text
        return "\n".join(f"{say(label)}: {say(value)}" for label, value in block.settings["rows"])

    def draft(self, block: Block, inside: Inside) -> str:
        return "\n".join(f"{label}: {value}" for label, value in block.settings["rows"])

    def summary(self, block: Block, catalog: Mapping[str, MergeField]) -> str:
        return ", ".join(label for label, _ in block.settings["rows"])
