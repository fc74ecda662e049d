"""What was asked and decided about a campaign or a journey before anything of it may leave. Rows are never changed."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from apps.core.classification import Kind, classify
from apps.vault import sealing

APPROVAL_TABLE = "approvals_approvalentry"


@classify(
    id=Kind.PLAIN,
    kind=Kind.PLAIN,
    subject=Kind.PLAIN,
    at=Kind.PLAIN,
    actor=Kind.PLAIN,
    decision=Kind.PLAIN,
    fingerprint=Kind.TOKEN,
    audience=Kind.PLAIN,
    sealed=Kind.SEALED,
)
class ApprovalEntry(models.Model):
    """One entry in the history of an approval: who asked for it, gave it, sent it back, or made it void.

    ``kind`` and ``subject`` name what it is about ("campaign", 7); ``fingerprint`` is the keyed hash of exactly that as
    it was then; ``audience`` the planned number of people, where there is one; ``sealed`` the comment.
    """

    class Decision(models.TextChoices):
        SUBMITTED = "submitted", "Submitted"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        VOIDED = "voided", "Approval voided by a change"

    kind = models.CharField(max_length=12)
    subject = models.BigIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=60)
    decision = models.CharField(max_length=9, choices=Decision.choices)
    fingerprint = models.BinaryField(max_length=16, null=True)
    audience = models.BigIntegerField(null=True)
    sealed = models.BinaryField(null=True)

    class Meta:
        indexes = [models.Index(fields=["kind", "subject", "-id"], name="approval_latest")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(decision__in=["submitted", "approved"]) | Q(fingerprint__isnull=False),
                name="approval_is_of_something",
            )
        ]

    def __str__(self) -> str:
        return f"ApprovalEntry {self.pk}"

    @property
    def comment(self) -> str:
        """What was said with it, or ""."""
        if self.sealed is None:
            return ""
        data: dict[str, Any] = sealing.open_service(self.sealed, table=APPROVAL_TABLE, row=self.pk)
        return str(data["comment"])
