"""`manage.py send_outbox`: do the sending worker's job once, from the command line."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.delivery import services


class Command(RoadCommand):
    help = "Send what is ready in the outbox, until nothing is or the time is over."
    permission = Permission.DELIVERY_EDIT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=45.0, help="stop claiming after this time")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        """Dispatch once; the result's keys are the counts."""
        done = services.dispatch(actor=actor, seconds=options["seconds"])
        return dict(vars(done))
