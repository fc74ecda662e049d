"""Attributes that an installation adds to its people."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from apps.core.classification import Kind, classify
from apps.jobs.models import LEASED, LeasedJob
from apps.vault import sealing

ATTRIBUTE_TABLE = "contacts_attributedefinition"


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
    scale=Kind.PLAIN,
    searchable=Kind.PLAIN,
    retired_at=Kind.PLAIN,
    created_at=Kind.PLAIN,
)
class AttributeDefinition(models.Model):
    """``sealed`` holds name, label and choices (they may tell a condition).

    Searchable dates and numbers take a slot of the search row. ``low``, ``high`` and ``bucket`` (the step) of a number
    are whole numbers of ``10 ** -scale``. The slot of a retired attribute is free when its values are gone from it.
    """

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
    scale = models.SmallIntegerField(default=0, db_default=0)
    searchable = models.BooleanField(default=True, db_default=True)
    retired_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(slot__isnull=True) | Q(slot__range=(0, 7)), name="attribute_slot")
        ]

    def __str__(self) -> str:
        return f"AttributeDefinition {self.pk}"

    def opened(self) -> dict[str, Any]:
        """The sealed part: name, label, choices."""
        found: dict[str, Any] = sealing.open_service(self.sealed, table=ATTRIBUTE_TABLE, row=self.pk)
        return found


@classify(
    id=Kind.PLAIN,
    attribute=Kind.PLAIN,
    state=Kind.PLAIN,
    after=Kind.PLAIN,
    found=Kind.PLAIN,
    outside=Kind.PLAIN,
    **LEASED,
)
class AttributeFill(LeasedJob):
    """Search values of everybody brought up to a definition that changed: the job behind "can be searched".

    ``done`` of ``total`` people are behind it, up to the id ``after``; ``found`` of them have a value, ``outside`` of
    these one that no search finds (a number out of bounds, a date that is none).
    """

    class State(models.TextChoices):
        RUNNING = "running", "Preparing"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"
        REPLACED = "replaced", "Replaced"

    UNDER_WAY = (State.RUNNING,)

    attribute = models.ForeignKey(AttributeDefinition, on_delete=models.CASCADE, related_name="fills")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    after = models.BigIntegerField(default=0)
    found = models.BigIntegerField(default=0)
    outside = models.BigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["attribute", "-id"], name="attribute_fill_latest")]
