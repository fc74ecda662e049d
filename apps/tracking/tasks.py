"""What tracking does on the schedule."""

from __future__ import annotations

from celery import shared_task

from apps.core import actors, clock
from apps.tracking import services
from apps.tracking.services import retention


@shared_task
def settle_clicks() -> None:
    """Judge the clicks that are a minute old. Safe to lose and to repeat."""
    while sum(services.clicks_settle(actor=actors.system("beat")).values()) >= services.SETTLE_BATCH:
        pass


@shared_task
def clear_clicks() -> int:
    """Remove clicks whose time is over; their counts stay."""
    return retention.clicks_clear(actor=actors.system("beat"), now=clock.now())
