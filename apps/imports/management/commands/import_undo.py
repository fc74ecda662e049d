"""Takes an import back, from beginning to end."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from apps.contacts.management.waiting import until_over
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.imports.models import ImportJob, ImportUndo
from apps.imports.undo import services as undoing


class Command(RoadCommand):
    help = (
        "Take an import back: people it made, values it changed, events and appointments it added. What somebody "
        "touched since stays. One that was canceled or broke off goes on where it stopped."
    )
    permission = Permission.CONTACT_IMPORT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("job", type=int, metavar="IMPORT", help="number of the import")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        job: int = options["job"]
        if options["dry_run"]:
            found = ImportJob.objects.filter(pk=job).first()
            if found is None:
                raise Refused("import.unknown", "There is no import with this number.")
            told = asdict(undoing.undo_foretold(job=found))
            return {**told, "until": told["until"].isoformat()}
        undo = undoing.undo_start(actor=actor, job_id=job)
        until_over(undo, undoing.work, undoing.CHANNEL)
        if undo.state != ImportUndo.State.DONE:
            raise Refused("import.undo_stopped", "The undo was canceled or broke off. Run it again: it goes on.")
        data = undo.opened()
        return {name: data[name] for name in undoing.FIGURES}
