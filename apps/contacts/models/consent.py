"""Consent for a purpose, and mailboxes that want no more mail."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from apps.contacts.models.person import Person
from apps.core import clock
from apps.core.classification import Kind, classify
from apps.core.purposes import Purpose

CONSENT_TABLE = "contacts_consent"
PURPOSES = [(purpose.value, purpose.word) for purpose in Purpose]


@classify(id=Kind.PLAIN, person=Kind.PLAIN, sealed=Kind.SEALED, recorded_at=Kind.PLAIN)
class Consent(models.Model):
    """The history, never changed. Sealed under the record key: purpose, state, date, method, wording, who, note."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="consents")
    sealed = models.BinaryField()
    recorded_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"Consent {self.pk}"


class ConsentStates(models.QuerySet["ConsentState"]):
    def holding(self, now: datetime) -> ConsentStates:
        """Those that hold at ``now``: an authorization that ran out is none, a refusal does not run out."""
        return self.exclude(state="granted", expires__isnull=False, expires__lte=now)


@classify(
    id=Kind.PLAIN,
    person=Kind.PLAIN,
    purpose=Kind.PLAIN,
    state=Kind.PLAIN,
    since=Kind.PLAIN,
    expires=Kind.PLAIN,
)
class ConsentState(models.Model):
    """What holds now, for each purpose. Purposes are legal categories, not clinical ones."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="consent_states")
    purpose = models.CharField(max_length=12, choices=PURPOSES)
    state = models.CharField(max_length=10, choices=[("granted", "Granted"), ("denied", "Denied")])
    since = models.DateTimeField()
    expires = models.DateTimeField(null=True)

    objects = ConsentStates.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "purpose"], name="one_consent_state")]
        indexes = [
            models.Index(
                fields=["expires"],
                name="consent_runs_out",
                condition=models.Q(state="granted", expires__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"ConsentState {self.pk}"


@classify(
    id=Kind.PLAIN,
    mailbox=Kind.TOKEN,
    scope=Kind.PLAIN,
    reason=Kind.PLAIN,
    since=Kind.PLAIN,
    source=Kind.PLAIN,
)
class Suppression(models.Model):
    """A mailbox, by keyed address, that gets no more mail of a scope. It survives the erasure of its people."""

    class Scope(models.TextChoices):
        ALL = "all", "All mail"
        COMMERCIAL = "commercial", "All but treatment and account mail"
        REMINDERS = "reminders", "Treatment reminders too"

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        HARD_BOUNCE = "hard_bounce", "Mailbox does not exist"
        COMPLAINT = "complaint", "Marked as spam"
        STAFF = "staff", "Added by staff"
        HYGIENE = "hygiene", "List hygiene"

    mailbox = models.BinaryField(max_length=16)
    scope = models.CharField(max_length=12, choices=Scope.choices)
    reason = models.CharField(max_length=14, choices=Reason.choices)
    since = models.DateTimeField(default=clock.now)
    source = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailbox", "scope"], name="one_suppression_per_scope")]

    def __str__(self) -> str:
        return f"Suppression {self.pk}"
