"""Ringing the feeder once the transaction is committed: a help, never a need. The beat reads the same rows."""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError

from apps.core.actors import Actor

PATIENCE = 600  # seconds for which a page waits for a worker to draw a plan
log = logging.getLogger(__name__)


def ring(campaign_id: int) -> None:
    """Ask a worker to feed the campaign."""
    transaction.on_commit(lambda: _ring(campaign_id), robust=True)


def _ring(campaign_id: int) -> None:
    from apps.campaigns.tasks import feed

    try:
        feed.apply_async(args=[campaign_id], expires=30, retry=False)
    except (OperationalError, OSError):
        log.warning("The broker is away; the schedule will feed what waits.")


def ring_measure(campaign_id: int, actor: Actor) -> bool:
    """Ask a worker to measure mail servers for the plan that ``actor`` looks at; False when the broker is away."""
    from apps.campaigns.tasks import measure

    return _asked(measure, campaign_id, actor)


def ring_draw(campaign_id: int, actor: Actor) -> bool:
    """Ask a worker to draw the plan that ``actor`` looks at; False when the broker is away."""
    from apps.campaigns.tasks import draw

    # Not with the senders: they have no minutes to spare.
    return _asked(draw, campaign_id, actor, expires=PATIENCE, queue="default")


def _asked(task: Any, campaign_id: int, actor: Actor, *, expires: int = 60, **where: str) -> bool:
    # People are opened for a plan: the trail names who asked for it. Ids only, as everywhere on the wire.
    who = {"asked_by": int(actor.id)} if actor.kind == "staff" else {}
    try:
        task.apply_async(args=[campaign_id], kwargs=who, expires=expires, retry=False, **where)
    except (OperationalError, OSError):
        return False
    return True
