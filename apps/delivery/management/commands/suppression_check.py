"""Looks at the stops of mailboxes now, as the schedule does; an administrator lets them stand as they are."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.contacts.suppressions.register import services as register
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission


class Command(RoadCommand):
    help = "Say which stops of mailboxes were altered or are missing in the database; put back what the ledger has."
    permission = Permission.ORGANIZATION_EDIT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--keep",
            metavar="REASON",
            help="let the stops stand as the database has them, and mail go again: after somebody has looked",
        )

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        found = register.stops_check(actor=actor)
        if options["keep"] is not None:
            found = register.stops_keep(actor=actor, reason=options["keep"])
        return {"stops": found.rows, "altered": found.altered, "put_back": found.back, "buckets_missing": found.buckets}
