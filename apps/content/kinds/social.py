"""The clinic's own pages on social networks, as a line of words."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from apps.content.block_settings import Column, Line, Rows, alignment
from apps.content.design import Block
from apps.content.fields import MergeField
from apps.content.kinds.protocol import Inside, Kind
from apps.content.mail_look import SOFT_INK, Mail, tag
from apps.mail.compiled import UnsafeLink
from apps.mail.encoders import v1

_NETWORKS = (
    ("facebook", "Facebook"),
    ("instagram", "Instagram"),
    ("linkedin", "LinkedIn"),
    ("youtube", "YouTube"),
    ("tiktok", "TikTok"),
    ("x", "X"),
    ("threads", "Threads"),
    ("bluesky", "Bluesky"),
    ("pinterest", "Pinterest"),
    ("nextdoor", "Nextdoor"),
    ("website", "Website"),
)
_LABELS = dict(_NETWORKS)
_HOSTS: Mapping[str, tuple[str, ...]] = {
    "facebook": ("facebook.com", "fb.com"),
    "instagram": ("instagram.com",),
    "linkedin": ("linkedin.com",),
    "youtube": ("youtube.com", "youtu.be"),
    "tiktok": ("tiktok.com",),
    "x": ("x.com", "twitter.com"),
    "threads": ("threads.com", "threads.net"),
    "bluesky": ("bsky.app",),
    "pinterest": ("pinterest.com",),
    "nextdoor": ("nextdoor.com",),
}
"""Where each network is at home. A website may be anywhere."""
_FOLLOW = {"en": "Follow us", "es": "Síganos"}


class Social(Kind):
    """Where else people find the clinic.

    Words and no pictures: a logo of a network would come from another host, which learns who opens the mail, or be a
    picture to keep up with, light and dark. The links are the same for everybody and not tracked, like that of the
    footer: who follows a clinic on a network is no answer to this mail, and a journey that waits for a click must not
    take it for one.
    """

    name = "social"
    label = "Social links"
    icon = "world"
    hint = "Your own pages on social networks, and your website."
    settings = (
        Line("words", "Words before the links", _FOLLOW["en"], presets=_FOLLOW),
        Rows(
            "links",
            "Pages",
            hint="The whole address of each page, with https://.",
            columns=(Column("network", "Network", choices=_NETWORKS), Column("address", "Address", example="https://")),
            shape="Social links are at most 8 rows of a network and an address.",
            most=8,
            spare=3,
            translated=False,
        ),
        alignment("left"),
    )

    def mjml(self, block: Block, mail: Mail, inside: Inside) -> str:
        tokens, pages = mail.tokens, block.settings["links"]
        if not pages:
            tokens.say("This block has no links yet. Add a page, or remove the block.")
        for network, address in pages:
            if fault := _fault(network, address):
                tokens.say(fault)
        style = f"color:{mail.accent};text-decoration:underline;white-space:nowrap"
        lines = [tokens.text(block.settings["words"])] if block.settings["words"] else []
        links = [
            f'<a href="{v1.escape_html(address)}" class="link" style="{style}">{v1.escape_html(name)}</a>'
            for name, address in _pages(block)
        ]
        lines.append(" · ".join(links) or "Social links")
        look = {
            "align": block.settings["align"],
            "font-size": "14px",
            "color": SOFT_INK,
            "css-class": mail.classes(block, "soft"),
        }
        return tag("mj-text", look, tokens.hold("<br>".join(lines)))

    def text(self, block: Block, mail: Mail, inside: Inside) -> str:
        return _lines(mail.tokens.text(block.settings["words"]), block)

    def draft(self, block: Block, inside: Inside) -> str:
        return _lines(block.settings["words"], block)

    def summary(self, block: Block, catalog: Mapping[str, MergeField]) -> str:
        return ", ".join(_name(network, address) for network, address in block.settings["links"])

    def links(self, block: Block) -> list[tuple[str, str]]:
        return [(address, _name(network, address)) for network, address in block.settings["links"]]


def _pages(block: Block) -> list[tuple[str, str]]:
    """Name and address of what can be shown."""
    return [
        (_name(network, address), v1.safe_link(address))
        for network, address in block.settings["links"]
        if not _fault(network, address)
    ]


def _lines(words: str, block: Block) -> str:
    """The text part: a website is its own name."""
    pages = [f"{name}: {address}" if name in _LABELS.values() else address for name, address in _pages(block)]
    return "\n".join([words, *pages] if words else pages)


def _name(network: str, address: str) -> str:
    """What a link says: the network, or the website's host, which needs no translation."""
    return _LABELS[network] if network in _HOSTS else _host(address) or _LABELS[network]


def _host(address: str) -> str:
    """The host of an address in small letters, "" without one."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _fault(network: str, address: str) -> str:
    """Why an address cannot be used, and what to do; "" when it can."""
    label, host = _LABELS[network], _host(address)
    if not address:
        return f"{label} has no address. Write it, or empty the row."
    if "{{" in address:
        return f"The address of {label} holds a merge field. It is the same for everybody: write it out."
    if not address.lower().startswith("https://"):
        return f"The address of {label} must begin with https://."
    try:
        v1.safe_link(address)
    except UnsafeLink as error:
        return f"The address of {label} cannot be used. {error}"
    if "@" in unquote(urlsplit(address).query + urlsplit(address).fragment):
        return f"The address of {label} holds an e-mail address. Take it out: everybody gets the same link."
    homes = _HOSTS.get(network, (host,))
    if not any(host == home or host.endswith(f".{home}") for home in homes):
        return f"The link says {label} but leads to {host}. Choose “Website”, or correct the address."
    return ""
