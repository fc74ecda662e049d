"""``segment_save NAME RULE.json``: create a segment, or change the one of that name."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.segments import selectors, services
from apps.segments.models import Segment

LARGEST = 1_000_000


class Command(RoadCommand):
    help = "Create or change a segment from a rule in JSON."
    permission = Permission.SEGMENT_EDIT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("rule", metavar="RULE.json", help="the rule; - reads standard input")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        rule = read_json(options["rule"])
        known = Segment.objects.filter(name_token=selectors.name_token(options["name"])).first()
        segment = services.segment_save(
            actor=actor,
            name=options["name"],
            rule=rule,
            segment_id=known.pk if known else None,
            description=selectors.opened(known).description if known else "",
        )
        return {
            "segment": options["name"],
            "level": segment.level,
            "version": segment.version,
            "new": known is None,
        }

    def line(self, result: dict[str, Any]) -> str:
        word = "Saved the new segment" if result["new"] else "Changed the segment"
        return f"{word} “{result['segment']}”, version {result['version']}."


def read_json(name: str) -> object:
    """The JSON of a file. Raises CommandError with the reason: that is wrong use, not a refusal."""
    try:
        if name == "-":
            text = sys.stdin.read(LARGEST + 1)
        else:
            text = Path(name).read_text(encoding="utf-8")[: LARGEST + 1]
    except (OSError, UnicodeDecodeError):
        raise CommandError(f"Cannot read {name}: give a JSON file in UTF-8.") from None
    if len(text) > LARGEST:
        raise CommandError(f"{name} is larger than a rule can be.")
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "some place"
        raise CommandError(f"{name} is not JSON: look at {where}.") from None
    return found
