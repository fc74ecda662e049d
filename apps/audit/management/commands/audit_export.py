"""``audit_export [FILE]``: the trail as CSV or JSON lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.audit import exports, filters
from apps.audit.services import reviews
from apps.core import clock
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.files import open_private
from apps.core.permissions import Permission


class Command(RoadCommand):
    help = (
        "Check and export the audit trail, oldest entry first. The export is itself an entry. Exit code 1 when it "
        "is not whole; the file is written then, too."
    )
    permission = Permission.AUDIT_EXPORT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", help="where to write (default: audit-DATE.csv); .csv or .jsonl")
        parser.add_argument("--format", choices=sorted(exports.FORMATS), help="when the name does not say it")
        parser.add_argument("--actor", dest="who", default="", help="kind or kind:id, such as staff:3 or command")
        parser.add_argument("--action", default="", help="contact.open, contact. (any of a noun), reads or writes")
        parser.add_argument("--person", default="", help="only entries about this person, by number")
        parser.add_argument(
            "--from",
            dest="first",
            default="",
            metavar="DAY",
            help="first day (the clinic's), such as 2026-11-01",
        )
        parser.add_argument("--to", dest="last", default="", metavar="DAY", help="last day, included")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        path = Path(options["file"] or f"audit-{clock.now():%Y-%m-%d}.{options['format'] or 'csv'}")
        form = options["format"] or path.suffix.removeprefix(".")
        if form not in exports.FORMATS:
            raise CommandError(f"{path.name} ends neither in .csv nor in .jsonl. Say which with --format.")
        wanted = filters.parse(
            {
                "actor": options["who"],
                "action": options["action"],
                "person": options["person"],
                "from": options["first"],
                "to": options["last"],
            },
            clock.clinic_zone(),
        )
        # What is handed to somebody else says whether it can be trusted.
        found = reviews.trail_verify(actor=actor)
        count, lines = reviews.trail_export(actor=actor, wanted=wanted, format=form)
        try:
            # Ids and code words only, but who acted when is still nobody else's business.
            with os.fdopen(open_private(path), "wb") as file:
                file.writelines(lines)
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}. Name another file.") from None
        return {
            "entries": count,
            "ok": found.ok,
            "first_bad": found.first_bad,
            "file": str(path),
            "format": form,
        }

    def line(self, result: dict[str, Any]) -> str:
        said = f"{result['entries']:,} entries in {result['file']}."
        return said if result["ok"] else f"{said} The trail is broken at entry {result['first_bad']}."
