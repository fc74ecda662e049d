"""Attributes that an installation adds to its people."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.core.classification import Kind, classify


@classify(
    id=Kind.PLAIN,
    token=Kind.TOKEN,
    sealed=Kind.SEALED,
    type=Kind.PLAIN,
    level=Kind.PLAIN,
    slot=Kind.PLAIN,
    low=Kind.PLAIN,
    high=Kind.PLAIN,
    bucket=Kind.PLAIN,
    created_at=Kind.PLAIN,
)
class AttributeDefinition(models.Model):
    """``sealed`` holds name and label (they may tell a condition). Dates and numbers take a slot of the search row."""

    token = models.BinaryField(max_length=16, unique=True)
    sealed = models.BinaryField()
    type = models.CharField(
        max_length=8,
        choices=[
            ("text", "Text"),
            ("choice", "Choice"),
            ("date", "Date"),
            ("number", "Number"),
            ("yes_no", "Yes or no"),
        ],
    )
    level = models.SmallIntegerField(default=2)
    slot = models.SmallIntegerField(null=True, unique=True)
    low = models.IntegerField(null=True)
    high = models.IntegerField(null=True)
    bucket = models.IntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(slot__isnull=True) | Q(slot__range=(0, 7)), name="attribute_slot")
        ]

    def __str__(self) -> str:
        return f"AttributeDefinition {self.pk}"
