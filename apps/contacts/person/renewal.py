"""The job that brings the search values of people and visits to those of today, under a lease.

Values are keyed, so no migration can compute them from the old ones: each person is opened, on the trail first. Both
generations are found meanwhile, and whoever is written gets the new one at once, so the job only meets who is left.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.contacts.appointments.services import appointments_renew
from apps.contacts.attributes import definitions as attributes
from apps.contacts.models import Appointment, Person, PersonSearch, SearchRenewal
from apps.contacts.person.search_values import GENERATION
from apps.contacts.person.services import renew_search
from apps.core import actors, clock
from apps.jobs.runner import Runner

State = SearchRenewal.State
CHUNK = 1_000
NUMBER = 3
"""Which renewal this is. The second brought people to the second generation; the third does so too, for whoever comes
from a version before, and gives visits the keyed hour and minute of their start."""
REST = timedelta(hours=1)
"""How long a renewal that failed rests before it is tried again."""


def renewal_begin() -> SearchRenewal | None:
    """The renewal of today, begun where nobody has; None while there is nothing left to renew.

    One look at a small table once it is over.
    """
    found = SearchRenewal.objects.filter(generation=NUMBER).first()
    if found is None:
        total = PersonSearch.objects.filter(generation__lt=GENERATION).count() + _older_visits().count()
        new = SearchRenewal(generation=NUMBER, total=total)
        new.act_for(actors.system("beat"))
        if not total:
            new.end(State.DONE)
        SearchRenewal.objects.bulk_create([new], ignore_conflicts=True)
        found = SearchRenewal.objects.get(generation=NUMBER)
    if found.state == State.FAILED and found.finished_at and found.finished_at < clock.now() - REST:
        found.begin(State.RUNNING)
        found.save()
    return found if found.state != State.DONE else None


def under_way() -> SearchRenewal | None:
    """The renewal that still has people or visits before it, for a page to say so."""
    return SearchRenewal.objects.filter(generation=NUMBER).exclude(state=State.DONE).first()


def _work(job: SearchRenewal, worker: str) -> None:
    while _chunk(job.pk, worker):
        pass


def _fail(job: SearchRenewal, worker: str, _error: Exception | None) -> None:
    SearchRenewal.objects.filter(pk=job.pk, worker=worker).update(
        state=State.FAILED, finished_at=clock.now(), lease_until=None
    )


def _older_visits() -> QuerySet[Appointment]:
    return Appointment.objects.filter(hour__isnull=True, person__erased_at__isnull=True)


@transaction.atomic
def _chunk(job_id: int, worker: str) -> bool:
    """The next people, after them the next visits; False when there is nobody left, or the job is not ours any more."""
    job = SearchRenewal.objects.select_for_update().get(pk=job_id)
    if not job.is_held_by(worker):
        return False
    older = PersonSearch.objects.filter(generation__lt=GENERATION)
    ids = list(older.filter(pk__gt=job.after).order_by("pk").values_list("pk", flat=True)[:CHUNK])
    if not ids and job.after and older.exists():
        # A process of the release before wrote somebody behind us.
        job.after = 0
        job.save()
        return True
    own = attributes.catalog(writing=True)
    rows = list(Person.objects.select_for_update().filter(pk__in=ids, erased_at__isnull=True).order_by("pk"))
    if rows:
        record_read(
            actor=job.actor,
            action=Action.CONTACT_OPEN,
            kind="person",
            subject=job.pk,
            people=[row.pk for row in rows],
            purpose="renew search values",
        )
        renew_search(rows, own)
    done = len(ids) or _visits(job)
    if ids:
        job.after = ids[-1]
    if done:
        job.done += done
        job.renew()
    else:
        job.end(State.DONE)
    job.save()
    return bool(done)


def _visits(job: SearchRenewal) -> int:
    """The next visits; a process of the release before may have written some behind the people. Returns how many."""
    wanted = sorted(set(_older_visits().order_by("pk").values_list("person_id", flat=True)[:CHUNK]))
    people = list(Person.objects.select_for_update().filter(pk__in=wanted, erased_at__isnull=True).order_by("pk"))
    if not people:
        return 0
    record_read(
        actor=job.actor,
        action=Action.CONTACT_OPEN,
        kind="person",
        subject=job.pk,
        people=[person.pk for person in people],
        purpose="renew search values",
    )
    rows = list(Appointment.objects.select_for_update().filter(hour__isnull=True, person__in=people).order_by("pk"))
    appointments_renew(rows=rows, people=people)
    return len(rows)


RUNNER = Runner(SearchRenewal, _work, _fail, refusals=())
work, due = RUNNER.run, RUNNER.due
