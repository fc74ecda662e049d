"""Import what happened to people: conditions, visits, medications, procedures, immunizations, labs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.imports.management import importing
from apps.imports.models import ImportJob


class Command(RoadCommand):
    help = (
        "Import events of people on record from a CSV, by a mapping; without one its columns are guessed. "
        "The same file a second time changes nothing; rows of unknown people are listed."
    )
    permission = Permission.CONTACT_IMPORT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mapping", metavar="MAPPING.json", help="as the mapping page of events exports it")
        importing.add_file_arguments(parser, several=False)

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        return importing.run(
            actor=actor,
            kind=ImportJob.JobKind.EVENTS,
            files=options["files"],
            dry_run=options["dry_run"],
            errors_to=options["errors_to"],
            document=self._document(options["mapping"]) if options["mapping"] else None,
        )

    def _document(self, path: str) -> dict[str, Any]:
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError):
            raise CommandError(f"{path} cannot be read.") from None
        except (ValueError, RecursionError):
            raise CommandError("The mapping is not JSON. Export one from the mapping page to see its form.") from None
        if not isinstance(found, dict):
            raise CommandError("The mapping is not a JSON object. Export one from the mapping page to see its form.")
        return found

    def line(self, result: dict[str, Any]) -> str:
        return importing.sentence(result)
