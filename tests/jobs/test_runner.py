"""A long job: one worker at a time, renewed while it gets on, tried three times, ended in its own words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from apps.contacts.models import ContactExport
from apps.core import actors, clock
from apps.core.errors import Refused
from apps.jobs.models import LEASE
from apps.jobs.runner import MAX_ATTEMPTS, Lost, Runner

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def job() -> ContactExport:
    """Somebody asked for something long; no worker has it yet."""
    with clock.frozen(NOON):
        made = ContactExport(id=1, source="list")
        made.act_for(actors.staff(7, "marketer"))
        made.reseal({"problem": ""})
        made.save(force_insert=True)
    return made


def runner(work: Callable[[ContactExport, str], None]) -> Runner[ContactExport]:
    """That kind of job, with other work."""

    def fail(job: ContactExport, worker: str, error: Exception | None) -> None:
        job.end("failed")
        job.reseal({"problem": "too often" if error is None else str(error)})
        job.save()

    return Runner(ContactExport, work, fail)


def finished(job: ContactExport, worker: str) -> None:
    assert job.is_held_by(worker)
    job.end("done")
    job.save()


def test_it_is_done_once_in_the_name_of_whoever_asked(job: ContactExport) -> None:
    assert job.actor == actors.staff(7, "marketer")
    assert runner(finished).due(NOON) == [job.pk]
    assert runner(finished).run(job.pk)
    assert not runner(finished).run(job.pk), "there is nothing more to do"
    assert runner(finished).due(NOON) == []


def test_a_second_worker_keeps_off_until_the_lease_is_over(job: ContactExport) -> None:
    def dies(job: ContactExport, worker: str) -> None:
        assert not runner(finished).run(job.pk), "somebody else has it"
        raise KeyboardInterrupt

    with clock.frozen(NOON), pytest.raises(KeyboardInterrupt):
        runner(dies).run(job.pk)
    assert runner(finished).due(NOON + LEASE) == []
    later = NOON + LEASE + timedelta(seconds=1)
    assert runner(finished).due(later) == [job.pk]
    with clock.frozen(later):
        assert runner(finished).run(job.pk)


def test_what_breaks_off_three_times_has_failed(job: ContactExport, caplog: pytest.LogCaptureFixture) -> None:
    name = "Guadalupe"

    def breaks(job: ContactExport, worker: str) -> None:
        raise ValueError(name)

    for _ in range(MAX_ATTEMPTS):
        assert runner(breaks).run(job.pk)
        job.refresh_from_db()
        assert (job.state, job.lease_until) == ("running", None), "given back at once"
    assert runner(breaks).run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.opened()["problem"]) == ("failed", "too often")
    assert "broke off with ValueError" in caplog.text
    assert name not in caplog.text


def test_getting_something_done_forgets_the_attempts_before(job: ContactExport) -> None:
    def gets_on(job: ContactExport, worker: str) -> None:
        job.renew()
        job.save()
        raise ValueError

    for _ in range(2 * MAX_ATTEMPTS):
        assert runner(gets_on).run(job.pk)
    job.refresh_from_db()
    assert job.state == "running"


def test_a_refusal_ends_it_in_its_own_words(job: ContactExport) -> None:
    def refuses(job: ContactExport, worker: str) -> None:
        raise Refused("segment.unknown", "The segment is gone.")

    assert runner(refuses).run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.opened()["problem"]) == ("failed", "The segment is gone.")


def test_a_job_that_was_stopped_and_begun_again_belongs_to_nobody(job: ContactExport) -> None:
    def lets_go(job: ContactExport, worker: str) -> None:
        job.stop = True
        job.end("cancelled")
        job.save()
        raise Lost

    assert runner(lets_go).run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.under_way) == ("cancelled", False)
    job.begin("running")
    assert (job.stop, job.worker, job.attempts, job.finished_at) == (False, "", 0, None)
    job.save()
    assert runner(finished).run(job.pk)
