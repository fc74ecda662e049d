"""``verify_audit``: find any altered, removed or cut entry of the trail."""

from __future__ import annotations

from typing import Any

from apps.audit import sequencer, services, verification
from apps.audit.actions import Action
from apps.core.actors import Actor
from apps.core.commands import RoadCommand


class Command(RoadCommand):
    help = "Check every audit entry, the chain and the signed checkpoints. Exit code 1 when something is wrong."

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        sequencer.number_entries(limit=1000)
        found = verification.verify()
        codes = {"entries": found.entries, "ok": found.ok, "first_bad": found.first_bad}
        services.record(actor=actor, action=Action.TRAIL_VERIFY, kind="trail", codes=codes)
        return {**codes, "open": found.open, "reason": found.reason}

    def line(self, result: dict[str, Any]) -> str:
        if result["ok"]:
            return f"{result['entries']} entries, every one as it was written."
        return f"The trail is broken at entry {result['first_bad']}: {result['reason']}"
