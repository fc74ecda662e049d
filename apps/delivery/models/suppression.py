"""Long jobs over suppressions: a list of opt-outs that comes in, an export."""

from __future__ import annotations

from django.db import models

from apps.core.classification import Kind, classify
from apps.jobs.models import SEALED, SealedJob


@classify(
    id=Kind.PLAIN,
    kind=Kind.PLAIN,
    state=Kind.PLAIN,
    added=Kind.PLAIN,
    known=Kind.PLAIN,
    unreadable=Kind.PLAIN,
    downloads=Kind.PLAIN,
    **SEALED,
)
class SuppressionJob(SealedJob):
    """One list or one export. ``added``, ``known`` and ``unreadable`` count addresses of a list.

    ``sealed`` (service key) holds scope and reason, the file with its key, and rows of a list that were no address.
    """

    class JobKind(models.TextChoices):
        LIST = "list", "List of opt-outs"
        EXPORT = "export", "Export"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Canceled"
        FAILED = "failed", "Failed"
        GONE = "gone", "Deleted after a day"

    UNDER_WAY = (State.RUNNING,)

    kind = models.CharField(max_length=8, choices=JobKind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    added = models.BigIntegerField(default=0)
    known = models.BigIntegerField(default=0)
    unreadable = models.BigIntegerField(default=0)
    downloads = models.IntegerField(default=0)
