"""Who writes, why, and how to hear less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.content.block_settings import Flag, Line
from apps.content.design import Block, Finding
from apps.content.kinds.protocol import Checked, Inside, Kind, Place
from apps.content.mail_look import Mail, tag
from apps.mail.encoders import v1

FOOTER_REASON = {
    "en": "You get this message because you are in touch with {{ clinic.name }}.",
    "es": "Recibe este mensaje porque está en contacto con {{ clinic.name }}.",
}
"""What a new footer says, by language."""
_UNSUBSCRIBE = {"en": "Unsubscribe or choose what we send you", "es": "Darse de baja o elegir qué le enviamos"}


class Footer(Kind):
    """The end of a mail."""

    name = "footer"
    label = "Footer"
    icon = "layout-bottombar"
    hint = "Clinic name, postal address, phone and the unsubscribe link. Always last."
    settings = (
        Line("reason", "Why they get this", FOOTER_REASON["en"], presets=FOOTER_REASON),
        Flag("unsubscribe", "Unsubscribe link", True),
    )
    place = Place.END

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        tokens, brand, ink = mail.tokens, mail.brand, mail.footer_ink
        lines = [tokens.text(block.settings["reason"])] if block.settings["reason"] else []
        about = [v1.escape_html(part) for part in (brand.name, brand.postal_address, brand.phone) if part]
        lines.append(" · ".join(about))
        if block.settings["unsubscribe"]:
            href = tokens.url("{{ unsubscribe.url }}")
            style = f"color:{ink};text-decoration:underline"
            lines.append(f'<a href="{href}" class="link" style="{style}">{_UNSUBSCRIBE[mail.language]}</a>')
        html = tokens.hold("".join(f'<p style="margin:0 0 8px 0">{line}</p>' for line in lines))
        look = {"font-size": "13px", "line-height": "20px", "color": ink, "css-class": mail.classes(block, "soft")}
        return tag("mj-section", {"padding": "16px 0px"}, tag("mj-column", {}, tag("mj-text", look, html)))

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        brand = mail.brand
        lines = ["- - -"]
        if block.settings["reason"]:
            lines.append(mail.tokens.text(block.settings["reason"]))
        lines += [part for part in (brand.name, brand.postal_address, brand.phone) if part]
        if block.settings["unsubscribe"]:
            lines.append(f"{_UNSUBSCRIBE[mail.language]}:\n{mail.tokens.url('{{ unsubscribe.url }}')}")
        return "\n".join(lines)

    def draft(self, block: Block, inside: Inside) -> str:
        text = f"- - -\n{block.settings['reason']}\n{{{{ clinic.name }}}}\n{{{{ clinic.postal_address }}}}"
        return text + "\n{{ unsubscribe.url }}" if block.settings["unsubscribe"] else text

    def check_all(self, found: Sequence[Block], mail: Checked) -> Iterator[Finding]:
        if not found:
            yield Finding("footer", "There is no footer. Add one: it says who writes and why.", error=mail.commercial)
            return
        footer = found[0]
        if mail.commercial and not footer.settings["unsubscribe"]:
            yield Finding(
                "unsubscribe",
                "Mail of this purpose must offer to unsubscribe. Switch on the link in the footer.",
                block=footer.id,
                setting="unsubscribe",
            )
        if not mail.brand.postal_address:
            yield Finding(
                "postal-address",
                "The brand has no postal address. Mail of this purpose must show one: complete the brand.",
                error=mail.commercial,
                block=footer.id,
            )
        if not mail.brand.phone:
            yield Finding(
                "phone",
                "The brand has no phone number. People who doubt a mail want to call: complete it.",
                error=False,
            )
        if not footer.settings["reason"]:
            yield Finding("reason", "The footer does not say why someone gets this mail.", False, footer.id, "reason")
        if mail.commercial and mail.design.text is not None and "unsubscribe.url" not in mail.design.text:
            yield Finding(
                "unsubscribe-text",
                "Your own text part has no {{ unsubscribe.url }}. Add it, or generate the text part again.",
                setting="text",
            )
