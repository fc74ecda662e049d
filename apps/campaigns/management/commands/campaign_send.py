"""``campaign_send NAME``: send an approved campaign now, and wait for it."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser

from apps.campaigns import selectors, sending
from apps.campaigns.models import Campaign, State
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.delivery.services import dispatch


class Command(RoadCommand):
    help = "Send an approved campaign now."
    permission = Permission.CAMPAIGN_SEND

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--wait", type=float, default=600.0, metavar="SECONDS", help="0 only queues")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        campaign = selectors.by_name(options["name"])
        if campaign.state not in (State.SENDING, State.PAUSED, State.DONE):
            sending.campaign_send(actor=actor, campaign_id=campaign.id)
        sending.campaign_feed_all(actor=actor, campaign_id=campaign.id)
        deadline = time.monotonic() + options["wait"]
        while time.monotonic() < deadline and not sending.finish_if_done(campaign_id=campaign.id):
            if Campaign.objects.get(pk=campaign.id).state != State.SENDING:
                break
            done = dispatch(actor=actor, seconds=min(20.0, options["wait"]))
            if not any(vars(done).values()):
                # Another worker has the slots, or what is left waits for its time.
                time.sleep(0.5)
        return selectors.report(Campaign.objects.get(pk=campaign.id)).as_json()
