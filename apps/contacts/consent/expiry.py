"""Consents that ran out: an authorization ends on its day (45 CFR 164.508(b)(2)(i), (c)(1)(v)).

Sending asks for the moment itself; this makes what is stored follow, so that segments, counts and plans agree.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.models import ConsentState, Person
from apps.contacts.person.services import refresh_search
from apps.core.actors import Actor

BATCH = 1_000


def consents_expire(*, actor: Actor, now: datetime) -> int:
    """Take back what ran out by ``now``: the state becomes "not recorded", the history stays. Returns how many.

    A refusal does not run out. Safe to repeat; one entry for each batch.
    """
    done = 0
    while True:
        with transaction.atomic():
            due = ConsentState.objects.filter(state="granted", expires__lte=now)
            wanted = sorted(set(due.order_by("expires").values_list("person_id", flat=True)[:BATCH]))
            if not wanted:
                return done
            # People first and in order, as everybody who writes their search values locks them.
            locked = list(
                Person.objects.select_for_update().filter(pk__in=wanted).order_by("pk").values_list("pk", flat=True)
            )
            gone, _ = due.filter(person_id__in=locked).delete()
            refresh_search(locked)
            record(actor=actor, action=Action.CONSENT_EXPIRE, kind="person", people=locked, codes={"consents": gone})
            done += gone
