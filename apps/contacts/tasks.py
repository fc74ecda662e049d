"""Exports, search values and tags. Tasks carry ids only, and any message of theirs may be lost."""

from __future__ import annotations

from celery import shared_task

from apps.contacts.attributes import fills
from apps.contacts.consent import services as consents
from apps.contacts.exports import services as exports
from apps.contacts.labs import services as labs
from apps.contacts.merging.services import finding, merge
from apps.contacts.person import renewal
from apps.contacts.suppressions.register import services as register
from apps.contacts.tags import bulk_services as tags
from apps.core import actors, clock
from apps.jobs import waking


@shared_task(acks_late=True)
def attribute_fill(fill_id: int) -> None:
    """Bring everybody's search values up to a changed attribute."""
    fills.work(fill_id)


@shared_task(acks_late=True)
def lab_renew(lab_id: int) -> None:
    """Bring the results on record up to a lab that was declared."""
    labs.work(lab_id)


@shared_task(acks_late=True)
def search_renew(renewal_id: int) -> None:
    """Bring everybody's search values to the generation of today."""
    renewal.work(renewal_id)


@shared_task(acks_late=True)
def duplicates_find(search_id: int) -> None:
    """Look for people who are on record twice."""
    finding.work(search_id)


@shared_task(acks_late=True)
def export_work(export_id: int) -> None:
    """Write the sealed file of an export."""
    exports.work(export_id)


@shared_task(acks_late=True)
def tag_work(job_id: int) -> None:
    """Give a tag to many people, or take it from them."""
    tags.work(job_id)


@shared_task
def job_sweep() -> None:
    """Wake workers for jobs that nobody holds; delete what exports and merges keep for a time only."""
    now = clock.now()
    for fill_id in fills.due(now):
        waking.wake_now("apps.contacts.tasks.attribute_fill", fill_id)
    for export_id in exports.due(now):
        waking.wake_now("apps.contacts.tasks.export_work", export_id)
    for lab_id in labs.due():
        waking.wake_now("apps.contacts.tasks.lab_renew", lab_id)
    for tag_job in tags.due(now):
        waking.wake_now("apps.contacts.tasks.tag_work", tag_job)
    renewal.renewal_begin()
    for renewal_id in renewal.due(now):
        waking.wake_now("apps.contacts.tasks.search_renew", renewal_id)
    for search_id in finding.due(now):
        waking.wake_now("apps.contacts.tasks.duplicates_find", search_id)
    exports.exports_clear(actor=actors.system("beat"))
    merge.merges_clear(actor=actors.system("beat"))


@shared_task
def suppression_check() -> None:
    """Compare what stops mailboxes with its MACs, sums and ledger; put back what is missing."""
    register.stops_check(actor=actors.system("beat"))


@shared_task
def consents_expire() -> int:
    """Make segments and plans follow when a consent ran out."""
    return consents.consents_expire(actor=actors.system("beat"), now=clock.now())
