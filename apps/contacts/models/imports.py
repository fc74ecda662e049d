"""Imports: a job with its sealed uploads, and the rows it could not take."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.core import clock
from apps.core.actors import Actor
from apps.core.classification import Kind, classify
from apps.vault import sealing

IMPORT_TABLE = "contacts_importjob"
REJECTION_TABLE = "contacts_importrejection"


@classify(
    id=Kind.PLAIN,
    kind=Kind.PLAIN,
    state=Kind.PLAIN,
    sealed=Kind.SEALED,
    version=Kind.PLAIN,
    total=Kind.PLAIN,
    done=Kind.PLAIN,
    new=Kind.PLAIN,
    changed=Kind.PLAIN,
    unchanged=Kind.PLAIN,
    rejected=Kind.PLAIN,
    stop=Kind.PLAIN,
    files_gone=Kind.PLAIN,
    attempts=Kind.PLAIN,
    worker=Kind.PLAIN,
    lease_until=Kind.PLAIN,
    actor_kind=Kind.PLAIN,
    actor_id=Kind.PLAIN,
    actor_role=Kind.PLAIN,
    created_at=Kind.PLAIN,
    started_at=Kind.PLAIN,
    finished_at=Kind.PLAIN,
)
class ImportJob(models.Model):
    """One import from upload to result. ``done`` rows of ``total`` are behind it, in this state's pass.

    ``sealed`` (service key) holds files with their keys, mapping, options, counts by table, reasons, the dry run's
    result and a sentence about what went wrong: file names and headers may tell a condition.
    """

    class JobKind(models.TextChoices):
        SYNTHEA = "synthea", "Synthea tables"
        LIST = "list", "List of people"
        APPOINTMENTS = "appointments", "Appointments"

    class State(models.TextChoices):
        DRAFT = "draft", "Not checked yet"
        CHECKING = "checking", "Checking"
        CHECKED = "checked", "Checked"
        RUNNING = "running", "Importing"
        DONE = "done", "Imported"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    kind = models.CharField(max_length=12, choices=JobKind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    total = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    new = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    stop = models.BooleanField(default=False)
    files_gone = models.BooleanField(default=False)
    attempts = models.SmallIntegerField(default=0)
    worker = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_role = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["lease_until"],
                name="import_under_way",
                condition=models.Q(state__in=["checking", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"ImportJob {self.pk}"

    @property
    def actor(self) -> Actor:
        """Who started it; its chunks act in their name."""
        return Actor(self.actor_kind, self.actor_id, self.actor_role)

    @property
    def under_way(self) -> bool:
        return self.state in (self.State.CHECKING, self.State.RUNNING)

    def opened(self) -> dict[str, Any]:
        """The sealed part."""
        found: dict[str, Any] = sealing.open_service(self.sealed, table=IMPORT_TABLE, row=self.pk, version=self.version)
        return found

    def reseal(self, data: dict[str, Any]) -> None:
        """Put ``data`` in place of the sealed part; the caller saves ``sealed`` and ``version``."""
        self.version += 1
        self.sealed = sealing.seal_service(data, table=IMPORT_TABLE, row=self.pk, version=self.version)


@classify(id=Kind.PLAIN, job=Kind.PLAIN, sealed=Kind.SEALED, count=Kind.PLAIN)
class ImportRejection(models.Model):
    """The rejected rows of one chunk, sealed: file, line, reason, cells."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="rejections")
    sealed = models.BinaryField()
    count = models.IntegerField()

    def __str__(self) -> str:
        return f"ImportRejection {self.pk}"


EXPORT_TABLE = "contacts_contactexport"


@classify(
    id=Kind.PLAIN,
    source=Kind.PLAIN,
    source_id=Kind.PLAIN,
    state=Kind.PLAIN,
    sealed=Kind.SEALED,
    version=Kind.PLAIN,
    total=Kind.PLAIN,
    done=Kind.PLAIN,
    downloads=Kind.PLAIN,
    stop=Kind.PLAIN,
    attempts=Kind.PLAIN,
    worker=Kind.PLAIN,
    lease_until=Kind.PLAIN,
    actor_kind=Kind.PLAIN,
    actor_id=Kind.PLAIN,
    actor_role=Kind.PLAIN,
    created_at=Kind.PLAIN,
    finished_at=Kind.PLAIN,
)
class ContactExport(models.Model):
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

    source = models.CharField(max_length=12)  # "list", or what a higher layer registered ("segment")
    source_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    total = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    downloads = models.IntegerField(default=0)
    stop = models.BooleanField(default=False)
    attempts = models.SmallIntegerField(default=0)
    worker = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_role = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"ContactExport {self.pk}"

    @property
    def actor(self) -> Actor:
        """Who asked for it; the opening of people is in their name."""
        return Actor(self.actor_kind, self.actor_id, self.actor_role)

    @property
    def under_way(self) -> bool:
        return self.state == self.State.RUNNING

    def opened(self) -> dict[str, Any]:
        """The sealed part."""
        found: dict[str, Any] = sealing.open_service(self.sealed, table=EXPORT_TABLE, row=self.pk, version=self.version)
        return found

    def reseal(self, data: dict[str, Any]) -> None:
        """Put ``data`` in place of the sealed part; the caller saves ``sealed`` and ``version``."""
        self.version += 1
        self.sealed = sealing.seal_service(data, table=EXPORT_TABLE, row=self.pk, version=self.version)
