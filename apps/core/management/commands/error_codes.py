"""Print every code with which the product refuses something, as docs/errors.md or as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core import refusals


class Command(BaseCommand):
    help = "Print every error code with its meaning: the text of docs/errors.md, or with --json what an API publishes."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *args: Any, as_json: bool = False, **options: Any) -> None:
        self.stdout.write(json.dumps(refusals.problems()) if as_json else refusals.page(), ending="")
