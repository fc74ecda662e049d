"""Looks at the list now, as the nightly job does."""

from __future__ import annotations

from typing import Any

from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.delivery import services


class Command(RoadCommand):
    help = "Report dead, failing, silent and suspicious addresses; optional mail to silent ones rests."
    permission = Permission.DELIVERY_EDIT

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        run = services.clean_list(actor=actor)
        return {"looked_at": run.done, **run.counts}
