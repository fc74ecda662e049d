"""Segments: a name and a rule, sealed; what it counted over time; which segment looks at which."""

from __future__ import annotations

from django.db import models

from apps.core.classification import Kind, classify
from apps.core.levels import Level


@classify(
    id=Kind.PLAIN,
    name_token=Kind.TOKEN,
    sealed=Kind.SEALED,
    version=Kind.PLAIN,
    approved_version=Kind.PLAIN,
    level=Kind.PLAIN,
    owner=Kind.PLAIN,
    created_at=Kind.PLAIN,
    changed_at=Kind.PLAIN,
    count=Kind.PLAIN,
    count_ms=Kind.PLAIN,
    counted_at=Kind.PLAIN,
)
class Segment(models.Model):
    """``sealed`` holds ``{"name", "description", "rule"}`` under the service key, bound to id and version."""

    name_token = models.BinaryField(unique=True)
    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    # The last version that a second person approved in a campaign or journey; 0 for none.
    approved_version = models.IntegerField(default=0, db_default=0)
    level = models.SmallIntegerField(choices=[(level.value, level.word) for level in Level])
    owner = models.CharField(max_length=60, blank=True)  # the actor, as "staff:3" or "command"
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    # The last count, so that lists need no query over people.
    count = models.BigIntegerField(null=True)
    count_ms = models.IntegerField(null=True)
    counted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Segment {self.pk}"


@classify(
    id=Kind.PLAIN,
    segment=Kind.PLAIN,
    version=Kind.PLAIN,
    at=Kind.PLAIN,
    count=Kind.PLAIN,
    ms=Kind.PLAIN,
)
class SegmentCount(models.Model):
    """Size history: one row a day and version at most, the latest count of that day."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="counts")
    version = models.IntegerField()
    at = models.DateTimeField()
    count = models.BigIntegerField()
    ms = models.IntegerField()

    class Meta:
        indexes = [models.Index(fields=["segment", "-at"], name="segment_count_at")]

    def __str__(self) -> str:
        return f"SegmentCount {self.pk}"


@classify(id=Kind.PLAIN, user=Kind.PLAIN, used=Kind.PLAIN)
class SegmentUse(models.Model):
    """Segment ``user`` looks at segment ``used``: the graph that is checked for cycles and before a delete."""

    user = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="uses")
    used = models.ForeignKey(Segment, on_delete=models.PROTECT, related_name="used_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "used"], name="segment_use_once"),
            models.CheckConstraint(condition=~models.Q(user=models.F("used")), name="segment_not_of_itself"),
        ]

    def __str__(self) -> str:
        return f"SegmentUse {self.pk}"
