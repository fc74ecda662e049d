"""The tick of journeys. It can be lost: the next one reads the same rows."""

from __future__ import annotations

from celery import shared_task

from apps.core import actors, clock
from apps.journeys import services


@shared_task(ignore_result=True)
def tick(**_: object) -> None:
    """Let people in and move who is due."""
    services.tick(actor=actors.system("beat"), now=clock.now())
