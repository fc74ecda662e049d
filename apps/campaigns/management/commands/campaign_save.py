"""``campaign_save NAME SPEC.json``: create a campaign, or change the one of that name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.campaigns import selectors, services
from apps.campaigns.models import Campaign
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission


class Command(RoadCommand):
    help = "Create or change a campaign from a spec in JSON."
    permission = Permission.CAMPAIGN_EDIT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("spec", metavar="SPEC.json")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        try:
            spec = json.loads(Path(options["spec"]).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            raise CommandError(f"Cannot read {options['spec']}: give a JSON file in UTF-8.") from None
        except (ValueError, RecursionError):
            raise CommandError(f"{options['spec']} is not JSON.") from None
        known = Campaign.objects.filter(name_token=selectors.name_token(options["name"])).first()
        saved = services.campaign_save(
            actor=actor, name=options["name"], spec=spec, campaign_id=known.pk if known else None
        )
        problems = services.problems_of(selectors.opened(saved))
        return {
            "campaign": options["name"],
            "version": saved.version,
            "level": int(saved.level),
            "missing": [sentence for _, sentence in problems],
        }
