"""How staff pages say when a visit is: at the clock of its place, which is named where it is not the clinic's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.core import clock, zones
from apps.ui import datewords


def visit_time(visit: Mapping[str, Any]) -> tuple[datetime, str]:
    """When a visit begins, on the clock of its place, and the words: ``Dec 9, 2026, 9:00 AM Pacific time``."""
    clinic = str(clock.clinic_zone())
    start = zones.visit_start(visit, clinic)
    words = f"{datewords.day(start)}, {datewords.clock_time(start)} {zones.to_say(start, clinic)}"
    return start, words.strip()
