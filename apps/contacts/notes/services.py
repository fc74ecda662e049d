"""Notes that care staff write about a person: events of the timeline, sealed with it and erased with it.

A note is never changed or taken back: what a colleague has acted on stays there to be read. Whoever was wrong writes
another one.
"""

from __future__ import annotations

from django.db import transaction

from apps.audit.actions import Action
from apps.contacts.models import Person
from apps.contacts.timeline.services import NewEvent, events_record
from apps.core import clock
from apps.core.actors import Actor
from apps.core.errors import Refused

KIND = "note"
LONGEST = 4_000


@transaction.atomic
def note_add(*, actor: Actor, person_id: int, text: str, once: str) -> bool:
    """Write a note about a person; whether it was new. ``once`` names the opened form: sent twice it is one note.

    Raises ``Refused`` for an empty or endless note, and for a person who is not there.
    """
    told = text.replace("\r\n", "\n").strip()
    if not told or len(told) > LONGEST:
        raise Refused("note.length", f"Write a note of up to {LONGEST:,} characters.")
    if not Person.objects.filter(pk=person_id, erased_at__isnull=True).exists():
        raise Refused("person.unknown", "There is no such person any more.")
    today = clock.now().astimezone(clock.clinic_zone()).date()
    event = NewEvent(person_id, KIND, today, f"note:{person_id}:{once}", {"text": told, "by": actor.id})
    return events_record(actor=actor, events=[event], action=Action.CONTACT_NOTE, subject=person_id) > 0
