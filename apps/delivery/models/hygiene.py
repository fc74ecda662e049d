"""Reports of list hygiene: what was looked at, whom it concerns and why. Ids and code words only."""

from __future__ import annotations

from django.db import models

from apps.contacts.models import Person
from apps.core import clock
from apps.core.classification import Kind, classify
from apps.delivery.hygiene.rules import FLAG_WORDS, Flag

FLAGS = [(flag.value, FLAG_WORDS[flag][0]) for flag in Flag]


@classify(
    id=Kind.PLAIN,
    state=Kind.PLAIN,
    started_at=Kind.PLAIN,
    finished_at=Kind.PLAIN,
    total=Kind.PLAIN,
    done=Kind.PLAIN,
    counts=Kind.PLAIN,
)
class HygieneRun(models.Model):
    """One night's work. ``counts``: people by flag, and mailboxes ``rested`` and ``woken``."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"

    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    counts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"HygieneRun {self.pk}"


@classify(id=Kind.PLAIN, run=Kind.PLAIN, person=Kind.PLAIN, flag=Kind.PLAIN, rested=Kind.PLAIN)
class HygieneFinding(models.Model):
    """A person in a report. ``rested``: optional mail to the mailbox rests since this run."""

    run = models.ForeignKey(HygieneRun, on_delete=models.CASCADE, related_name="findings")
    person = models.ForeignKey(Person, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    flag = models.CharField(max_length=10, choices=FLAGS)
    rested = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "flag", "person"], name="finding_once_per_run")]

    def __str__(self) -> str:
        return f"HygieneFinding {self.pk}"
