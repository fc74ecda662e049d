"""Doorbells of imports: ids only, and any of them may be lost."""

from __future__ import annotations

from celery import shared_task

from apps.core import actors, clock
from apps.imports.services import jobs, passes


def ring(job_id: int) -> None:
    """Ask a worker to look at an import. A broker that is down is no error: the sweep rings again."""
    from kombu.exceptions import OperationalError

    try:
        import_work.delay(job_id)
    except OperationalError:
        return


@shared_task(acks_late=True)
def import_work(job_id: int) -> None:
    """Work on an import until it is finished or stopped."""
    passes.work(job_id)


@shared_task
def import_sweep() -> None:
    """Ring for imports whose worker was lost; delete uploads and rejected rows that nobody needs."""
    for job_id in passes.due(clock.now()):
        ring(job_id)
    jobs.uploads_clear(actor=actors.system("beat"))
    jobs.rejections_clear(actor=actors.system("beat"))
