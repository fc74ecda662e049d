"""Import people: Synthea's tables, or any list by a mapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.imports.column_mapping import BadMapping, NotJson, parse_json
from apps.imports.management import importing
from apps.imports.models import ImportJob


class Command(RoadCommand):
    help = "Import people from CSV files; the same files a second time change nothing."
    permission = Permission.CONTACT_IMPORT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preset", choices=["synthea"], help="the files are tables of Synthea")
        parser.add_argument("--mapping", metavar="MAPPING.json", help="as the mapping page exports it")
        parser.add_argument(
            "--invent-addresses",
            action="store_true",
            help="invent an e-mail address under .test for each person (with --preset synthea)",
        )
        importing.add_file_arguments(parser, several=True)

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        preset, path = options["preset"], options["mapping"]
        if bool(preset) == bool(path):
            raise CommandError("Give either --preset synthea or --mapping MAPPING.json.")
        if path and options["invent_addresses"]:
            raise CommandError("--invent-addresses goes with --preset synthea only.")
        given: dict[str, Any] = {"kind": ImportJob.JobKind.SYNTHEA, "invent_addresses": options["invent_addresses"]}
        if path:
            given = {"kind": ImportJob.JobKind.LIST, "document": self._document(path)}
        return importing.run(
            actor=actor,
            files=options["files"],
            dry_run=options["dry_run"],
            errors_to=options["errors_to"],
            **given,
        )

    def _document(self, path: str) -> dict[str, Any]:
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            raise CommandError(f"{path} cannot be read.") from None
        try:
            parse_json(text)
        except NotJson as error:
            raise CommandError(str(error)) from None
        except BadMapping as error:
            raise Refused("import.mapping_wrong", str(error)) from None
        document: dict[str, Any] = json.loads(text)
        return document

    def line(self, result: dict[str, Any]) -> str:
        return importing.sentence(result)
