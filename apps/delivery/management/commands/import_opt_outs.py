"""``import_opt_outs FILE``: the addresses that opted out in a former tool; a list only ever adds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.contacts.management.waiting import until_over
from apps.contacts.models import Suppression
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.delivery.models import SuppressionJob
from apps.delivery.suppressions import services as suppressions


class Command(RoadCommand):
    help = "Stop mail to a list of addresses (CSV or text, gzip or not). Nothing of it ever allows mail again."
    permission = Permission.CONTACT_IMPORT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV or text with an address in each row")
        parser.add_argument(
            "--scope",
            choices=Suppression.Scope.values,
            default=Suppression.Scope.COMMERCIAL.value,
            help="which mail stops: optional mail (commercial, the default), reminders too, or all",
        )
        parser.add_argument(
            "--reason",
            choices=[reason.value for reason in suppressions.REASONS],
            default=Suppression.Reason.FORMER.value,
            help="what happened there: they unsubscribed (former_tool, the default), complained, or it is dead",
        )

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        path = Path(options["file"])
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        with path.open("rb") as stream:
            job = suppressions.list_create(
                actor=actor, stream=stream, name=path.name, scope=options["scope"], reason=options["reason"]
            )
        until_over(job, suppressions.work, suppressions.CHANNEL)
        data = job.opened()
        if job.state != SuppressionJob.State.DONE:
            raise Refused("suppression.failed", data.get("problem") or "The list was canceled.")
        return {
            "read": job.done,
            "stopped": job.added,
            "known": job.known,
            "unreadable": job.unreadable,
            "rows": [{"line": number, "reason": why} for number, _, why in data["faults"]],
            "list": job.pk,
        }

    def line(self, result: dict[str, Any]) -> str:
        text = (
            f"{result['read']:,} rows read: {result['stopped']:,} newly stopped, {result['known']:,} stopped before, "
            f"{result['unreadable']:,} not read."
        )
        return "\n".join([text, *(f"line {row['line']}: {row['reason']}" for row in result["rows"])])
