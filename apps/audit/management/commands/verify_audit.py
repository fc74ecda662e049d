"""``verify_audit``: find any altered, removed or cut entry of the trail."""

from __future__ import annotations

from typing import Any

from apps.audit.services import reviews
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission


class Command(RoadCommand):
    help = "Check every audit entry, the chain and the signed checkpoints. Exit code 1 when something is wrong."
    permission = Permission.AUDIT_VIEW

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        found = reviews.trail_verify(actor=actor)
        return {
            "entries": found.entries,
            "ok": found.ok,
            "first_bad": found.first_bad,
            "open": found.open,
            "reason": found.reason,
        }

    def line(self, result: dict[str, Any]) -> str:
        if result["ok"]:
            return f"{result['entries']} entries, every one as it was written."
        return f"The trail is broken at entry {result['first_bad']}: {result['reason']}"
