"""Doorbells of tracking."""

from __future__ import annotations

from celery import shared_task

from apps.core import actors
from apps.tracking import services


@shared_task
def settle_clicks() -> None:
    """Judge the clicks that are a minute old. Safe to lose and to repeat."""
    while sum(services.clicks_settle(actor=actors.system("beat")).values()) >= services.SETTLE_BATCH:
        pass
