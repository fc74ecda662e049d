"""Exports: a job with its sealed file."""

from __future__ import annotations

from django.db import models

from apps.core.classification import Kind, classify
from apps.jobs.models import SEALED, SealedJob

EXPORT_TABLE = "contacts_contactexport"


@classify(
    id=Kind.PLAIN,
    source=Kind.PLAIN,
    source_id=Kind.PLAIN,
    state=Kind.PLAIN,
    downloads=Kind.PLAIN,
    **SEALED,
)
class ContactExport(SealedJob):
    """One export from the wish to the file that goes after a day.

    ``sealed`` (service key) holds columns, reason, what the list was searched for, and the file with its key: all of
    these may tell a condition.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Writing"
        DONE = "done", "Ready"
        CANCELLED = "cancelled", "Canceled"
        FAILED = "failed", "Failed"
        GONE = "gone", "Deleted after a day"

    UNDER_WAY = (State.RUNNING,)

    source = models.CharField(max_length=12)  # "list", or what a higher layer registered ("segment")
    source_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    downloads = models.IntegerField(default=0)
