"""Campaigns under way to somebody whose record is merged: nobody gets a campaign twice because they were two.

The frozen audience of a finished campaign stays as it was. In one that is being sent, the merged record is written to
no more; the kept one is not, where the merged one's copy has left or may have.
"""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet

from apps.campaigns.models import Campaign, CampaignRecipient, State
from apps.contacts.merging.parts import Merging, Notes, Part
from apps.delivery.merging.services import reached_by
from apps.delivery.policy.routing import Held

_UNDER_WAY = (State.SENDING, State.PAUSED)


def merge(merging: Merging) -> Notes:
    """Take the merged record out of what is not fed yet, and the kept one where its copy would be the second."""
    notes: Notes = {"left": []}
    campaigns = Campaign.objects.select_for_update().filter(state__in=_UNDER_WAY, fed_all=False).order_by("pk")
    for campaign in campaigns:
        people = [merging.merged.id]
        if reached_by(merging.merged.id, campaign.pk):
            people.append(merging.kept.id)
        for person in people:
            if _waiting(campaign, person).update(held=Held.MERGED.value):
                notes["left"].append([campaign.pk, person])
                Campaign.objects.filter(pk=campaign.pk).update(to_feed=F("to_feed") - 1)
    return notes if notes["left"] else {}


def _waiting(campaign: Campaign, person: int) -> QuerySet[CampaignRecipient]:
    return CampaignRecipient.objects.filter(campaign=campaign, person=person, held="", person__gt=campaign.cursor)


def undo(merging: Merging, notes: Notes) -> list[str]:
    """Put those back who are not behind the feeding yet; whoever was passed over stays without that campaign."""
    missed = 0
    for campaign_id, person in notes["left"]:
        campaign = Campaign.objects.select_for_update().filter(pk=campaign_id).first()
        row: Any = CampaignRecipient.objects.filter(campaign_id=campaign_id, person=person, held=Held.MERGED.value)
        if campaign is None or campaign.fed_all or campaign.cursor >= person or campaign.state not in _UNDER_WAY:
            missed += row.exists()
        elif row.update(held=""):
            Campaign.objects.filter(pk=campaign_id).update(to_feed=F("to_feed") + 1)
    if missed:
        return ["A campaign was sent meanwhile without one of the two. It is not sent again."]
    return []


PART = Part("campaigns", ("campaigns.CampaignRecipient.person",), merge, undo, order=70)
