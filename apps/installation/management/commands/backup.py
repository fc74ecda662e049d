"""``backup``: database and sealed files into one place, keys into another (45 CFR 164.308(a)(7)(ii)(A))."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import clock
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.installation import backup


class Command(RoadCommand):
    help = "Back up the database and files into TO, and the keys apart from them into KEYS_TO."
    permission = Permission.ORGANIZATION_EDIT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("to", type=Path, metavar="TO")
        parser.add_argument("keys_to", type=Path, metavar="KEYS_TO")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        record(actor=actor, action=Action.BACKUP_MAKE, kind="backup")
        try:
            folder = backup.back_up(
                to=options["to"],
                keys_to=options["keys_to"],
                version=settings.VERSION,
                now=clock.now(),
                migrations=[".".join(name) for name in MigrationRecorder(connection).applied_migrations()],
            )
        except backup.BackupError as error:
            raise Refused("backup.impossible", str(error)) from None
        return {"backup": str(folder), "keys": str(options["keys_to"]), "version": settings.VERSION}
