"""Whether a letter is from whom it says."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.classification import Kind, classify
from apps.delivery.models.inbound import InboundMail

PROOF_TABLE = "delivery_letterproof"


@classify(
    mail=Kind.PLAIN,
    state=Kind.PLAIN,
    sealed=Kind.SEALED,
    tries=Kind.PLAIN,
    due_at=Kind.PLAIN,
    judged_at=Kind.PLAIN,
    chosen_at=Kind.PLAIN,
    chosen_by=Kind.PLAIN,
)
class LetterProof(models.Model):
    """What is proven of a letter's sender; judged by a worker, behind the dialogue that took the letter.

    ``sealed`` holds the sender of the envelope and the verdict, under the key of the letter. ``due_at``
    is when it is judged next, null once that is settled. ``chosen_by`` said whom it is from, where nothing proved it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Being checked"
        PROVEN = "proven", "Proven"
        UNPROVEN = "unproven", "Unproven"
        UNCHECKED = "unchecked", "Could not be checked"

    mail = models.OneToOneField(InboundMail, primary_key=True, on_delete=models.CASCADE, related_name="proof")
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    sealed = models.BinaryField()
    tries = models.SmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    judged_at = models.DateTimeField(null=True)
    chosen_at = models.DateTimeField(null=True)
    chosen_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="letter_proof_due")]

    def __str__(self) -> str:
        return f"LetterProof {self.pk}"
