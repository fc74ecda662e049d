"""Somebody goes on with a colleague's import: it runs in their name, by what they may, and as the page said."""

from __future__ import annotations

import io
from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.contacts.models import PendingChange
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from tests.attacks.test_identity_changes import FORGED, MAPPING, TRUE, dana, profile_of, staff

pytestmark = pytest.mark.django_db
__all__ = ["dana"]


def checked_by(user: Any) -> ImportJob:
    upload = jobs.Upload("people.csv", io.BytesIO(FORGED))
    job = jobs.import_create(actor=staff(user), kind="list", uploads=[upload], document=MAPPING)
    jobs.import_check(actor=staff(user), job_id=job.pk)
    assert passes.work(job.pk)
    return job


def stopped_by(user: Any, job: ImportJob) -> None:
    """It was started and stopped before its first row."""
    jobs.import_start(actor=staff(user), job_id=job.pk)
    jobs.import_cancel(actor=staff(user), job_id=job.pk)
    assert passes.work(job.pk)
    job.refresh_from_db()
    assert (job.state, job.done) == ("cancelled", 0)


def who_imported() -> set[str]:
    return set(AuditEntry.objects.filter(action="contact.import").values_list("actor_id", flat=True))


def test_a_marketer_who_resumes_an_administrators_import_acts_as_a_marketer(
    dana: Any, cast: Any, signed_in: Any
) -> None:
    job = checked_by(cast.ada)
    stopped_by(cast.ada, job)
    signed_in("max").post(f"/contacts/imports/{job.pk}/resume/")
    assert passes.work(job.pk)
    assert profile_of(dana)["email"] == TRUE["email"]
    assert profile_of(dana)["birth_date"] == TRUE["birth_date"]
    assert PendingChange.objects.filter(person_id=dana.id).exists()
    assert who_imported() == {str(cast.max.pk)}


@pytest.mark.parametrize("step", ["start", "resume"])
def test_an_administrator_who_was_told_that_changes_wait_does_not_make_them(
    dana: Any, cast: Any, signed_in: Any, step: str
) -> None:
    job = checked_by(cast.max)
    if step == "resume":
        stopped_by(cast.max, job)
    ada = signed_in("ada")
    if step == "start":
        assert b"Some changes wait for confirmation" in ada.get(f"/contacts/imports/{job.pk}/").content
    ada.post(f"/contacts/imports/{job.pk}/{step}/")
    assert passes.work(job.pk)
    assert profile_of(dana)["email"] == TRUE["email"]
    assert profile_of(dana)["address"]["city"] == "Lexington"
    assert PendingChange.objects.filter(person_id=dana.id).exists()
    assert who_imported() == {str(cast.ada.pk)}


def test_checked_again_in_her_own_name_it_is_hers(dana: Any, cast: Any) -> None:
    job = checked_by(cast.max)
    jobs.import_check(actor=staff(cast.ada), job_id=job.pk)
    assert passes.work(job.pk)
    job.refresh_from_db()
    assert "held" not in job.opened()
    jobs.import_start(actor=staff(cast.ada), job_id=job.pk)
    assert passes.work(job.pk)
    assert profile_of(dana)["email"] == "max@elsewhere.test"
