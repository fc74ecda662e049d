"""The outbox: the row is the truth, the ready queue says what waits, attempts say what is on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q

from apps.contacts.models import Person
from apps.core import clock
from apps.core.classification import Kind, classify
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.policy.routing import RouteName
from apps.mail.tls import TlsClass

OUTBOX_TABLE = "delivery_outboxmessage"
CONTENT_PLACE = f"{OUTBOX_TABLE}.content"
RECORD_PLACE = f"{OUTBOX_TABLE}.record"
EVIDENCE_PLACE = f"{OUTBOX_TABLE}.evidence"
# "infinity" cannot be read as a Python date.
PAUSED_UNTIL = datetime(9999, 1, 1, tzinfo=UTC)


class MessageKind(models.TextChoices):
    CAMPAIGN = "campaign", "Campaign"
    JOURNEY = "journey", "Journey"
    NOTICE = "notice", "Portal notice"
    ACCOUNT = "account", "Account mail"
    TEST = "test", "Test"
    REPLY = "reply", "Reply"


class Stream(models.TextChoices):
    """Queues that never wait for each other: a newsletter must not delay a one-time code."""

    URGENT = "urgent", "Urgent"
    TRANSACTIONAL = "transactional", "Transactional"
    BULK = "bulk", "Bulk"


class State(models.TextChoices):
    """Where a message stands. A message that is claimed or on the wire is still "queued" in its row: an
    `Attempt` says so, and the page shows "sending".
    """

    QUEUED = "queued", "Queued"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    HELD = "held", "Held"
    DOUBTFUL = "doubtful", "Doubtful"
    BOUNCED = "bounced", "Bounced"
    STOPPED = "stopped", "Stopped"


@classify(
    id=Kind.PLAIN,
    kind=Kind.PLAIN,
    stream=Kind.PLAIN,
    source_id=Kind.PLAIN,
    node=Kind.PLAIN,
    visit=Kind.PLAIN,
    person=Kind.PLAIN,
    purpose=Kind.PLAIN,
    level=Kind.PLAIN,
    state=Kind.PLAIN,
    reason=Kind.PLAIN,
    route=Kind.PLAIN,
    tls_class=Kind.PLAIN,
    skeleton_id=Kind.PLAIN,
    content=Kind.SEALED,
    record=Kind.SEALED,
    evidence=Kind.SEALED,
    attempts=Kind.PLAIN,
    created_at=Kind.PLAIN,
    finished_at=Kind.PLAIN,
)
class OutboxMessage(models.Model):
    """One thing to one person.

    `content` (finished mail of notices, account mail, tests, replies), `record` (what rebuilds the message that
    left) and `evidence` (every attempt) are sealed under the person's record key, or under the service key when
    there is no person. `reason` is a code word (`routing.Held` or `smtp_replies.Cause`), never a sentence.
    """

    kind = models.CharField(max_length=8, choices=MessageKind.choices)
    stream = models.CharField(max_length=13, choices=Stream.choices)
    source_id = models.BigIntegerField(null=True)
    node = models.CharField(max_length=40, blank=True)
    visit = models.BigIntegerField(default=0)
    person = models.ForeignKey(
        Person, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="messages"
    )
    purpose = models.CharField(max_length=12, choices=[(p.value, p.word) for p in Purpose])
    level = models.SmallIntegerField(choices=[(level.value, level.word) for level in Level])
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    reason = models.CharField(max_length=24, blank=True)
    route = models.CharField(max_length=6, blank=True)
    # Measured on the connection that carried it; None until something did.
    tls_class = models.SmallIntegerField(null=True, choices=[(c.value, c.name.lower()) for c in TlsClass])
    skeleton_id = models.BigIntegerField(null=True)
    content = models.BinaryField(null=True)
    record = models.BinaryField(null=True)
    evidence = models.BinaryField(null=True)
    attempts = models.SmallIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # Once means a constraint: a repeated feed meets a wall, not a patient.
            models.UniqueConstraint(
                fields=["source_id", "person"], condition=Q(kind="campaign"), name="campaign_once_per_person"
            ),
            models.UniqueConstraint(
                fields=["source_id", "node", "visit"],
                condition=Q(kind="journey"),
                name="journey_step_visit_once",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["campaign", "journey"]) | Q(source_id__isnull=False, person__isnull=False),
                name="sent_to_a_person_for_a_source",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["held", "failed", "bounced"]) | ~Q(reason=""),
                name="what_did_not_leave_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | (Q(finished_at__isnull=False) & ~Q(route="")),
                name="sent_has_time_and_route",
            ),
        ]
        indexes = [
            models.Index(fields=["person", "id"], name="outbox_person"),
            # Small: only what a person may have to look at.
            models.Index(
                fields=["state", "id"],
                condition=Q(state__in=["doubtful", "failed", "bounced", "held"]),
                name="outbox_problems",
            ),
            # Home asks it on every visit: what went wrong since yesterday, at any size of the outbox.
            models.Index(
                fields=["finished_at", "state"],
                condition=Q(state__in=["doubtful", "failed"]),
                name="outbox_trouble",
            ),
            # The rest of what did not arrive, for the same question.
            models.Index(fields=["finished_at"], condition=Q(state="bounced"), name="outbox_returned"),
            # Journeys ask at every tick which of them may go on.
            models.Index(
                fields=["id"], condition=Q(state="held", reason="visit_in_doubt"), name="outbox_visit_in_doubt"
            ),
            BrinIndex(fields=["finished_at"], autosummarize=True, name="outbox_finished"),
        ]

    def __str__(self) -> str:
        return f"OutboxMessage {self.pk}"

    @property
    def protection(self) -> str:
        """How it was protected, as a code word of the look: a route, "opportunistic", "none", or "" when
        nothing left. Plain mail is called what its connection was measured to be.
        """
        if self.state not in (State.SENT, State.BOUNCED) or self.tls_class is None:
            return ""
        if self.route == RouteName.TLS and self.tls_class < TlsClass.WEBPKI:
            return "opportunistic" if self.tls_class == TlsClass.OPPORTUNISTIC else "none"
        return self.route


@classify(
    message=Kind.PLAIN,
    stream=Kind.PLAIN,
    provider=Kind.PLAIN,
    kind=Kind.PLAIN,
    source_id=Kind.PLAIN,
    not_before=Kind.PLAIN,
)
class ReadyMessage(models.Model):
    """What waits to be sent: narrow, and gone once claimed. A paused source waits until `PAUSED_UNTIL`."""

    message = models.OneToOneField(
        OutboxMessage, primary_key=True, on_delete=models.CASCADE, db_constraint=False, related_name="ready"
    )
    stream = models.CharField(max_length=13, choices=Stream.choices)
    provider = models.BigIntegerField(default=0)
    kind = models.CharField(max_length=8)
    source_id = models.BigIntegerField(null=True)
    not_before = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["stream", "not_before", "message"], name="ready_next")]

    def __str__(self) -> str:
        return f"ReadyMessage {self.pk}"


@classify(number=Kind.PLAIN, worker=Kind.PLAIN, lease_until=Kind.PLAIN, fence=Kind.PLAIN)
class Slot(models.Model):
    """A place to send from, leased by one worker at a time. A higher `fence` shuts the former holder out."""

    number = models.SmallIntegerField(primary_key=True)
    worker = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(default=clock.now)
    fence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"Slot {self.pk}"


@classify(
    message=Kind.PLAIN,
    slot=Kind.PLAIN,
    fence=Kind.PLAIN,
    lane=Kind.PLAIN,
    sequence=Kind.PLAIN,
    started_at=Kind.PLAIN,
)
class Attempt(models.Model):
    """A message given to a lane (one connection at a time) of a worker, committed before its DATA.

    Gone when its answer is written. After a kill the lowest `sequence` of each lane is in doubt; what stands
    behind it was never begun, because a lane goes on only when the answer before is committed.
    """

    message = models.OneToOneField(
        OutboxMessage, primary_key=True, on_delete=models.CASCADE, db_constraint=False, related_name="attempt"
    )
    slot = models.SmallIntegerField()
    fence = models.BigIntegerField()
    lane = models.SmallIntegerField()
    sequence = models.IntegerField()
    started_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slot", "fence", "lane", "sequence"], name="attempt_place_once")]

    def __str__(self) -> str:
        return f"Attempt {self.pk}"


@classify(pk=Kind.PLAIN, kind=Kind.PLAIN, source_id=Kind.PLAIN, state=Kind.PLAIN, since=Kind.PLAIN)
class SourceStop(models.Model):
    """A campaign or journey whose messages must not leave: paused for now, or stopped for good."""

    class StopState(models.TextChoices):
        PAUSED = "paused", "Paused"
        STOPPED = "stopped", "Stopped"

    pk = models.CompositePrimaryKey("kind", "source_id")
    kind = models.CharField(max_length=8, choices=MessageKind.choices)
    source_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=StopState.choices)
    since = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"SourceStop {self.source_id}"
