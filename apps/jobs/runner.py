"""How a long job is worked on: taken by a lease, done chunk by chunk, given back when it breaks off.

A worker that dies leaves its lease, which ends; the schedule wakes the next worker (``due``), which goes on from what
is written. A kind of job says with ``Runner`` what its work is and how it fails; everything else is the same for all.
"""

from __future__ import annotations

import logging
import os
import secrets
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import F, Q

from apps.core import clock, notify
from apps.core.errors import Refused
from apps.jobs.models import LEASE, LeasedJob

MAX_ATTEMPTS = 3
"""Workers in a row that may break off without getting anything done; then the job has failed."""
_log = logging.getLogger(__name__)
Job = TypeVar("Job", bound=LeasedJob)


class Lost(Exception):
    """Another worker has the job, or it was stopped: whoever works on it lets go."""


@dataclass(frozen=True)
class Runner(Generic[Job]):
    """One kind of job.

    ``work(job, worker)`` does all of it; raises ``Lost``. ``fail(job, worker, error)`` ends the job in its own words;
    the error is one of ``refusals``, or None when it was tried too often. ``channel`` is told when a worker lets go
    (see ``core.notify``). ``anew``: to what a job that cannot go on from where it stopped is set back when it is taken.
    """

    model: type[Job]
    work: Callable[[Job, str], None]
    fail: Callable[[Job, str, Exception | None], None]
    refusals: tuple[type[Exception], ...] = (Refused,)
    channel: str = ""
    anew: dict[str, Any] = field(default_factory=dict)

    def run(self, job_id: int) -> bool:
        """Work on a job until it is finished, stopped or taken by another; whether it was ours at all.

        An unexpected error leaves it to the next attempt, and after three marks it as failed.
        """
        worker = self._take(job_id)
        if worker is None:
            return False
        job = self.model._default_manager.get(pk=job_id)
        if job.attempts > MAX_ATTEMPTS:
            self.fail(job, worker, None)
        else:
            self._attempt(job, worker)
        if self.channel:
            notify.tell(self.channel)
        return True

    def due(self, now: datetime) -> list[int]:
        """Jobs under way that nobody holds."""
        jobs = self.model._default_manager.filter(_free(now), state__in=self.model.UNDER_WAY)
        return list(jobs.values_list("pk", flat=True))

    def _take(self, job_id: int) -> str | None:
        """The name under which this worker holds the job from now on, or None when it may not have it."""
        worker, now = f"{os.getpid()}-{secrets.token_hex(4)}", clock.now()
        ours = self.model._default_manager.filter(_free(now), pk=job_id, state__in=self.model.UNDER_WAY).update(
            lease_until=now + LEASE, worker=worker, attempts=F("attempts") + 1, **self.anew
        )
        return worker if ours else None

    def _attempt(self, job: Job, worker: str) -> None:
        try:
            self.work(job, worker)
        except Lost:
            return
        except self.refusals as error:
            self.fail(job, worker, error)
        except Exception as error:  # noqa: BLE001 - its text may quote a person, so only its type and place are logged
            place = "".join(traceback.format_tb(error.__traceback__))
            kind = self.model.__name__
            _log.error("%s %s broke off with %s; it will go on.\n%s", kind, job.pk, type(error).__name__, place)
            self.model._default_manager.filter(pk=job.pk, worker=worker).update(lease_until=None)


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=now)
