"""People who may be the same, what was decided about them, and the record of a merge."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.contacts.models.person import Person
from apps.core import clock
from apps.core.classification import Kind, classify
from apps.jobs.models import LEASED, LeasedJob

MERGE_TABLE = "contacts_personmerge"


@classify(pk=Kind.PLAIN, key=Kind.TOKEN, person_id=Kind.PLAIN)
class MatchKey(models.Model):
    """Keyed values that two records of one person share (``merging.judging.keys``): they only nominate."""

    pk = models.CompositePrimaryKey("key", "person_id")
    key = models.BigIntegerField()
    person_id = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["person_id"], name="match_key_person")]

    def __str__(self) -> str:
        return f"MatchKey {self.person_id}"


@classify(
    id=Kind.PLAIN,
    first=Kind.PLAIN,
    second=Kind.PLAIN,
    strength=Kind.PLAIN,
    reasons=Kind.PLAIN,
    state=Kind.PLAIN,
    found_at=Kind.PLAIN,
    decided_at=Kind.PLAIN,
    decided_by=Kind.PLAIN,
)
class DuplicatePair(models.Model):
    """Two people who may be the same; ``reasons`` are code words (``merging.judging``). Decided ones are kept."""

    class Strength(models.IntegerChoices):
        CERTAIN = 3, "Certain"
        LIKELY = 2, "Likely"
        POSSIBLE = 1, "Possible"

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DIFFERENT = "different", "Not the same person"
        MERGED = "merged", "Merged"

    first = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    strength = models.SmallIntegerField(choices=Strength.choices)
    reasons = ArrayField(models.CharField(max_length=24), default=list)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField(default=clock.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(first__lt=F("second")), name="duplicate_pair_in_order"),
        ]
        indexes = [
            models.Index(fields=["strength", "id"], condition=Q(state="open"), name="duplicate_pair_open"),
        ]

    def __str__(self) -> str:
        return f"DuplicatePair {self.pk}"


@classify(
    id=Kind.PLAIN,
    state=Kind.PLAIN,
    phase=Kind.PLAIN,
    after=Kind.PLAIN,
    people=Kind.PLAIN,
    found=Kind.PLAIN,
    crowded=Kind.PLAIN,
    stop=Kind.PLAIN,
    **LEASED,
)
class DuplicateSearch(LeasedJob):
    """One look for duplicates: among everybody, or of ``people`` (made or changed by an import) with everybody.

    First everybody's match keys are written, then pairs that share one are opened and judged. ``after`` is the place
    within the ``phase``; ``found`` counts new pairs, ``crowded`` keys that too many people share to tell anything.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Looking"
        DONE = "done", "Finished"
        CANCELLED = "cancelled", "Canceled"
        FAILED = "failed", "Failed"

    class Phase(models.TextChoices):
        KEYS = "keys", "Reading records"
        PAIRS = "pairs", "Comparing records"

    UNDER_WAY = (State.RUNNING,)

    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    phase = models.CharField(max_length=8, choices=Phase.choices, default=Phase.KEYS)
    after = models.BigIntegerField(default=0)
    people = ArrayField(models.BigIntegerField(), null=True)
    found = models.BigIntegerField(default=0)
    crowded = models.BigIntegerField(default=0)
    stop = models.BooleanField(default=False)


@classify(
    id=Kind.PLAIN,
    kept=Kind.PLAIN,
    merged=Kind.PLAIN,
    state=Kind.PLAIN,
    sealed=Kind.SEALED,
    version=Kind.PLAIN,
    merged_at=Kind.PLAIN,
    merged_by=Kind.PLAIN,
    undone_at=Kind.PLAIN,
    undone_by=Kind.PLAIN,
)
class PersonMerge(models.Model):
    """One record merged into another. ``sealed`` (profile key of ``kept``) is what an undo needs: the profile and
    profile key of ``merged``, the profile of ``kept`` before and after, and what each part of the product moved.

    Without ``sealed`` it cannot be undone any more: the profile key of ``merged`` is gone for good.
    """

    class State(models.TextChoices):
        DONE = "done", "Merged"
        UNDONE = "undone", "Undone"

    kept = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="merges")
    merged = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.DONE)
    sealed = models.BinaryField(null=True)
    version = models.IntegerField(default=1)
    merged_at = models.DateTimeField(default=clock.now)
    merged_by = models.CharField(max_length=60)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [models.Index(fields=["merged_at"], condition=Q(sealed__isnull=False), name="merge_can_be_undone")]
        constraints = [
            models.UniqueConstraint(fields=["merged"], condition=Q(state="done"), name="merged_into_one_person")
        ]

    def __str__(self) -> str:
        return f"PersonMerge {self.pk}"
