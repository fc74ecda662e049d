"""``demo_guests``: the demo's patients read their mail; ``demo`` runs it once in the background."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.demo import guests


class Command(BaseCommand):
    help = "Let the demo's patients read, answer, click and unsubscribe, once their campaign has gone out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=300.0, help="how long to wait for the campaign")

    def handle(self, *args: Any, seconds: float, **options: Any) -> None:
        if not guests.awaited() or not guests.wait_until_sent(seconds):
            return
        read = guests.visit_portal()
        guests.write_back()
        followed = guests.follow_links(wait=10.0)
        if options["verbosity"] > 0:
            self.stdout.write(f"{read} messages read, {followed} links followed.")
