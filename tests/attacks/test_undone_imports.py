"""An import that was stopped halfway and is being taken back: nobody starts it again, and nobody comes back by it."""

from __future__ import annotations

import pytest

from apps.contacts import services
from apps.contacts.models import Person, PersonIdentity, PersonSearch
from apps.imports.models import ImportJob, ImportUndo
from apps.imports.services import jobs, passes
from apps.imports.undo import services as undoing
from tests.imports.test_undo import CLI, MAPPING, PEOPLE, by_number, imported, known, storage, undone
from tests.refusals import refused

pytestmark = pytest.mark.django_db
__all__ = ["known", "storage"]


def test_what_is_being_taken_back_does_not_come_in_again(known: dict[str, int]) -> None:
    job = imported("list", PEOPLE, MAPPING)
    everybody = Person.objects.filter(erased_at__isnull=True)
    made = everybody.count()
    # As a worker leaves it that was stopped after a chunk.
    ImportJob.objects.filter(pk=job.pk).update(state=ImportJob.State.CANCELLED)
    undo = undoing.undo_start(actor=CLI, job_id=job.pk)
    for again in (jobs.import_resume, jobs.import_check, undoing.undo_start):
        with refused("import.undone"):
            again(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    assert everybody.count() == made
    undoing.work(undo.pk)
    assert ImportUndo.objects.get().state == "done"
    assert everybody.count() == made - 3
    for again in (jobs.import_resume, jobs.import_check, undoing.undo_start):
        with refused("import.undone"):
            again(actor=CLI, job_id=job.pk)


def test_whoever_was_erased_since_does_not_come_back(known: dict[str, int]) -> None:
    job = imported("list", PEOPLE, MAPPING)
    gone = [known["ana"], by_number("12")]
    for person in gone:
        services.contact_erase(actor=CLI, person_id=person, reason="asked for it")
    undone(job)
    left = Person.objects.filter(pk__in=gone, erased_at__isnull=False).values_list("sealed", "wrapped_profile")
    assert list(left) == [(None, None)] * 2
    assert not PersonSearch.objects.filter(person_id__in=gone).exists()
    assert not PersonIdentity.objects.filter(person_id__in=gone).exists()
