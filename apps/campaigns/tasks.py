"""Feeding campaigns and drawing plans. Each message can be lost: the next one reads the same rows."""

from __future__ import annotations

from celery import shared_task

from apps.campaigns import plans, selectors
from apps.campaigns.services import sending
from apps.core import actors
from apps.core.actors import Actor
from apps.users import selectors as users


@shared_task(ignore_result=True)
def feed(campaign_id: int, **_: object) -> None:
    """Feed the outbox from a campaign's frozen audience."""
    sending.campaign_feed_all(actor=actors.system("campaigns"), campaign_id=campaign_id)


def _asker(asked_by: int | None) -> Actor:
    """The member of staff whose page asked, so that the trail has them and not the worker."""
    return (users.actor_of(asked_by) if asked_by is not None else None) or actors.system("campaigns")


@shared_task(ignore_result=True)
def measure(campaign_id: int, asked_by: int | None = None, **_: object) -> None:
    """Look at the mail servers of a campaign's audience that nobody measured yet."""
    campaign = selectors.by_id(campaign_id)
    if campaign is not None:
        plans.measure_in_background(actor=_asker(asked_by), campaign=campaign)


@shared_task(ignore_result=True)
def draw(campaign_id: int, asked_by: int | None = None, **_: object) -> None:
    """Draw the plan of a campaign for very many people."""
    campaign = selectors.by_id(campaign_id)
    if campaign is not None:
        plans.draw_in_background(actor=_asker(asked_by), campaign=campaign)


@shared_task(ignore_result=True)
def tick(**_: object) -> None:
    """Start what is due, feed what waits, finish what is through."""
    sending.tick(actor=actors.system("campaigns"))


@shared_task(ignore_result=True)
def compare(**_: object) -> None:
    """Void what changed behind an approval, so that its author learns of it in time."""
    sending.compare(actor=actors.system("campaigns"))
