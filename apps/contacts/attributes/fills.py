"""The job that brings search values up to a definition, chunk by chunk, under a lease.

A chunk is one transaction: its people are locked, opened (on the trail first), rewritten, and the place is kept.
Whoever writes a person meanwhile reads the new definition already (``attributes.LOCK``), so that nobody is missed.
"""

from __future__ import annotations

import logging
import os
import secrets
import traceback
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes.services import slot_free
from apps.contacts.models import AttributeFill, Person
from apps.contacts.person.services import rewrite_search
from apps.core import clock

State = AttributeFill.State
CHUNK = 2_000
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 3
_log = logging.getLogger(__name__)


def work(fill_id: int) -> bool:
    """Work until everybody is done or another took over; whether it was ours at all."""
    worker = f"{os.getpid()}-{secrets.token_hex(4)}"
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    ours = AttributeFill.objects.filter(free, pk=fill_id, state=State.RUNNING).update(
        lease_until=now + LEASE, worker=worker, attempts=F("attempts") + 1
    )
    if not ours:
        return False
    if AttributeFill.objects.get(pk=fill_id).attempts > MAX_ATTEMPTS:
        AttributeFill.objects.filter(pk=fill_id, worker=worker).update(
            state=State.FAILED, finished_at=clock.now(), lease_until=None
        )
        return True
    try:
        while _chunk(fill_id, worker):
            pass
    except Exception as error:  # noqa: BLE001 - its text may quote a value, so only its type and place are logged
        place = "".join(traceback.format_tb(error.__traceback__))
        _log.error("Attribute fill %s broke off with %s; it goes on.\n%s", fill_id, type(error).__name__, place)
        AttributeFill.objects.filter(pk=fill_id, worker=worker).update(lease_until=None)
    return True


def due(now: datetime) -> list[int]:
    """Jobs under way that nobody holds."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return list(AttributeFill.objects.filter(free, state=State.RUNNING).values_list("pk", flat=True))


@transaction.atomic
def _chunk(fill_id: int, worker: str) -> bool:
    """The next people; False when there is no more to do, or the job is not ours any more."""
    fill = AttributeFill.objects.select_for_update().select_related("attribute").get(pk=fill_id)
    if fill.worker != worker or fill.state != State.RUNNING:
        return False
    wanted = Person.objects.filter(pk__gt=fill.after, erased_at__isnull=True).order_by("pk")[:CHUNK]
    own = attributes.catalog(writing=True)
    name = attributes.opened(fill.attribute).name
    rows = list(wanted.select_for_update())
    if rows:
        record_read(
            actor=fill.actor,
            action=Action.CONTACT_OPEN,
            kind="person",
            subject=fill.attribute_id,
            people=[row.pk for row in rows],
            purpose="prepare an attribute for searching",
        )
        found, outside = rewrite_search(rows, own, [name])
        fill.after = rows[-1].pk
        fill.done += len(rows)
        fill.found += found
        fill.outside += outside
        fill.attempts = 1
        fill.lease_until = clock.now() + LEASE
    more = len(rows) == CHUNK
    if not more:
        fill.state, fill.finished_at, fill.lease_until = State.DONE, clock.now(), None
        slot_free(fill.attribute)
    fill.save()
    return more
