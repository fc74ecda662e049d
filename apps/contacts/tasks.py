"""Doorbells of exports and of search values: ids only, and any of them may be lost."""

from __future__ import annotations

from celery import shared_task

from apps.contacts.attributes import fills
from apps.contacts.consent import expiry
from apps.contacts.exports import services as exports
from apps.core import actors, clock


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
    fills.work(fill_id)


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


@shared_task
def job_sweep() -> None:
    """Ring for fills and exports whose worker was lost; delete the files of exports that nobody needs."""
    for fill_id in fills.due(clock.now()):
        ring_fill(fill_id)
    for export_id in exports.due(clock.now()):
        ring_export(export_id)
    exports.exports_clear(actor=actors.system("beat"))


@shared_task
def consents_expire() -> int:
    """Make segments and plans follow when a consent ran out."""
    return expiry.consents_expire(actor=actors.system("beat"), now=clock.now())
