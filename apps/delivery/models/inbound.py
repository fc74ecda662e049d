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
    sorting=Kind.PLAIN,
    network=Kind.TOKEN,
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

    Every mail that was answered 250 is here: a letter (``kind`` is ``reply``), or sorted out, with the reason in
    ``sorting``. ``raw`` holds the original bytes and ``sealed`` what was read of them, both under the person's record
    key, or under the service key when nobody is known. A bounce may return health information: it is treated as such
    (B-353). ``network`` is a keyed digest of the network that brought it, where that is known.
    """

    class InboundKind(models.TextChoices):
        BOUNCE = "bounce", "Report about a message"
        COMPLAINT = "complaint", "Complaint"
        AUTOMATIC = "automatic", "Automatic answer"
        RECEIPT = "receipt", "Read receipt"
        REPLY = "reply", "Letter"

    class Sorting(models.TextChoices):
        """Why a mail is not among the letters; the labels are the words of the page "Sorted out"."""

        REPORT = "report", "A mail server's report about one of our messages"
        LATE = "late", "A mail server's report that came too late to be believed"
        GONE = "gone", "A mail server's report about a message that we no longer have"
        UNSIGNED = "unsigned", "A mail server's report that proves no message of ours"
        COMPLAINT = "complaint", "A complaint by way of a mailbox provider"
        RECEIPT = "receipt", "A receipt that a mail program wrote"
        AUTOMATIC = "automatic", "It says that a program wrote it (Auto-Submitted)"
        NULL_SENDER = "null_sender", "It came without a sender's address, as only servers send"

    # Reports that were understood: kept for as long as the settings say. Everything else is correspondence.
    UNDERSTOOD = (Sorting.REPORT, Sorting.LATE, Sorting.GONE, Sorting.COMPLAINT, Sorting.RECEIPT)

    class State(models.TextChoices):
        NOTED = "noted", "Noted"
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"

    source = models.BinaryField(max_length=16, unique=True)
    kind = models.CharField(max_length=9, choices=InboundKind.choices)
    sorting = models.CharField(max_length=12, choices=Sorting.choices, blank=True)
    network = models.BinaryField(max_length=16, null=True)
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
            models.Index(fields=["network", "received_at"], condition=Q(network__isnull=False), name="inbound_network"),
            models.Index(fields=["id"], condition=~Q(kind="reply"), name="inbound_sorted"),
            models.Index(fields=["received_at"], condition=~Q(kind="reply"), name="inbound_reports"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False, done_by__isnull=False)
                | (~Q(state="done") & Q(done_at__isnull=True, done_by__isnull=True)),
                name="inbound_done_by_somebody",
            ),
            # A letter was not sorted out, and whatever was has its reason.
            models.CheckConstraint(
                condition=Q(kind="reply", sorting="") | (~Q(kind="reply") & ~Q(sorting="")),
                name="inbound_sorted_for_a_reason",
            ),
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
