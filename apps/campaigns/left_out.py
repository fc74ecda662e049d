"""Which campaigns held one person back before anything was queued: for the person's own page."""

from __future__ import annotations

from apps.campaigns import selectors
from apps.campaigns.models import Campaign, CampaignRecipient
from apps.delivery.send.sources import LeftOut

LOOKED_AT = 50
"""Campaigns that are looked at, the latest first: each is one look by the key of the frozen audience."""


def left_out(person_id: int) -> list[LeftOut]:
    """The latest campaigns that held this person back, with the word of the reason; newest first."""
    sent = Campaign.objects.filter(started_at__isnull=False).order_by("-started_at")
    latest = {row.pk: row for row in sent[:LOOKED_AT]}
    held = dict(
        CampaignRecipient.objects.filter(campaign_id__in=list(latest), person=person_id)
        .exclude(held="")
        .values_list("campaign_id", "held")
    )
    return [
        LeftOut(row.started_at, selectors.opened(row).name, held[number])
        for number, row in latest.items()
        if number in held and row.started_at is not None
    ]
