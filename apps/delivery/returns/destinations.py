"""Whom a mail that comes in is for: pure. Nobody else's mail is ever taken (no open relay)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from apps.mail import return_paths


class Incoming(StrEnum):
    """What a mail that comes in is taken for."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REPLY = "reply"


@dataclass(frozen=True)
class Destination:
    """What it is, and the number of our message when the address proves it by its signature."""

    incoming: Incoming
    message: int | None = None


class NotHere(Exception):
    """Not for us. ``code`` and ``words`` are the SMTP answer; ``what`` is the word under which it is counted."""

    def __init__(self, what: str, code: int, words: str) -> None:
        self.what, self.code, self.words = what, code, words
        super().__init__(what)


OFTEN = "often"
"""The word under which mail is counted that came more often than ``AT_MOST``."""
DAY = timedelta(days=1)
AT_MOST = {"message": 10, "person": 30, "nobody": 500}
"""Mails of a day that are taken about one message, from and about one person, and by addresses that prove nothing.

Whoever has one mail of ours can answer it by a program; nobody writes ten letters about one message in a day.
"""


def too_often() -> NotHere:
    """The answer to what came more often: not yet, so that an honest server keeps the mail and tries again."""
    return NotHere(OFTEN, 452, "4.7.1 Too many mails to this address within a day, try again later")


HOUR = timedelta(hours=1)
FROM_A_NETWORK = 60
"""Mails of an hour that one network may bring to addresses that prove nothing: nobody else's letters wait for it."""


def too_often_from_there() -> NotHere:
    """The answer to a network that brought more than ``FROM_A_NETWORK`` within an hour."""
    return NotHere(OFTEN, 452, "4.7.1 Too many mails from this network within an hour, try again later")


# Not what stands behind "helo=" (Exim): that, like the word before the parenthesis (Postfix), is the peer's own.
_HOP = re.compile(rb"(?i)(?<!helo=)\[(?:IPv6:)?([0-9a-fA-F:.]{3,45})\]")


def network_of(peer: str, raw: bytes) -> str:
    """The network that brought a mail ("192.0.2.0/24", "2001:db8::/48"), or "" when that is not known.

    It is that of the peer, or, behind an MX of ours, of the peer that our MX names in the topmost ``Received`` field
    (RFC 5321 section 4.4). Fields below it are a stranger's: nobody is charged with what they say.
    """
    found = _public(peer)
    if not found:
        head = re.split(rb"\r?\n\r?\n", raw[:16_384], maxsplit=1)[0]
        first = re.search(rb"(?im)^received:((?:[^\n]|\n[ \t])*)", head)
        source = re.split(rb"(?i)\sby\s", first.group(1), maxsplit=1)[0] if first else b""
        hops = _HOP.findall(source)
        found = _public(hops[-1].decode("ascii")) if hops else ""
    return found


def _public(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if not address.is_global:
        return ""
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))


# Addresses every mail domain must have (RFC 2142, RFC 5321 section 4.5.1), and where feedback loops report to.
COMPLAINT_NAMES = frozenset({"complaints", "abuse", "fbl", "feedback"})


def destination(recipient: str, *, sending_domain: str, bounce_domain: str, keys: Sequence[bytes]) -> Destination:
    """The destination of an address. Raises ``NotHere`` with the answer to give."""
    local, at, domain = recipient.strip().strip("<>").rpartition("@")
    domain = domain.rstrip(".").lower()
    ours = {name.lower() for name in (sending_domain, bounce_domain) if name}
    if not at or not local or domain not in ours:
        raise NotHere("relay", 550, "5.7.1 We do not take mail for this domain")
    name = local.lower()
    purposes: tuple[tuple[Incoming, return_paths.Purpose], ...] = (
        (Incoming.BOUNCE, "bounce"),
        (Incoming.REPLY, "reply"),
    )
    for incoming, purpose in purposes:
        if name.startswith(f"{purpose}+"):
            try:
                return Destination(incoming, return_paths.message_of(recipient, purpose, domain, keys))
            except return_paths.Foreign:
                raise NotHere("forged", 550, "5.1.1 There is no such address here") from None
    if name in COMPLAINT_NAMES:
        return Destination(Incoming.COMPLAINT)
    if domain == sending_domain.lower() or name == "postmaster":
        return Destination(Incoming.REPLY)
    raise NotHere("unknown", 550, "5.1.1 There is no such address here")
