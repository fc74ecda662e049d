"""``create_keys``: make the keys of a new installation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.core import keyfiles


class Command(BaseCommand):
    help = "Create the missing keys in CARELANE_KEYS. Existing keys are never touched."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        made = keyfiles.create_missing(Path(settings.CARELANE_KEYS))
        self.stdout.write(f"Created: {', '.join(made)}." if made else "Every key is there.")
