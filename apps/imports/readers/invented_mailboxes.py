"""Invented mailboxes for people who came without one, at the demo's providers under `.test` (RFC 6761).

Addresses follow from the person's id and address line, never from the name, so that an address seen in
a mail log or in a screenshot says nothing, and a second import invents the same ones.
"""

from __future__ import annotations

import hashlib

PROVIDERS = (
    ("goodmail.test", 60),
    ("plainmail.test", 16),
    ("oldmail.test", 8),
    ("keymail.test", 10),
)
"""Provider and share in a hundred. The rest are dead mailboxes at goodmail.test."""
DEAD_PREFIX = "gone-"
"""Local parts that the demo's mail servers refuse as unknown."""
HOUSEHOLD_SHARE = 6
"""One person in this many reads the family's mailbox."""


def invent_address(external_id: str, line: str = "", city: str = "", county: str = "") -> str:
    """The mailbox of the person with this id.

    People of one household read one mailbox: at one address line in four everybody does, and one in six
    of the others shares with others of the same county (Synthea gives everybody a line of their own).
    """
    home = _digest("line", " ".join(line.lower().split()), city.strip().lower(), county.strip().lower())
    if line.strip() and home[0] % 4 == 0:
        return f"home-{home[:6].hex()}@goodmail.test"
    person = _digest("person", external_id)
    chance = person[0] * 256 + person[1]
    if chance % HOUSEHOLD_SHARE == 0:
        home = _digest("household", county.strip().lower(), str(person[2] % 3))
        return f"home-{home[:5].hex()}@goodmail.test"
    point = (person[3] * 256 + person[4]) % 100
    for provider, share in PROVIDERS:
        if point < share:
            return f"p{person[8:14].hex()}@{provider}"
        point -= share
    return f"{DEAD_PREFIX}{person[8:14].hex()}@goodmail.test"


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16, person=b"carelane-invent").digest()
