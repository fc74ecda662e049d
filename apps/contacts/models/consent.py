"""Consent for a purpose, and mailboxes that want no more mail."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from apps.contacts.models.person import Person
from apps.core import clock
from apps.core.classification import Kind, classify
from apps.core.purposes import Purpose

CONSENT_TABLE = "contacts_consent"
SUPPRESSION_TABLE = "contacts_suppression"
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
    note=Kind.SEALED,
    mac=Kind.TOKEN,
)
class Suppression(models.Model):
    """A mailbox, by keyed address, that gets no more mail of a scope. It survives the erasure of its people.

    ``source`` is by what it came, as a code word and a number (``staff:3``, ``list:12``, ``one_click:4711``).
    ``note`` (service key) is what whoever added it by hand gave as the reason. ``mac`` binds the rest of the row: it is
    written by ``suppressions.register`` only, and a row that fails it stops everything.
    """

    class Scope(models.TextChoices):
        ALL = "all", "All mail"
        COMMERCIAL = "commercial", "All but treatment and account mail"
        REMINDERS = "reminders", "Treatment reminders too"

    class Reason(models.TextChoices):
        UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
        HARD_BOUNCE = "hard_bounce", "Mailbox does not exist"
        COMPLAINT = "complaint", "Marked as spam"
        FORMER = "former_tool", "Opted out in a former tool"
        STAFF = "staff", "Added by staff"
        HYGIENE = "hygiene", "List hygiene"

    mailbox = models.BinaryField(max_length=16)
    scope = models.CharField(max_length=12, choices=Scope.choices)
    reason = models.CharField(max_length=14, choices=Reason.choices)
    since = models.DateTimeField(default=clock.now)
    source = models.CharField(max_length=40, blank=True)
    note = models.BinaryField(null=True)
    mac = models.BinaryField(max_length=16, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mailbox", "scope"], name="one_suppression_per_scope")]
        indexes = [models.Index(fields=["reason", "id"], name="suppression_by_reason")]

    def __str__(self) -> str:
        return f"Suppression {self.pk}"


@classify(
    id=Kind.PLAIN,
    bucket=Kind.PLAIN,
    members=Kind.PLAIN,
    total=Kind.TOKEN,
    altered=Kind.PLAIN,
    missing_since=Kind.PLAIN,
    mac=Kind.TOKEN,
)
class SuppressionSum(models.Model):
    """How many suppressions a bucket (first byte of ``mailbox``) has, and the sum of their keyed shares.

    ``altered`` rows fail their MAC; ``missing_since`` is when a row was first found missing. See
    ``suppressions.register``.
    """

    bucket = models.PositiveSmallIntegerField(unique=True)
    members = models.IntegerField(default=0)
    total = models.BinaryField(max_length=32)
    altered = models.IntegerField(default=0)
    missing_since = models.DateTimeField(null=True)
    mac = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"SuppressionSum {self.bucket}"


@classify(id=Kind.PLAIN, bucket=Kind.PLAIN, members=Kind.PLAIN, total=Kind.TOKEN, mac=Kind.TOKEN)
class SuppressionChange(models.Model):
    """What was added to a bucket's sum, or taken from it, since it was made."""

    bucket = models.PositiveSmallIntegerField(db_index=True)
    members = models.IntegerField()
    total = models.BinaryField(max_length=32)
    mac = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"SuppressionChange {self.pk}"


@classify(
    id=Kind.PLAIN, mailbox=Kind.TOKEN, reason=Kind.PLAIN, since=Kind.PLAIN, proven_at=Kind.PLAIN, proven_by=Kind.PLAIN
)
class ReturnedMailbox(models.Model):
    """A mailbox, by keyed address, that was dead or silent for long: providers give such names to somebody else.

    Until somebody proves that it is still its person's, health information goes there by the portal alone, where the
    notice says nothing and a factor that is not in the mailbox is asked for. ``proven_by`` is ``patient:ID`` (signed in
    with the factor) or ``staff:ID`` (asked the person).
    """

    class Reason(models.TextChoices):
        DEAD = "dead", "It did not exist for a time"
        SILENT = "silent", "Nothing was heard of it for a long time"

    mailbox = models.BinaryField(max_length=16, unique=True)
    reason = models.CharField(max_length=8, choices=Reason.choices)
    since = models.DateTimeField(default=clock.now)
    proven_at = models.DateTimeField(null=True)
    proven_by = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return f"ReturnedMailbox {self.pk}"
