"""Long jobs of contacts. Tasks carry ids only, and any message of theirs may be lost."""

from __future__ import annotations

from celery import shared_task

from apps.contacts.services import attribute_fills, expiry, exports, import_passes, imports
from apps.core import actors, clock
from apps.jobs import waking


@shared_task(acks_late=True)
def attribute_fill(fill_id: int) -> None:
    """Bring everybody's search values up to a changed attribute."""
    attribute_fills.work(fill_id)


@shared_task(acks_late=True)
def export_work(export_id: int) -> None:
    """Write the sealed file of an export."""
    exports.work(export_id)


@shared_task(acks_late=True)
def import_work(job_id: int) -> None:
    """Work on an import until it is finished or stopped."""
    import_passes.work(job_id)


@shared_task
def import_sweep() -> None:
    """Wake workers for jobs that nobody holds; delete uploads, rejected rows and exports that nobody needs."""
    now = clock.now()
    for job_id in import_passes.due(now):
        waking.wake_now("apps.contacts.tasks.import_work", job_id)
    for fill_id in attribute_fills.due(now):
        waking.wake_now("apps.contacts.tasks.attribute_fill", fill_id)
    for export_id in exports.due(now):
        waking.wake_now("apps.contacts.tasks.export_work", export_id)
    exports.exports_clear(actor=actors.system("beat"))
    imports.uploads_clear(actor=actors.system("beat"))
    imports.rejections_clear(actor=actors.system("beat"))


@shared_task
def consents_expire() -> int:
    """Make segments and plans follow when a consent ran out."""
    return expiry.consents_expire(actor=actors.system("beat"), now=clock.now())
