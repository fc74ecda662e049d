"""``restore``: a backup and its keys into an empty installation; whoever was erased since stays erased."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import connections

from apps.audit import sequencer, verification
from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts import services
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.vault import ledger
from config import backup


class Command(RoadCommand):
    help = "Restore a backup FOLDER with the key backup KEYS_FILE into an installation whose database is empty."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("keys_file", type=Path, metavar="KEYS_FILE")

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        try:
            backup.restore_keys(options["keys_file"])
            backup.restore_data(options["folder"])
        except (backup.BackupError, OSError) as error:
            raise Refused(str(error)) from None
        call_command("migrate", verbosity=0)
        with connections["owner"].cursor() as cursor:
            # Transaction numbers begin anew in another cluster; the sequencer must not wait for the old ones.
            cursor.execute("UPDATE audit_auditentry SET transaction = 0")
        erased = 0
        for person_id in ledger.entries():
            try:
                services.contact_erase(actor=actor, person_id=person_id, reason="erased before this restore")
                erased += 1
            except Refused:
                continue  # the backup was made after the erasure
        record(actor=actor, action=Action.BACKUP_RESTORE, kind="backup", codes={"erased_again": erased})
        sequencer.number_entries(limit=1000)
        found = verification.verify()
        return {"ok": found.ok, "entries": found.entries, "first_bad": found.first_bad, "erased_again": erased}
