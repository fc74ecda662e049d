"""What every long job has in common: a worker holds it by a lease, and it acts in the name of whoever asked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from apps.core import clock
from apps.core.actors import Actor
from apps.core.classification import Kind
from apps.vault import sealing

LEASE = timedelta(minutes=2)
"""How long a worker may be silent before another one takes its job."""

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

    ``attempts`` counts the workers that took it, so that a job which kills its worker ends at last. A kind of job has a
    ``state`` of its own and says in ``UNDER_WAY`` in which of its states there is work to do.
    """

    UNDER_WAY: ClassVar[tuple[str, ...]]
    if TYPE_CHECKING:
        state: models.CharField[str, str]

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

    def act_for(self, actor: Actor) -> None:
        """From now on the work is done in the name of ``actor``; the caller saves."""
        self.actor_kind, self.actor_id, self.actor_role = actor.kind, actor.id, actor.role

    @property
    def under_way(self) -> bool:
        """Whether there is work to do, held by a worker or not."""
        return self.state in self.UNDER_WAY

    def is_held_by(self, worker: str) -> bool:
        """Whether ``worker`` may go on: it still holds the job, and there is work to do."""
        return self.worker == worker and self.under_way

    def renew(self) -> None:
        """The worker that holds it got something done: its lease begins anew; the caller saves."""
        self.lease_until, self.attempts = clock.now() + LEASE, 1

    def end(self, state: str) -> None:
        """There is nothing more to do, with ``state`` as the result; the caller saves."""
        self.state, self.finished_at, self.lease_until = state, clock.now(), None

    def begin(self, state: str) -> None:
        """There is work to do (anew, or again after a stop), and nobody holds it yet; the caller saves."""
        self.state, self.finished_at, self.lease_until, self.worker, self.attempts = state, None, None, "", 0


class SealedJob(LeasedJob):
    """A job that may be stopped, with a sealed part (service key): what it does may tell a condition."""

    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    stop = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def begin(self, state: str) -> None:
        """See ``LeasedJob.begin``; whatever asked it to stop is over."""
        super().begin(state)
        self.stop = False

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
