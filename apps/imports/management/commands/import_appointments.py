"""Import appointments of another system."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.imports.management import importing
from apps.imports.models import ImportJob


class Command(RoadCommand):
    help = (
        "Import appointments from a CSV with external_id, mrn or patient_id, start, and (optional) zone, kind, "
        "location, provider, minutes, status. The same file a second time changes nothing."
    )
    permission = Permission.CONTACT_IMPORT

    def add_arguments(self, parser: CommandParser) -> None:
        importing.add_file_arguments(parser, several=False)

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        return importing.run(
            actor=actor,
            kind=ImportJob.JobKind.APPOINTMENTS,
            files=options["files"],
            dry_run=options["dry_run"],
            errors_to=options["errors_to"],
        )

    def line(self, result: dict[str, Any]) -> str:
        return importing.sentence(result)
