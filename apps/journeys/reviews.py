"""What was asked and decided about a journey before it may be switched on. Rows are never changed."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.core.classification import Kind, classify
from apps.vault import sealing

REVIEW_TABLE = "journeys_journeyreview"


@classify(
    id=Kind.PLAIN,
    journey=Kind.PLAIN,
    at=Kind.PLAIN,
    actor=Kind.PLAIN,
    decision=Kind.PLAIN,
    approval=Kind.TOKEN,
    sealed=Kind.SEALED,
)
class JourneyReview(models.Model):
    """``approval`` is the keyed hash of exactly the definition, texts and segments; ``sealed`` holds the comment."""

    class Decision(models.TextChoices):
        SUBMITTED = "submitted", "Submitted"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    journey = models.ForeignKey("journeys.Journey", on_delete=models.CASCADE, related_name="reviews")
    at = models.DateTimeField()
    actor = models.CharField(max_length=60)
    decision = models.CharField(max_length=9, choices=Decision.choices)
    approval = models.BinaryField(max_length=16)
    sealed = models.BinaryField(null=True)

    class Meta:
        indexes = [models.Index(fields=["journey", "-id"], name="journey_review_latest")]

    def __str__(self) -> str:
        return f"JourneyReview {self.pk}"

    @property
    def comment(self) -> str:
        """What the reviewer said, or ""."""
        if self.sealed is None:
            return ""
        data: dict[str, Any] = sealing.open_service(self.sealed, table=REVIEW_TABLE, row=self.pk)
        return str(data["comment"])
