"""Journeys, their immutable versions, and everybody who walks them.

Names and definitions are sealed: a journey called "Diabetes check" is health information about whoever
is in it. Step ids ("s3"), code words and times of our own acts are plain.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.classification import Kind, classify
from apps.vault import sealing

__all__ = [
    "Journey",
    "JourneyCount",
    "JourneyMember",
    "JourneyRun",
    "JourneyState",
    "JourneyStepVisit",
    "JourneyVersion",
    "RunState",
]


class JourneyState(models.TextChoices):
    """A paused journey keeps everybody's place; nobody comes in and nobody moves."""

    DRAFT = "draft", "Draft"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"


class RunState(models.TextChoices):
    """The words of ``engine.State``."""

    WAITING = "waiting", "Waiting"
    FINISHED = "finished", "Finished"
    LEFT = "left", "Left"
    FAILED = "failed", "Failed"


@classify(
    id=Kind.PLAIN,
    name_token=Kind.TOKEN,
    sealed=Kind.SEALED,
    revision=Kind.PLAIN,
    state=Kind.PLAIN,
    version=Kind.PLAIN,
    created_at=Kind.PLAIN,
    changed_at=Kind.PLAIN,
    created_by=Kind.PLAIN,
    seen_transaction=Kind.PLAIN,
    seen_event=Kind.PLAIN,
)
class Journey(models.Model):
    """A journey with its draft. Sealed: name, about, and the draft's definition (see ``opened``).

    ``revision`` counts saves of the draft, so that two people who edit at once are told.
    ``seen_transaction`` and ``seen_event`` are the position in the timeline up to which people were let in.
    """

    name_token = models.BinaryField(max_length=16, unique=True)
    sealed = models.BinaryField()
    revision = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=8, choices=JourneyState, default=JourneyState.DRAFT)
    version = models.ForeignKey("JourneyVersion", on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)
    seen_transaction = models.BigIntegerField(default=0)
    seen_event = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"Journey {self.pk}"

    def opened(self) -> dict[str, Any]:
        """``{"name", "about", "draft": definition JSON}``."""
        data: dict[str, Any] = sealing.open_service(self.sealed, table="journey", row=self.pk, version=self.revision)
        return data


@classify(
    id=Kind.PLAIN,
    journey=Kind.PLAIN,
    number=Kind.PLAIN,
    sealed=Kind.SEALED,
    level=Kind.PLAIN,
    created_at=Kind.PLAIN,
    created_by=Kind.PLAIN,
)
class JourneyVersion(models.Model):
    """What was activated, for ever as it was: the database refuses changes.

    Sealed: the definition's JSON, for each send step the message as it was frozen then, and the rules of the segments.
    """

    journey = models.ForeignKey(Journey, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    sealed = models.BinaryField()
    level = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["journey", "number"], name="journey_version_number")]

    def __str__(self) -> str:
        return f"JourneyVersion {self.pk}"

    def opened(self) -> dict[str, Any]:
        """The definition's JSON."""
        definition: dict[str, Any] = self._data["definition"]
        return definition

    def messages(self) -> dict[str, Any]:
        """Step id to the message it sends, see ``outgoing.Frozen``."""
        messages: dict[str, Any] = self._data["messages"]
        return messages

    def segments(self) -> dict[int | str, Any]:
        """Id to rule JSON of every segment it looks at, as approved; none in versions of before 0.2.

        By name stands what nothing was called any more when ids took the place of names.
        """
        return dict(self._data.get("rules", ()))

    @cached_property
    def _data(self) -> dict[str, Any]:
        data: dict[str, Any] = sealing.open_service(
            self.sealed, table="journey_version", row=f"{self.journey_id}/{self.number}"
        )
        return data


