"""``segment_count NAME``: how many people fit now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.segments import selectors, services


class Command(RoadCommand):
    help = "Count the people of a segment now."
    permission = Permission.SEGMENT_VIEW

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        segment = selectors.by_name(options["name"])
        found = services.segment_count(actor=actor, segment_id=segment.id)
        return {"segment": segment.name, "level": int(segment.level), "count": found.count, "ms": found.ms}

    def line(self, result: dict[str, Any]) -> str:
        return f"{result['count']:,} people are in “{result['segment']}” ({result['ms']} ms)."
