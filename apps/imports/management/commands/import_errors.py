"""Print the rejected rows of an import."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.imports.models import ImportJob
from apps.imports.services import jobs
from apps.imports.services.unread import unread_csv


class Command(RoadCommand):
    help = (
        "Print the rejected rows of an import, or the cells that could not be read, as CSV. "
        "Careful where you send it: it is as the file was."
    )
    permission = Permission.CONTACT_IMPORT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("job", type=int, metavar="IMPORT", help="number of the import")
        parser.add_argument("--cells", action="store_true", help="the cells that could not be read, instead of rows")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        if not ImportJob.objects.filter(pk=options["job"]).exists():
            raise Refused("import.unknown", "There is no import with this number.")
        read = unread_csv if options["cells"] else jobs.rejected_csv
        return {"csv": "".join(read(actor=actor, job_id=options["job"]))}

    def line(self, result: dict[str, Any]) -> str:
        return str(result["csv"]).rstrip("\r\n")