@classify(
    id=Kind.PLAIN,
    journey=Kind.PLAIN,
    version=Kind.PLAIN,
    person=Kind.PLAIN,
    key=Kind.TOKEN,
    subject=Kind.PLAIN,
    state=Kind.PLAIN,
    step=Kind.PLAIN,
    due_at=Kind.PLAIN,
    reason=Kind.PLAIN,
    round=Kind.PLAIN,
    sent=Kind.PLAIN,
    signals=Kind.PLAIN,
    tries=Kind.PLAIN,
    entered_at=Kind.PLAIN,
    changed_at=Kind.PLAIN,
)
class JourneyRun(models.Model):
    """One person in one journey for one key (an appointment, an event, or the person).

    ``subject`` is the row the key stands for (an appointment's or event's number), or null. ``round``
    counts passes; ``sent`` and ``signals`` ("clicked:s2") belong to the present round.
    """

    journey = models.ForeignKey(Journey, on_delete=models.PROTECT, related_name="runs")
    version = models.ForeignKey(JourneyVersion, on_delete=models.PROTECT, related_name="runs")
    person = models.ForeignKey("contacts.Person", on_delete=models.CASCADE, related_name="journey_runs")
    key = models.BinaryField(max_length=16)
    subject = models.BigIntegerField(null=True)
    state = models.CharField(max_length=8, choices=RunState)
    step = models.CharField(max_length=16, null=True)
    due_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=40, blank=True)
    round = models.PositiveIntegerField(default=1)
    sent = ArrayField(models.CharField(max_length=16), default=list)
    signals = ArrayField(models.CharField(max_length=40), default=list)
    tries = models.PositiveSmallIntegerField(default=0)
    entered_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["journey", "person", "key"], name="journey_run_key"),
            models.CheckConstraint(
                condition=Q(state="waiting", step__isnull=False, due_at__isnull=False)
                | (~Q(state="waiting") & Q(due_at__isnull=True)),
                name="journey_run_waits_for_a_time",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="journey_run_due"),
            models.Index(fields=["journey", "step"], condition=Q(state="waiting"), name="journey_run_step"),
            models.Index(fields=["journey", "-id"], name="journey_run_people"),
            models.Index(fields=["person"], name="journey_run_person"),
            # Few: every tick asks which of them may go on.
            models.Index(
                fields=["id"], condition=Q(state="waiting", reason="visit_in_doubt"), name="journey_run_in_doubt"
            ),
        ]

    def __str__(self) -> str:
        return f"JourneyRun {self.pk}"


@classify(
    id=Kind.PLAIN,
    run=Kind.PLAIN,
    step=Kind.PLAIN,
    round=Kind.PLAIN,
    outcome=Kind.PLAIN,
    reason=Kind.PLAIN,
    at=Kind.PLAIN,
)
class JourneyStepVisit(models.Model):
    """A run came by a step in a round: at most once, and the database sees to it."""

    run = models.ForeignKey(JourneyRun, on_delete=models.CASCADE, related_name="visits")
    step = models.CharField(max_length=16)
    round = models.PositiveIntegerField()
    outcome = models.CharField(max_length=8)
    reason = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "step", "round"], name="journey_visit_once")]
        indexes = [models.Index(fields=["step", "outcome", "-run"], name="journey_visit_step")]

    def __str__(self) -> str:
        return f"JourneyStepVisit {self.pk}"


@classify(
    id=Kind.PLAIN,
    journey=Kind.PLAIN,
    step=Kind.PLAIN,
    outcome=Kind.PLAIN,
    reason=Kind.PLAIN,
    count=Kind.PLAIN,
)
class JourneyCount(models.Model):
    """How many visits of a step came to an outcome: written with them, so a page need not count millions.

    The step "" counts runs that ended outside a step, by state and reason.
    """

    journey = models.ForeignKey(Journey, on_delete=models.CASCADE, related_name="counts")
    step = models.CharField(max_length=16, blank=True)
    outcome = models.CharField(max_length=8)
    reason = models.CharField(max_length=40, blank=True)
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["journey", "step", "outcome", "reason"], name="journey_count_once")
        ]

    def __str__(self) -> str:
        return f"JourneyCount {self.pk}"


@classify(id=Kind.PLAIN, journey=Kind.PLAIN, person=Kind.PLAIN)
class JourneyMember(models.Model):
    """Who was in the segment at a journey's last look: entering is the difference."""

    journey = models.ForeignKey(Journey, on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey("contacts.Person", on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["journey", "person"], name="journey_member_once")]

    def __str__(self) -> str:
        return f"JourneyMember {self.pk}"
