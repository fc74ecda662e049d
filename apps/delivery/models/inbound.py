"""What comes back: bounces, complaints and answers by mail."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.contacts.models import Person
from apps.core import clock
from apps.core.classification import Kind, classify

INBOUND_TABLE = "delivery_inboundmail"
RAW_PLACE = f"{INBOUND_TABLE}.raw"


@classify(
    id=Kind.PLAIN,
    source=Kind.TOKEN,
    kind=Kind.PLAIN,
    verdict=Kind.PLAIN,
    status=Kind.PLAIN,
    message=Kind.PLAIN,
    person=Kind.PLAIN,
    sealed=Kind.SEALED,
    raw=Kind.SEALED,
    size=Kind.PLAIN,
    state=Kind.PLAIN,
    received_at=Kind.PLAIN,
    done_at=Kind.PLAIN,
    done_by=Kind.PLAIN,
)
class InboundMail(models.Model):
    """One mail that came in, once (``source`` is a keyed digest of its bytes and where it went).

    ``raw`` is the original and ``sealed`` what was read of it, both under the person's record key, or under the
    service key when nobody is known. A bounce may return health information: it is treated as such (B-353).
    """

    class InboundKind(models.TextChoices):
        BOUNCE = "bounce", "Bounce"
        COMPLAINT = "complaint", "Complaint"
        REPLY = "reply", "Answer"

    class State(models.TextChoices):
        NOTED = "noted", "Noted"
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"

    source = models.BinaryField(max_length=16, unique=True)
    kind = models.CharField(max_length=9, choices=InboundKind.choices)
    verdict = models.CharField(max_length=12)
    status = models.CharField(max_length=10, blank=True)
    message = models.BigIntegerField(null=True)
    person = models.ForeignKey(
        Person, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="inbound_mail"
    )
    sealed = models.BinaryField()
    raw = models.BinaryField()
    size = models.IntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.NOTED)
    received_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["message"], name="inbound_message"),
            models.Index(fields=["id"], condition=Q(state="waiting"), name="inbound_waiting"),
            models.Index(fields=["received_at"], condition=Q(message__isnull=True), name="inbound_unproven"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False, done_by__isnull=False)
                | (~Q(state="done") & Q(done_at__isnull=True, done_by__isnull=True)),
                name="inbound_done_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"InboundMail {self.pk}"


@classify(pk=Kind.PLAIN, day=Kind.PLAIN, what=Kind.PLAIN, count=Kind.PLAIN)
class InboundTally(models.Model):
    """What was turned away or ignored, counted by day: forged return paths, addresses that are not ours."""

    pk = models.CompositePrimaryKey("day", "what")
    day = models.DateField()
    what = models.CharField(max_length=12)
    count = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"InboundTally {self.day}"
