"""The job that brings search values up to a definition, chunk by chunk, under a lease.

A chunk is one transaction: its people are locked, opened (on the trail first), rewritten, and the place is kept.
Whoever writes a person meanwhile reads the new definition already (``attributes.LOCK``), so that nobody is missed.
"""

from __future__ import annotations

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes.services import slot_free
from apps.contacts.models import AttributeFill, Person
from apps.contacts.person.services import rewrite_search
from apps.core import clock
from apps.jobs.runner import Runner

State = AttributeFill.State
CHUNK = 2_000


def _work(fill: AttributeFill, worker: str) -> None:
    while _chunk(fill.pk, worker):
        pass


def _fail(fill: AttributeFill, worker: str, _error: Exception | None) -> None:
    AttributeFill.objects.filter(pk=fill.pk, worker=worker).update(
        state=State.FAILED, finished_at=clock.now(), lease_until=None
    )


@transaction.atomic
def _chunk(fill_id: int, worker: str) -> bool:
    """The next people; False when there is no more to do, or the job is not ours any more."""
    fill = AttributeFill.objects.select_for_update().select_related("attribute").get(pk=fill_id)
    if not fill.is_held_by(worker):
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
        fill.renew()
    more = len(rows) == CHUNK
    if not more:
        fill.end(State.DONE)
        slot_free(fill.attribute)
    fill.save()
    return more


RUNNER = Runner(AttributeFill, _work, _fail, refusals=())
work, due = RUNNER.run, RUNNER.due
