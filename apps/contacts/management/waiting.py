"""Waiting for a long job at a terminal."""

from __future__ import annotations

from collections.abc import Callable

from apps.core import notify
from apps.jobs.models import SealedJob

AT_MOST = 15.0
"""Seconds to wait for word of a worker before looking whether its lease has run out."""


def until_over(job: SealedJob, work: Callable[[int], bool], channel: str) -> None:
    """Work here instead of waking a worker (which finds nothing to do, or helps); ``job`` is read anew.

    ``channel`` is told when a worker lets go of such a job.
    """
    with notify.listening(channel) as wait:
        while job.under_way:
            if not work(job.pk):
                wait(AT_MOST)  # a worker was quicker; it tells when it ends, but not when it dies
            job.refresh_from_db()
