"""Ringing the feeder once the transaction is committed: a help, never a need. The beat reads the same rows."""

from __future__ import annotations

import logging

from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring(campaign_id: int) -> None:
    """Ask a worker to feed the campaign."""
    transaction.on_commit(lambda: _ring(campaign_id), robust=True)


def _ring(campaign_id: int) -> None:
    from .tasks import feed

    try:
        feed.apply_async(args=[campaign_id], expires=30, retry=False)
    except (OperationalError, OSError):
        log.warning("The broker is away; the schedule will feed what waits.")


def ring_measure(campaign_id: int) -> bool:
    """Ask a worker to measure mail servers for the campaign's plan; False when the broker is away."""
    from .tasks import measure

    try:
        measure.apply_async(args=[campaign_id], expires=60, retry=False)
    except (OperationalError, OSError):
        return False
    return True
