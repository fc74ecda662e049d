"""``journey_tick [--now TIME]``: what beat does, once, by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.core import clock
from apps.core.actors import Actor
from apps.core.commands import RoadCommand
from apps.core.permissions import Permission
from apps.delivery import services as delivery
from apps.journeys import context, services
from apps.journeys.models import JourneyRun, RunState


class Command(RoadCommand):
    help = "Let people in and move who is due. Safe to repeat: nothing happens twice."
    permission = Permission.JOURNEY_ACTIVATE

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--now",
            metavar="TIME",
            help="act as if it were TIME (ISO 8601; without an offset on the clinic's clock)",
        )

        parser.add_argument(
            "--wait", type=float, default=60.0, metavar="SECONDS", help="to send what was decided; 0 only queues"
        )

    def perform(self, actor: Actor, **options: Any) -> dict[str, Any]:
        now: str | None = options["now"]
        at = clock.now() if now is None else _moment(now)
        with clock.frozen(at):
            result = services.tick(actor=actor, now=at)
        # As campaign_send does; with a worker at hand it is a race that either wins.
        if result.sent and options["wait"] > 0:
            delivery.dispatch(actor=actor, seconds=options["wait"])
        waiting = JourneyRun.objects.filter(state=RunState.WAITING).count()
        return {**result.as_json(), "waiting": waiting, "reasons": dict(result.reasons)}

    def line(self, result: dict[str, Any]) -> str:
        return (
            f"{result['entered']:,} came in, {result['sent']:,} messages sent, {result['finished']:,} finished, "
            f"{result['left']:,} left, {result['failed']:,} failed; {result['waiting']:,} wait."
        )


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--now {text} is no time. Write it like 2026-12-07T09:00 or with an offset.") from None
    if not 2000 <= found.year <= 2200:
        raise CommandError(f"--now {text} is too far away: give a time from 2000 to 2200.")
    return found if found.tzinfo else found.replace(tzinfo=context.zone())
