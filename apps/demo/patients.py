"""How a visitor of the demo becomes a patient: which notice to open, and the birth date that the portal asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from apps.contacts.person.selectors import open_people
from apps.core import actors
from apps.demo.keyholders import Keyholders
from apps.demo.mail import Arrived, Store, providers
from apps.portal import selectors as portal

# So many letters are looked at until enough notices are found: each costs a little.
LOOKED_AT = 60
# Where health information may go as it is: nobody gets a notice there, and after a campaign such mail is most of all.
NO_NOTICES = tuple(f"@{domain}" for one in providers() if one.certificate == "good" for domain in one.domains)


@dataclass(frozen=True, repr=False)
class Guest:
    """A notice that waits in a demo mailbox, and whose it is."""

    letter: str
    mailbox: str
    birth_date: date


def guests(count: int) -> list[Guest]:
    """Up to ``count`` people with a live notice in their mailbox, the newest first."""
    store = Store(Path(settings.CARELANE_HOME) / "demo-mail")
    found: dict[str, Guest] = {}
    likely = (arrived for arrived in store.all() if not arrived.mailbox.endswith(NO_NOTICES))
    for arrived in islice(likely, LOOKED_AT):
        if len(found) == count:
            break
        if arrived.mailbox not in found and (guest := guest_of(arrived)) is not None:
            found[arrived.mailbox] = guest
    return list(found.values())


def guest_of(arrived: Arrived) -> Guest | None:
    """Whose messages the portal link in this letter opens; None for a letter without one, or a dead one."""
    text = Keyholders(Path(settings.CARELANE_HOME)).read(arrived.raw, arrived.mailbox).text
    before, after = (re.escape(part) for part in reverse("portal:link", args=["TOKEN"]).split("TOKEN"))
    met = re.search(rf"{before}([\w-]+){after}", text)
    link = portal.live_link(met[1]) if met else None
    if link is None or link.message is None:
        return None
    person_id = link.message.person_id
    record = open_people(actor=actors.system("demo"), purpose="demo", ids=[person_id]).get(person_id)
    if record is None or record.birth_date is None:
        return None
    return Guest(arrived.id, arrived.mailbox, record.birth_date)
