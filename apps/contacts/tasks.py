"""Doorbells of imports: ids only, and any of them may be lost."""

from __future__ import annotations

from celery import shared_task

from apps.contacts.services import attribute_fills, expiry, exports, import_passes, imports
from apps.core import actors, clock


def ring(job_id: int) -> None:
    """Ask a worker to look at an import. A broker that is down is no error: the sweep rings again."""
    from kombu.exceptions import OperationalError

    try:
        import_work.delay(job_id)
    except OperationalError:
        return


def ring_fill(fill_id: int) -> None:
    """Ask a worker to look at an attribute's search values; the sweep rings again when the broker is down."""
    from kombu.exceptions import OperationalError

    try:
        attribute_fill.delay(fill_id)
    except OperationalError:
        return


@shared_task(acks_late=True)
def attribute_fill(fill_id: int) -> None:
    """Bring everybody's search values up to a changed attribute."""
    attribute_fills.work(fill_id)


def ring_export(export_id: int) -> None:
    """Ask a worker to write an export; the sweep rings again when the broker is down."""
    from kombu.exceptions import OperationalError

    try:
        export_work.delay(export_id)
    except OperationalError:
        return


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
    """Ring for jobs whose worker was lost; delete uploads, rejected rows and exports that nobody needs."""
    for job_id in import_passes.due(clock.now()):
        ring(job_id)
    for fill_id in attribute_fills.due(clock.now()):
        ring_fill(fill_id)
    for export_id in exports.due(clock.now()):
        ring_export(export_id)
    exports.exports_clear(actor=actors.system("beat"))
    imports.uploads_clear(actor=actors.system("beat"))
    imports.rejections_clear(actor=actors.system("beat"))


@shared_task
def consents_expire() -> int:
    """Make segments and plans follow when a consent ran out."""
    return expiry.consents_expire(actor=actors.system("beat"), now=clock.now())
