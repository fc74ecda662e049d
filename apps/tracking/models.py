"""What was clicked. Opens are not tracked."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.core import clock
from apps.core.classification import Kind, classify

TARGET_TABLE = "tracking_linktarget"


@classify(id=Kind.PLAIN, token=Kind.TOKEN, sealed=Kind.SEALED, created_at=Kind.PLAIN)
class LinkTarget(models.Model):
    """A page that messages link to. Sealed under the service key: url (a path may name a condition).

    The only places a click link leads to: a link cannot be made to lead elsewhere.
    """

    token = models.BinaryField(max_length=16, unique=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"LinkTarget {self.pk}"


@classify(
    id=Kind.PLAIN,
    message=Kind.PLAIN,
    person=Kind.PLAIN,
    target=Kind.PLAIN,
    campaign=Kind.PLAIN,
    journey=Kind.PLAIN,
    sent_at=Kind.PLAIN,
    at=Kind.PLAIN,
    head=Kind.PLAIN,
    agent=Kind.PLAIN,
    trap=Kind.PLAIN,
    settled_at=Kind.PLAIN,
    machine=Kind.PLAIN,
    reasons=Kind.PLAIN,
)
class Click(models.Model):
    """One request for a link, ids only. No address, no browser: of the User-Agent only "is a program" is kept.

    Whether a person clicked is settled a minute later, when the neighbors of a click are known.
    """

    message = models.BigIntegerField()
    person = models.BigIntegerField()
    target = models.BigIntegerField()
    campaign = models.BigIntegerField(default=0)
    journey = models.BigIntegerField(default=0)
    sent_at = models.DateTimeField()
    at = models.DateTimeField(default=clock.now)
    head = models.BooleanField(default=False)
    agent = models.BooleanField(default=False)
    trap = models.BooleanField(default=False)
    settled_at = models.DateTimeField(null=True)
    machine = models.BooleanField(null=True)
    reasons = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["message"], name="click_message"),
            models.Index(fields=["at"], condition=Q(settled_at__isnull=True), name="click_unsettled"),
            models.Index(fields=["at"], condition=Q(settled_at__isnull=False), name="click_settled"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, machine__isnull=True)
                | Q(settled_at__isnull=False, machine__isnull=False),
                name="settled_click_has_a_verdict",
            )
        ]

    def __str__(self) -> str:
        return f"Click {self.pk}"


@classify(
    id=Kind.PLAIN, campaign=Kind.PLAIN, journey=Kind.PLAIN, target=Kind.PLAIN, machine=Kind.PLAIN, count=Kind.PLAIN
)
class ClickTotal(models.Model):
    """How many clicks there were whose rows are gone by now: by source and link, people and programs apart."""

    campaign = models.BigIntegerField()
    journey = models.BigIntegerField()
    target = models.BigIntegerField()
    machine = models.BooleanField()
    count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "journey", "target", "machine"], name="one_click_total")
        ]

    def __str__(self) -> str:
        return f"ClickTotal {self.pk}"
