"""Gives the demo's people their keys: each uploads what their mail program made, as a patient would."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.conf import settings

from apps.contacts.models import PersonSearch
from apps.contacts.person import search_values
from apps.contacts.person.selectors import open_people
from apps.core import actors
from apps.core.errors import Refused
from apps.delivery import services
from apps.delivery.models import RecipientKey
from apps.demo.keyholders import Keyholders
from apps.demo.mail import key_kind

ACTOR = actors.system("demo")


def give(*, now: datetime, each: int = 25) -> int:
    """Add keys for the first `each` people of each kind at keymail.test; returns how many. Once only.

    Every key is judged by GnuPG and Sequoia like any other, which takes a fraction of a second.
    """
    if RecipientKey.objects.exists():
        return 0
    token = search_values.mail_domain("keymail.test")
    ids = list(PersonSearch.objects.filter(tokens__contains=[token]).order_by("pk").values_list("pk", flat=True))
    people = open_people(actor=ACTOR, purpose="demo keys", ids=ids, with_consents=False)
    holders = Keyholders(Path(settings.CARELANE_HOME))
    given = {"pgp": 0, "smime": 0}
    for person in people.values():
        kind = key_kind(person.email)
        material = holders.public_key(person.email, now) if kind and given[kind] < each else None
        if material is None:
            continue
        try:
            services.key_add(actor=ACTOR, person_id=person.id, material=material)
        except Refused:
            # A household may share a mailbox whose key another member gave already; nothing is lost.
            continue
        given[kind] += 1
    return sum(given.values())
