"""``campaign_plan NAME``: how many people by which route, how many held back and why."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.campaigns import plans, selectors
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission


class Command(RoadCommand):
    help = "Draw the plan of a campaign: routes and reasons."
    permission = Permission.CAMPAIGN_VIEW

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument(
            "--no-measure", action="store_true", help="do not look at mail servers that were not measured yet"
        )

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        campaign = selectors.by_name(options["name"])
        if not options["no_measure"]:
            plans.measure_unknown(actor=actor, campaign=campaign)
        return plans.plan_of(actor=actor, campaign=campaign).as_json()
