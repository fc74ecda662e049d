"""``campaign_approve NAME --as EMAIL``: a second person approves exactly this content and audience.

A campaign that was not submitted yet is submitted first, as its author left it.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.campaigns import plans, selectors, services
from apps.campaigns.models import State
from apps.core import actors
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission


class Command(RoadCommand):
    help = "Approve a campaign as a second person."
    permission = Permission.CAMPAIGN_APPROVE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--comment", default="")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        campaign = selectors.by_name(options["name"])
        if campaign.state in (State.DRAFT, State.REJECTED):
            planned = plans.plan_of(actor=actors.COMMAND_LINE, campaign=campaign).audience
            services.campaign_submit(actor=actors.COMMAND_LINE, campaign_id=campaign.id, planned=planned)
        approved = services.campaign_approve(actor=actor, campaign_id=campaign.id, comment=options["comment"])
        return {"campaign": campaign.name, "state": approved.state, "approved_by": approved.approved_by}
