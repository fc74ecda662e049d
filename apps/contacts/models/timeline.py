"""What happened to a person, and the vocabulary of codes that says it in words."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Func
from django.db.models.functions import Cast

from apps.contacts.models.person import Person
from apps.core import clock
from apps.core.classification import Kind, classify

_TRANSACTION = Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())
EVENT_TABLE = "contacts_timelineevent"


@classify(
    id=Kind.PLAIN,
    person=Kind.PLAIN,
    sealed=Kind.SEALED,
    code=Kind.TOKEN,
    groups=Kind.TOKEN,
    day=Kind.TOKEN,
    source=Kind.TOKEN,
    recorded_at=Kind.PLAIN,
    transaction=Kind.PLAIN,
)
class TimelineEvent(models.Model):
    """Outside the seal: keyed kind and code, keyed groups, keyed day, and when we recorded it (our own act)."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="events", db_constraint=False)
    sealed = models.BinaryField()
    code = models.BigIntegerField()
    groups = ArrayField(models.BigIntegerField())
    day = models.BigIntegerField()
    source = models.BinaryField(max_length=16, unique=True)
    recorded_at = models.DateTimeField(default=clock.now)
    # Which transaction wrote it: readers with a saved position (journeys) read below the oldest open one.
    transaction = models.BigIntegerField(db_default=_TRANSACTION)

    class Meta:
        indexes = [
            GinIndex(fields=["groups"], name="event_groups"),
            # Numbers of transactions rise with the pages they are written to: a few kilobytes for millions of rows.
            BrinIndex(fields=["transaction"], name="event_transaction", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"TimelineEvent {self.pk}"


@classify(pk=Kind.PLAIN, group=Kind.TOKEN, person_id=Kind.PLAIN, count=Kind.PLAIN)
class TimelineSummary(models.Model):
    """How often a person has events of a group: "at least three times" and "never" in one index look-up."""

    pk = models.CompositePrimaryKey("group", "person_id")
    group = models.BigIntegerField()
    person_id = models.BigIntegerField()
    count = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["person_id"], name="summary_person")]

    def __str__(self) -> str:
        return f"TimelineSummary {self.person_id}"


@classify(pk=Kind.PLAIN, person_id=Kind.PLAIN, lab=Kind.TOKEN, step=Kind.TOKEN, day=Kind.TOKEN, event_id=Kind.PLAIN)
class LatestResult(models.Model):
    """Which event of a person has the last result of a lab (``timeline.results``): one look-up.

    The days are keyed, so the database could not tell which is last. ``step`` is None where the last result cannot be
    compared.
    """

    pk = models.CompositePrimaryKey("person_id", "lab")
    person_id = models.BigIntegerField()
    lab = models.BigIntegerField()
    step = models.BigIntegerField(null=True)
    day = models.BigIntegerField()
    event_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["lab", "step"], include=["person_id", "day"], name="latest_result_step")]

    def __str__(self) -> str:
        return f"LatestResult {self.person_id}"


@classify(id=Kind.PLAIN, system=Kind.PLAIN, code=Kind.PLAIN, term=Kind.PLAIN)
class Vocabulary(models.Model):
    """Codes and their terms: the one place where clinical words stand in plain, without any link to people."""

    system = models.CharField(max_length=24)
    code = models.CharField(max_length=40)
    term = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "code"], name="vocabulary_code_once")]

    def __str__(self) -> str:
        return f"Vocabulary {self.pk}"
