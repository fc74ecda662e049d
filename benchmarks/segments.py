"""How long counts take; each the median of enough runs to fill two seconds and more."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def run(size: int, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Rule name to milliseconds. A rule that counts nobody, or everybody, fails: it would measure nothing."""
    from apps.segments import counting, rules
    from benchmarks.rules import RULES

    found, counts = {}, {}
    for name, document in RULES.items():
        rule = rules.parse(document)
        times: list[float] = []
        while sum(times) < 10 / len(RULES) or len(times) < 5:
            began = time.perf_counter()
            counted = counting.count(rule)
            times.append(time.perf_counter() - began)
            if len(times) >= 200:
                break
        if not 0 < counted.count < size:
            raise SystemExit(f"The rule {name} counts {counted.count} of {size}: it measures nothing.")
        found[name] = round(statistics.median(times) * 1000, 1)
        counts[name] = counted.count
        say(f"count {name}: {found[name]} ms, {counted.count} people")
    return {"segment_count_ms": found, "segment_counts": counts}
