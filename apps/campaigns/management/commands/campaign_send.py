"""``campaign_send NAME``: send an approved campaign now, and wait for it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from apps.campaigns import selectors
from apps.campaigns.models import Campaign, State
from apps.campaigns.report import report_of
from apps.campaigns.services import sending
from apps.core import clock
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.delivery import selectors as delivery
from apps.delivery.models.outbox import MessageKind
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
                if self._all_later(campaign.id, deadline - time.monotonic()):
                    break
                time.sleep(0.5)
        return report_of(Campaign.objects.get(pk=campaign.id)).as_json()

    def _all_later(self, campaign_id: int, seconds: float) -> bool:
        """Whether everything that is left waits for another try after ``seconds``; then says until when."""
        number, due = delivery.tried_again(kind=MessageKind.CAMPAIGN, source_id=campaign_id)
        left = delivery.counts(kind=MessageKind.CAMPAIGN, source_id=campaign_id).get("queued", 0)
        if due is None or number < left or due <= clock.now() + timedelta(seconds=max(seconds, 0)):
            return False
        self.stderr.write(
            f"Mail servers did not take {number:,} messages yet. They are tried again from "
            f"{due.astimezone(clock.clinic_zone()):%Y-%m-%d %H:%M} on, by a worker or by this command."
        )
        return True
