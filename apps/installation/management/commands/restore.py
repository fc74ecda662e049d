"""``restore``: a backup and its keys into an empty installation; whoever was erased since stays erased."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandParser
from django.db import connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Max
from django.utils.module_loading import import_string

from apps.audit import sequencer, verification
from apps.audit.actions import Action
from apps.audit.models import AuditChain
from apps.audit.services import record
from apps.contacts import services
from apps.contacts.consent.replay import opt_outs_replay
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.installation import backup
from apps.ui.datewords import count
from apps.vault import ledger

# What ``HOLD_AFTER_RESTORE`` counts, in words.
HELD = {
    "campaigns_paused": "paused campaign",
    "schedules_called_off": "called-off schedule",
    "journeys_paused": "paused journey",
    "messages_in_doubt": "message in doubt",
}


class Command(RoadCommand):
    help = "Restore a backup FOLDER with the key backup KEYS_FILE into an installation whose database is empty."
    permission = Permission.ORGANIZATION_EDIT

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="FOLDER")
        parser.add_argument("keys_file", type=Path, metavar="KEYS_FILE")
        parser.add_argument(
            "--go-on",
            action="store_true",
            help="nothing was sent since the backup was made: campaigns and journeys go on instead of being paused",
        )

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        known = {".".join(name) for name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
        try:
            manifest = backup.read_manifest(options["folder"])
            older = backup.is_older(manifest, version=settings.VERSION, migrations=known)
            backup.restore_keys(options["keys_file"])
            backup.restore_data(options["folder"])
        except (backup.BackupError, OSError) as error:
            raise Refused("restore.impossible", str(error)) from None
        before = _applied()
        call_command("migrate", verbosity=0)
        # Transaction numbers begin anew in another cluster: whoever keeps a position moves it, before anything is
        # written here.
        with transaction.atomic():
            for path in settings.AFTER_RESTORE:
                import_string(path)()
        last = AuditChain.objects.aggregate(last=Max("sequence"))["last"] or 0
        erased = 0
        for person_id in ledger.entries():
            try:
                services.contact_erase(actor=actor, person_id=person_id, reason="erased before this restore")
                erased += 1
            except Refused:
                continue  # the backup was made after the erasure
        opt_outs = opt_outs_replay(actor=actor, since=datetime.fromisoformat(manifest.made_at))
        codes = {"erased_again": erased, "opt_outs_again": opt_outs}
        record(actor=actor, action=Action.BACKUP_RESTORE, kind="backup", codes=codes)
        held: dict[str, int] = {}
        if not options["go_on"]:
            with transaction.atomic():
                for path in settings.HOLD_AFTER_RESTORE:
                    held |= import_string(path)(actor=actor)
        sequencer.number_entries(limit=1000)
        found = verification.verify()
        return {
            "ok": found.ok,
            "entries": found.entries,
            "first_bad": found.first_bad,
            # Checkpoints that outlived the database know entries which were written after the backup, and are lost.
            "lost_after": last if not found.ok and found.entries > last else None,
            "erased_again": erased,
            "opt_outs_again": opt_outs,
            **held,
            "made_by": manifest.version,
            "older": older,
            "migrated": len(_applied() - before),
        }

    def line(self, result: dict[str, Any]) -> str:
        """What was restored, from which version, and whether the trail is whole."""
        migrated = count(result["migrated"], "migration")
        made = (
            f"made by version {result['made_by']}, brought up to {settings.VERSION} by {migrated}"
            if result["older"]
            else f"made by this version ({settings.VERSION})"
        )
        erased = f" {count(result['erased_again'], 'person', 'people')} erased again." if result["erased_again"] else ""
        if result["opt_outs_again"]:
            erased += f" {count(result['opt_outs_again'], 'opt-out')} since then in force again."
        held = ", ".join(count(result[name], noun) for name, noun in HELD.items() if result.get(name))
        waits = f" It may have left after the backup was made, so a person decides: {held}." if held else ""
        trail = (
            f"The audit trail is whole: {count(result['entries'], 'entry', 'entries')}."
            if result["ok"]
            else f"The audit trail is whole up to entry {result['lost_after']}, the last of this backup. "
            "Later ones were signed for and are lost: keep the checkpoints, and note why."
            if result["lost_after"] is not None
            else f"The audit trail is NOT whole; the first bad entry is {result['first_bad']}."
        )
        return f"Restored a backup {made}.{erased}{waits} {trail}"


def _applied() -> set[tuple[str, str]]:
    return set(MigrationRecorder(connections["owner"]).applied_migrations())
