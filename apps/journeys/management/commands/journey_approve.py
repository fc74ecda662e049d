"""``journey_approve NAME --as EMAIL``: a second person approves exactly this journey.

A journey that was not submitted yet is submitted first, as its author left it; a ready-made one is made first.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core import actors
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.journeys import approvals, services
from apps.journeys.services.named import journey_named


class Command(RoadCommand):
    help = "Approve a journey as a second person."
    permission = Permission.JOURNEY_APPROVE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--comment", default="")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        row = journey_named(actor=actors.COMMAND_LINE, name=options["name"])
        if approvals.standing(row).state in ("none", "rejected", "changed"):
            services.journey_submit(actor=actors.COMMAND_LINE, journey=row)
        review = services.journey_approve(actor=actor, journey=row, comment=options["comment"])
        return {"journey": row.opened()["name"], "state": review.decision, "approved_by": review.actor}

    def line(self, result: dict[str, Any]) -> str:
        return f"{result['journey']} is approved and may be activated."
