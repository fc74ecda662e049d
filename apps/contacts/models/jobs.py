"""What every long job has in common: a worker holds it by a lease, and it acts in the name of whoever asked."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.core import clock
from apps.core.actors import Actor
from apps.core.classification import Kind
from apps.vault import sealing

LEASED = dict.fromkeys(
    (
        "total",
        "done",
        "attempts",
        "worker",
        "lease_until",
        "actor_kind",
        "actor_id",
        "actor_role",
        "created_at",
        "finished_at",
    ),
    Kind.PLAIN,
)
"""How the fields of a ``LeasedJob`` are classified."""
SEALED = LEASED | {"sealed": Kind.SEALED, "version": Kind.PLAIN, "stop": Kind.PLAIN}
"""How the fields of a ``SealedJob`` are classified."""


class LeasedJob(models.Model):
    """``done`` of ``total`` are behind it. ``worker`` holds it until ``lease_until``; then another may go on.

    ``attempts`` counts the workers that took it, so that a job which kills its worker ends at last.
    """

    total = models.BigIntegerField(default=0)
    done = models.BigIntegerField(default=0)
    attempts = models.SmallIntegerField(default=0)
    worker = models.CharField(max_length=40, blank=True)
    lease_until = models.DateTimeField(null=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_role = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk}"

    @property
    def actor(self) -> Actor:
        """Who asked for it; its chunks act in their name, and people are opened in it."""
        return Actor(self.actor_kind, self.actor_id, self.actor_role)


class SealedJob(LeasedJob):
    """A job that may be stopped, with a sealed part (service key): what it does may tell a condition."""

    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    stop = models.BooleanField(default=False)

    class Meta:
        abstract = True

    @property
    def under_way(self) -> bool:
        """Whether a worker has something to do about it."""
        raise NotImplementedError

    def opened(self) -> dict[str, Any]:
        """The sealed part."""
        found: dict[str, Any] = sealing.open_service(
            self.sealed, table=self._meta.db_table, row=self.pk, version=self.version
        )
        return found

    def reseal(self, data: dict[str, Any]) -> None:
        """Put ``data`` in place of the sealed part; the caller saves ``sealed`` and ``version``."""
        self.version += 1
        self.sealed = sealing.seal_service(data, table=self._meta.db_table, row=self.pk, version=self.version)
