"""An import that is canceled half way: the pages say what is in, what is not, and going on finishes it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from apps.contacts.models import Person
from apps.core import actors
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


@pytest.fixture
def job(noon: Any) -> ImportJob:
    rows = "".join(f"M{number},Name{number}\n" for number in range(25))
    made = jobs.import_create(
        actor=CLI,
        kind=ImportJob.JobKind.LIST,
        uploads=[jobs.Upload("list.csv", io.BytesIO(f"MRN,Last name\n{rows}".encode()))],
    )
    jobs.import_map(actor=CLI, job_id=made.pk, document=made.opened()["mapping"])
    jobs.import_check(actor=CLI, job_id=made.pk)
    return made


def canceled_at(monkeypatch: pytest.MonkeyPatch, client: Any, job: ImportJob, done: int) -> None:
    """Somebody presses Cancel while the rows after ``done`` wait."""
    monkeypatch.setattr(passes, "CHUNK", 5)
    chunk = passes._chunk

    def pressing(run: Any, item: Any, rows: Any) -> None:
        chunk(run, item, rows)
        if run.job.done == done:
            answer = client.post(f"/contacts/imports/{job.pk}/cancel/", follow=True).content.decode()
            assert "The import stops after the rows at hand." in answer
            assert "Stopping after the rows at hand" in answer
            assert f"/contacts/imports/{job.pk}/cancel/" not in answer, "there is nothing more to press"

    monkeypatch.setattr(passes, "_chunk", pressing)
    passes.work(job.pk)
    monkeypatch.setattr(passes, "_chunk", chunk)


def test_half_way_the_page_says_what_is_in_and_going_on_brings_the_rest(
    signed_in: Any, job: ImportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes.work(job.pk)
    max_ = signed_in("max")
    url = f"/contacts/imports/{job.pk}/"
    jobs.import_start(actor=CLI, job_id=job.pk)
    canceled_at(monkeypatch, max_, job, 10)
    page = max_.get(url).content.decode()
    assert "Canceled after 10 of 25 rows." in page
    assert "10 new and 0 changed are in and stay as they are; 15 rows were not looked at yet." in page
    assert "Import the other 15 rows" in page
    assert Person.objects.count() == 10
    max_.post(f"{url}resume/")
    passes.work(job.pk)
    page = max_.get(url).content.decode()
    assert "Canceled" not in page
    assert Person.objects.count() == 25
    job.refresh_from_db()
    assert (job.state, job.new, job.done) == ("done", 25, 25)


def test_a_check_that_is_canceled_brought_nothing_and_does_not_look_as_if(
    signed_in: Any, job: ImportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    max_ = signed_in("max")
    canceled_at(monkeypatch, max_, job, 10)
    page = max_.get(f"/contacts/imports/{job.pk}/").content.decode()
    assert "Nothing was imported." in page
    assert "nobody was added or changed" in page
    assert 'class="figure-value"' not in page
    assert "Check 25 rows" in page
    assert "Import the other" not in page


def test_an_import_that_is_canceled_after_its_check_says_that_nothing_is_in(signed_in: Any, job: ImportJob) -> None:
    passes.work(job.pk)
    max_ = signed_in("max")
    page = max_.post(f"/contacts/imports/{job.pk}/cancel/", follow=True).content.decode()
    assert "Nothing was imported." in page
    assert "dealt with" not in page
    assert Person.objects.count() == 0
    assert "Check 25 rows" in page
