"""Campaigns: what is sent once, to whom, why, and who approved it. Names, specs and comments are sealed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.core.classification import Kind, classify
from apps.core.levels import Level
from apps.core.purposes import Purpose


class State(models.TextChoices):
    """Where a campaign stands. Everything up to APPROVED may still be changed, which voids an approval."""

    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "Waiting for approval"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    SCHEDULED = "scheduled", "Scheduled"
    SENDING = "sending", "Sending"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Canceled"


CHANGEABLE = (State.DRAFT, State.IN_REVIEW, State.APPROVED, State.REJECTED)
# Asked for or approved, not started: a change takes something away from somebody.
WITH_APPROVAL = (State.IN_REVIEW, State.APPROVED)
STARTED = (State.SENDING, State.PAUSED, State.DONE, State.CANCELLED)


@classify(
    id=Kind.PLAIN,
    name_token=Kind.TOKEN,
    sealed=Kind.SEALED,
    version=Kind.PLAIN,
    state=Kind.PLAIN,
    purpose=Kind.PLAIN,
    level=Kind.PLAIN,
    template_version=Kind.PLAIN,
    skeleton_id=Kind.PLAIN,
    owner=Kind.PLAIN,
    changed_by=Kind.PLAIN,
    created_at=Kind.PLAIN,
    changed_at=Kind.PLAIN,
    approval=Kind.TOKEN,
    approved_by=Kind.PLAIN,
    approved_at=Kind.PLAIN,
    send_at=Kind.PLAIN,
    started_at=Kind.PLAIN,
    finished_at=Kind.PLAIN,
    audience=Kind.PLAIN,
    to_feed=Kind.PLAIN,
    fed=Kind.PLAIN,
    cursor=Kind.PLAIN,
    fed_all=Kind.PLAIN,
)
class Campaign(models.Model):
    """``sealed`` holds ``{"name", "spec"}`` under the service key, bound to id and version.

    ``approval`` is the keyed hash of exactly the content and audience definition that was submitted; it is
    compared again before anything starts.
    """

    name_token = models.BinaryField(unique=True)
    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    purpose = models.CharField(max_length=12, choices=[(p.value, p.word) for p in Purpose], blank=True)
    level = models.SmallIntegerField(default=Level.HEALTH, choices=[(item.value, item.word) for item in Level])
    template_version = models.BigIntegerField(null=True)
    skeleton_id = models.BigIntegerField(null=True)
    owner = models.CharField(max_length=60)
    changed_by = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    approval = models.BinaryField(max_length=16, null=True)
    approved_by = models.CharField(max_length=60, blank=True)
    approved_at = models.DateTimeField(null=True)
    send_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Progress of feeding the outbox: how many people were frozen, how many go, how many went, where it stands.
    audience = models.BigIntegerField(null=True)
    to_feed = models.BigIntegerField(null=True)
    fed = models.BigIntegerField(default=0)
    cursor = models.BigIntegerField(default=0)
    fed_all = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["state", "send_at"], name="campaign_due"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True, approved_by="")
                | (Q(approved_at__isnull=False) & ~Q(approved_by="") & Q(approval__isnull=False)),
                name="approval_has_who_when_and_what",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["approved", "scheduled", "sending", "paused", "done"])
                | Q(approved_at__isnull=False),
                name="nothing_leaves_unapproved",
            ),
            models.CheckConstraint(
                condition=~Q(state="scheduled") | Q(send_at__isnull=False), name="scheduled_has_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"Campaign {self.pk}"


@classify(id=Kind.PLAIN, campaign=Kind.PLAIN, segment=Kind.PLAIN, excluded=Kind.PLAIN)
class CampaignSegment(models.Model):
    """The segments a campaign looks at, for "where used" and so that none is deleted under it."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="segments")
    segment = models.ForeignKey("segments.Segment", on_delete=models.PROTECT, related_name="+")
    excluded = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "segment"], name="campaign_segment_once")]

    def __str__(self) -> str:
        return f"CampaignSegment {self.pk}"


@classify(
    id=Kind.PLAIN,
    at=Kind.PLAIN,
    actor=Kind.PLAIN,
    reader=Kind.PLAIN,
    campaign=Kind.PLAIN,
    template=Kind.PLAIN,
    message=Kind.PLAIN,
    language=Kind.PLAIN,
)
class StaffCopy(models.Model):
    """A copy that staff sent to themselves or to a colleague (``reader``), so that they can be told what became of
    it: of a campaign's message, or of a template's draft. ``message`` is the row of the outbox.
    """

    at = models.DateTimeField()
    actor = models.CharField(max_length=60)
    reader = models.BigIntegerField(null=True)
    campaign = models.ForeignKey(Campaign, null=True, on_delete=models.CASCADE, related_name="+")
    template = models.BigIntegerField(null=True)
    message = models.BigIntegerField()
    language = models.CharField(max_length=8)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(campaign__isnull=False) ^ Q(template__isnull=False), name="test_is_of_one_thing"
            )
        ]
        indexes = [models.Index(fields=["actor", "id"], name="test_by_whom")]

    def __str__(self) -> str:
        return f"StaffCopy {self.pk}"


@classify(pk=Kind.PLAIN, campaign=Kind.PLAIN, person=Kind.PLAIN, held=Kind.PLAIN)
class CampaignRecipient(models.Model):
    """The frozen audience: one row a person, with the reason when nothing was queued for them.

    Only ids and code words; the person may be erased later, and the campaign's numbers stay.
    """

    pk = models.CompositePrimaryKey("campaign", "person")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="recipients")
    person = models.BigIntegerField()
    held = models.CharField(max_length=20, blank=True)

    def __str__(self) -> str:
        return f"CampaignRecipient {self.campaign_id}"
