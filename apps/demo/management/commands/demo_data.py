"""``demo_data``: the invented clinic."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core import clock
from apps.demo import data


class Command(BaseCommand):
    help = "Load about 2,000 invented patients with everything that belongs to them. A second call changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--size", type=int, default=2_000, help="how many people")

    def handle(self, *args: Any, **options: Any) -> None:
        result = data.load(now=clock.now(), size=options["size"])
        if options["verbosity"] > 0:
            self.stdout.write(", ".join(f"{count:,} {name}" for name, count in result.items()))
