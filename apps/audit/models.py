"""The trail. Rows stand alone: no foreign keys, so an entry outlives whatever it mentions.

The application role may insert and read, nothing else; only the audit writer numbers entries (see the first
migration, which sets these rights in the database).
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Func
from django.db.models.functions import Cast

from apps.core.classification import Kind, classify

_TRANSACTION = Cast(Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField())


@classify(
    id=Kind.PLAIN,
    at=Kind.PLAIN,
    actor_kind=Kind.PLAIN,
    actor_id=Kind.PLAIN,
    actor_role=Kind.PLAIN,
    action=Kind.PLAIN,
    kind=Kind.PLAIN,
    subject=Kind.PLAIN,
    purpose=Kind.PLAIN,
    reason=Kind.SEALED,
    fields=Kind.PLAIN,
    codes=Kind.PLAIN,
    people=Kind.TOKEN,
    people_sealed=Kind.SEALED,
    people_count=Kind.PLAIN,
    change=Kind.SEALED,
    transaction=Kind.PLAIN,
    mac=Kind.TOKEN,
)
class AuditEntry(models.Model):
    """One act. Ids, code words and field names only, never values."""

    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=12)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_role = models.CharField(max_length=20, blank=True)
    action = models.CharField(max_length=40)
    kind = models.CharField(max_length=24, blank=True)
    subject = models.CharField(max_length=40, blank=True)
    purpose = models.CharField(max_length=40, blank=True)
    reason = models.BinaryField(null=True)
    fields = ArrayField(models.CharField(max_length=60), default=list)
    codes = models.JSONField(default=dict)
    # "Who saw this person?" is one look-up by token; the ids themselves are sealed.
    people = ArrayField(models.BigIntegerField(), default=list)
    people_sealed = models.BinaryField(null=True)
    people_count = models.IntegerField(default=0)
    change = models.BinaryField(null=True)
    # Which transaction wrote it: the sequencer numbers only what can no longer be joined by an earlier one.
    transaction = models.BigIntegerField(db_default=_TRANSACTION)
    mac = models.BinaryField()

    class Meta:
        indexes = [
            GinIndex(fields=["people"], name="audit_people", fastupdate=True),
            models.Index(fields=["-at"], name="audit_at"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["actor_kind", "actor_id", "-id"], name="audit_actor"),
            models.Index(fields=["kind", "subject", "-id"], name="audit_subject"),
        ]

    def __str__(self) -> str:
        return f"AuditEntry {self.pk}"


@classify(sequence=Kind.PLAIN, entry=Kind.PLAIN, at=Kind.PLAIN, link=Kind.TOKEN)
class AuditChain(models.Model):
    """The number of an entry and the keyed link to the one before it. Written by the audit writer only."""

    sequence = models.BigIntegerField(primary_key=True)
    entry = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    link = models.BinaryField()

    def __str__(self) -> str:
        return f"AuditChain {self.pk}"


@classify(
    id=Kind.PLAIN,
    at=Kind.PLAIN,
    reviewer_kind=Kind.PLAIN,
    reviewer_id=Kind.PLAIN,
    first_day=Kind.PLAIN,
    last_day=Kind.PLAIN,
    entries=Kind.PLAIN,
    trail_ok=Kind.PLAIN,
    outcome=Kind.PLAIN,
    note=Kind.SEALED,
)
class AuditReview(models.Model):
    """A person looked through the trail of some days (45 CFR 164.308(a)(1)(ii)(D)): dated, with the reviewer.

    ``entries`` is how many there were, ``trail_ok`` what the last verification had said. The note is sealed.
    """

    class Outcome(models.TextChoices):
        NOTHING = "nothing", "Nothing unusual"
        FOLLOW_UP = "follow_up", "Something to follow up"
        INCIDENT = "incident", "Reported as an incident"

    at = models.DateTimeField()
    reviewer_kind = models.CharField(max_length=12)
    reviewer_id = models.CharField(max_length=40, blank=True)
    first_day = models.DateField()
    last_day = models.DateField()
    entries = models.BigIntegerField()
    trail_ok = models.BooleanField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    note = models.BinaryField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(first_day__lte=models.F("last_day")), name="audit_review_days_in_order"
            )
        ]

    def __str__(self) -> str:
        return f"AuditReview {self.pk}"
