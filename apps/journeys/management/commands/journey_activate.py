"""``journey_activate NAME``: switch a journey on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.journeys import selectors, services
from apps.journeys.models import JourneyCount
from apps.journeys.services.named import journey_named


class Command(RoadCommand):
    help = "Activate a journey's approved draft (journey_approve). A ready-made one is made first if it is missing."
    permission = Permission.JOURNEY_ACTIVATE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the journey, such as 'Appointment reminder'")
        parser.add_argument(
            "--from-now-on",
            action="store_true",
            help="leave out who is at the door already: appointments booked before, members of the segment",
        )

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        name: str = options["name"]
        row = journey_named(actor=actor, name=name)
        try:
            version = services.journey_activate(actor=actor, journey=row, take_in=not options["from_now_on"])
        except services.NotApproved as refusal:
            raise Refused(refusal.code, f"{refusal} By command: journey_approve NAME --as EMAIL.") from None
        entered = JourneyCount.objects.filter(journey=row, step="", outcome="entered").first()
        journey = selectors.by_id(row.pk)
        return {
            "journey": journey.name,
            "state": journey.state,
            "version": version.number,
            "entered": entered.count if entered else 0,
        }

    def line(self, result: dict[str, Any]) -> str:
        return f"{result['journey']} is active in version {result['version']}; {result['entered']:,} came in so far."
