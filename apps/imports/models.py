"""Imports: a job with its sealed uploads, and the rows it could not take."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.core.classification import Kind, classify
from apps.jobs.models import SEALED, SealedJob

# Sealed values are bound to the name of their table: it stays what it was when contacts still held imports.
IMPORT_TABLE = "contacts_importjob"
REJECTION_TABLE = "contacts_importrejection"
PEOPLE_TABLE = "imports_people"
BEFORE_TABLE = "imports_before"


@classify(
    id=Kind.PLAIN,
    kind=Kind.PLAIN,
    state=Kind.PLAIN,
    new=Kind.PLAIN,
    changed=Kind.PLAIN,
    unchanged=Kind.PLAIN,
    rejected=Kind.PLAIN,
    files_gone=Kind.PLAIN,
    started_at=Kind.PLAIN,
    level=Kind.PLAIN,
    **SEALED,
)
class ImportJob(SealedJob):
    """One import from upload to result. ``done`` rows of ``total`` are behind it, in this state's pass.

    ``sealed`` (service key) holds files with their keys, mapping, options, counts by table, reasons, the dry run's
    result and a sentence about what went wrong: file names and headers may tell a condition. ``level`` is what it tells
    about somebody to have come with this list.
    """

    class JobKind(models.TextChoices):
        SYNTHEA = "synthea", "Synthea tables"
        LIST = "list", "List of people"
        APPOINTMENTS = "appointments", "Appointments"
        EVENTS = "events", "Conditions, visits, medications, labs"

    class State(models.TextChoices):
        DRAFT = "draft", "Not checked yet"
        CHECKING = "checking", "Checking"
        CHECKED = "checked", "Checked"
        RUNNING = "running", "Importing"
        DONE = "done", "Imported"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    UNDER_WAY = (State.CHECKING, State.RUNNING)

    kind = models.CharField(max_length=12, choices=JobKind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    new = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    files_gone = models.BooleanField(default=False)
    started_at = models.DateTimeField(null=True)
    level = models.SmallIntegerField(default=2, db_default=2)

    class Meta:
        db_table = IMPORT_TABLE
        indexes = [
            models.Index(
                fields=["lease_until"],
                name="import_under_way",
                condition=models.Q(state__in=["checking", "running"]),
            )
        ]


@classify(
    id=Kind.PLAIN,
    job=Kind.PLAIN,
    made=Kind.PLAIN,
    changed=Kind.PLAIN,
    events=Kind.PLAIN,
    appointments=Kind.PLAIN,
    tagged=Kind.PLAIN,
    undone=Kind.PLAIN,
)
class ImportedPeople(models.Model):
    """What one chunk of an import did, by ids: people it made, people it changed or added something to, its
    events and appointments, people it gave a tag.

    Lists by the chunk, because a row for each person would cost an import more than the person's own rows allow.
    """

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="people")
    made = ArrayField(models.BigIntegerField(), default=list)
    changed = ArrayField(models.BigIntegerField(), default=list)
    events = ArrayField(models.BigIntegerField(), default=list)
    appointments = ArrayField(models.BigIntegerField(), default=list)
    tagged = ArrayField(models.BigIntegerField(), default=list)
    undone = models.BooleanField(default=False)

    class Meta:
        db_table = PEOPLE_TABLE

    def __str__(self) -> str:
        return f"ImportedPeople {self.pk}"


@classify(id=Kind.PLAIN, chunk=Kind.PLAIN, person_id=Kind.PLAIN, version=Kind.PLAIN, sealed=Kind.SEALED)
class ImportBefore(models.Model):
    """What an import replaced of one person: values, an event or an appointment as they were, for an undo.

    Sealed under the profile key, so that an erasure takes it along; deleted after ``undo.KEEP``. ``version`` is that of
    the person when the import had changed it.
    """

    chunk = models.ForeignKey(ImportedPeople, on_delete=models.CASCADE, related_name="before")
    person_id = models.BigIntegerField()
    version = models.IntegerField()
    sealed = models.BinaryField()

    class Meta:
        db_table = BEFORE_TABLE

    def __str__(self) -> str:
        return f"ImportBefore {self.pk}"


@classify(id=Kind.PLAIN, job=Kind.PLAIN, state=Kind.PLAIN, **SEALED)
class ImportUndo(SealedJob):
    """The undo of an import, chunk by chunk from the last one on.

    ``sealed`` (service key) has its figures, and ids of people who were kept or edited since.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Undoing"
        DONE = "done", "Undone"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    UNDER_WAY = (State.RUNNING,)

    job = models.OneToOneField(ImportJob, on_delete=models.CASCADE, related_name="undo")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)

    class Meta:
        db_table = "imports_undo"


@classify(id=Kind.PLAIN, job=Kind.PLAIN, sealed=Kind.SEALED, count=Kind.PLAIN)
class ImportRejection(models.Model):
    """The rejected rows of one chunk, sealed: file, line, reason, cells."""

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="rejections")
    sealed = models.BinaryField()
    count = models.IntegerField()

    class Meta:
        db_table = REJECTION_TABLE

    def __str__(self) -> str:
        return f"ImportRejection {self.pk}"
