"""Imports. Tasks carry ids only, and any message of theirs may be lost."""

from __future__ import annotations

from celery import shared_task

from apps.core import actors, clock
from apps.imports.services import jobs, passes
from apps.imports.undo import services as undo
from apps.jobs import waking


@shared_task(acks_late=True)
def import_work(job_id: int) -> None:
    """Work on an import until it is finished or stopped."""
    passes.work(job_id)


@shared_task(acks_late=True)
def import_undo_work(undo_id: int) -> None:
    """Work on the undo of an import until it is finished."""
    undo.work(undo_id)


@shared_task
def import_sweep() -> None:
    """Wake workers for imports that nobody holds; delete what nobody needs any more of the others."""
    for job_id in passes.due(clock.now()):
        waking.wake_now("apps.imports.tasks.import_work", job_id)
    for undo_id in undo.due(clock.now()):
        waking.wake_now("apps.imports.tasks.import_undo_work", undo_id)
    undo.before_clear(actor=actors.system("beat"))
    jobs.uploads_clear(actor=actors.system("beat"))
    jobs.rejections_clear(actor=actors.system("beat"))
