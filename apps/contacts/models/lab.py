"""Labs and vitals that an installation declared beside the presets."""

from __future__ import annotations

from typing import Any

from django.db import models

from apps.core.classification import Kind, classify
from apps.jobs.models import LEASED, LeasedJob
from apps.vault import sealing

LAB_TABLE = "contacts_ownlab"


@classify(
    token=Kind.TOKEN,
    sealed=Kind.SEALED,
    level=Kind.PLAIN,
    low=Kind.PLAIN,
    high=Kind.PLAIN,
    step=Kind.PLAIN,
    scale=Kind.PLAIN,
    id=Kind.PLAIN,
    state=Kind.PLAIN,
    after=Kind.PLAIN,
    **LEASED,
)
class OwnLab(LeasedJob):
    """One lab, and the job that renews the results that were on record before it: ``done`` events, up to ``after``.

    ``sealed`` (service key) holds name, label, code system, codes and unit: what a clinic measures tells what it
    treats. Bounds and step never change, because rows carry the keyed step; without them the results are words.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Preparing"
        DONE = "done", "Ready"
        FAILED = "failed", "Failed"

    UNDER_WAY = (State.RUNNING,)

    token = models.BinaryField(max_length=16, unique=True)
    sealed = models.BinaryField()
    level = models.SmallIntegerField(default=2)
    low = models.IntegerField(null=True)
    high = models.IntegerField(null=True)
    step = models.IntegerField(default=1)
    scale = models.SmallIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    after = models.BigIntegerField(default=0)

    class Meta:
        db_table = LAB_TABLE

    def opened(self) -> dict[str, Any]:
        """The sealed part: name, label, system, codes, unit."""
        found: dict[str, Any] = sealing.open_service(self.sealed, table=LAB_TABLE, row=self.pk)
        return found
