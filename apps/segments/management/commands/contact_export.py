"""``contact_export [SEGMENT]``: the people of a segment, or everybody, as CSV; for who may export."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandParser

from apps.contacts import sources
from apps.contacts.exports import columns as exporting
from apps.contacts.exports import services as exports
from apps.contacts.management.waiting import until_over
from apps.contacts.models import ContactExport
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.core.permissions import Permission, allows
from apps.segments import selectors


class Command(RoadCommand):
    help = "Export the people of a segment (or everybody) as CSV; on the trail, with a reason."
    permission = Permission.CONTACT_EXPORT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("segment", nargs="?", default="", help="name of the segment; without it, everybody")
        parser.add_argument("--reason", required=True, help="what the export is for; it stays on the trail")
        parser.add_argument(
            "--columns", default=",".join(exporting.USUAL), help="names separated by commas (default: %(default)s)"
        )
        parser.add_argument(
            "--to",
            metavar="PATH",
            help="write it there in plain, readable by you alone; otherwise it is sealed, to be downloaded for a day",
        )

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        if actor.kind == "staff" and not allows(actor.role, Permission.CONTACT_EXPORT):
            raise Refused("actor.not_allowed", "Your role may not export contacts. An administrator may.")
        segment = selectors.by_name(options["segment"]) if options["segment"] else None
        made = exports.export_create(
            actor=actor,
            columns=[name.strip() for name in options["columns"].split(",")],
            reason=options["reason"],
            source="segment" if segment else sources.LIST,
            source_id=segment.id if segment else None,
        )
        until_over(made, exports.work, exports.CHANNEL)
        if made.state != ContactExport.State.DONE:
            raise Refused(
                "export.failed",
                made.opened().get("problem") or "The export was canceled, or failed; the log says where.",
            )
        if options["to"]:
            # Never over a file that is there, which others might be able to read.
            handle = os.open(options["to"], os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.writelines(exports.export_open(actor=actor, export_id=made.pk))
        return {"export": made.pk, "people": made.done, "file": options["to"]}

    def line(self, result: dict[str, Any]) -> str:
        place = result["file"] or f"sealed, to be downloaded at /contacts/exports/{result['export']}/ for a day"
        return f"Exported {result['people']:,} people: {place}."
