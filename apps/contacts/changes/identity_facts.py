"""Which facts lead to a person's mail, and who may replace them. Pure: no ORM, no clock.

Mailbox, date of birth, guardian, and the numbers that tell two people of one mailbox apart are what the portal asks
for, and where mail goes. Whoever could set a mailbox and a birth date at will could read a patient's messages, so a
role that may not see these facts (no reveal permission) does not replace them: the change waits for somebody who may
(45 CFR 164.312(d), 164.514(h)). So does the end of being a patient: mail to others may travel with less protection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from apps.core.actors import Actor
from apps.core.permissions import Permission, allows

FACTS: dict[str, str] = {
    "email": "E-mail",
    "phone": "Phone",
    "birth_date": "Birth date",
    "mrn": "Medical record number",
    "guardian_id": "Guardian",
    "relation": "Relationship",
}
"""Names in the profile, and how they are called. Nothing recorded yet may be filled in by everybody who may edit."""
OPENING = ("email", "guardian_id")
"""Whose mailbox it is. Where somebody has correspondence behind it, filling it in opens that, so it waits too."""


def named(names: Iterable[str]) -> str:
    """Facts in a sentence: "e-mail, phone and birth date"."""
    words = [FACTS[name].lower() for name in names]
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def must_wait(actor: Actor) -> bool:
    """Whether ``actor``'s changes of recorded facts wait for confirmation.

    Staff without the reveal permission. The command line holds the keys, and the product's own parts act on what a
    patient did.
    """
    return actor.kind == "staff" and not allows(actor.role, Permission.CONTACT_REVEAL)


def opens(name: str, corresponds: bool) -> bool:
    """Whether filling in the fact ``name`` opens correspondence to somebody."""
    return corresponds and name in OPENING


def split(
    current: Mapping[str, Any], wanted: Mapping[str, Any], *, corresponds: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (profile to write now, facts that wait: name to new value, None where it would be removed).

    ``corresponds``: there is correspondence of this person that a mailbox opens.
    """
    now, waiting = dict(wanted), {}
    for name in FACTS:
        before, after = current.get(name), wanted.get(name)
        if name == "relation":
            # A record that says nothing is a patient's; becoming one asks nobody.
            if (before or "patient") != "patient" or (after or "patient") == "patient":
                continue
        elif before == after or (before in (None, "") and (after in (None, "") or not opens(name, corresponds))):
            continue
        waiting[name] = None if after in (None, "") else after
        if before in (None, ""):
            now.pop(name, None)
        else:
            now[name] = before
    return now, waiting
