"""Imports. Tasks carry ids only, and any message of theirs may be lost."""

from __future__ import annotations

from celery import shared_task

from apps.core import actors, clock
from apps.imports.services import jobs, passes
from apps.jobs import waking


@shared_task(acks_late=True)
def import_work(job_id: int) -> None:
    """Work on an import until it is finished or stopped."""
    passes.work(job_id)


@shared_task
def import_sweep() -> None:
    """Wake workers for imports that nobody holds; delete uploads and rejected rows that nobody needs."""
    for job_id in passes.due(clock.now()):
        waking.wake_now("apps.imports.tasks.import_work", job_id)
    jobs.uploads_clear(actor=actors.system("beat"))
    jobs.rejections_clear(actor=actors.system("beat"))
