"""What a change costs: this checkout beside another one, in alternating pairs of short runs.

    python -m benchmarks.compare OTHER_CHECKOUT [--size 10000] [--pairs 5]

Rates drift with the machine; CPU and statements do not. Printed is, for each part of the benchmark, the median over the
pairs of (here / there) of CPU seconds, the product's processes and PostgreSQL together, and of statements. One JSON
object is the last line. More than 1.05 is worse by the rule of `docs/performance.md`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

HERE = Path(__file__).resolve().parent.parent
WORSE = 1.05
PARTS = ("import", "segments", "send", "journeys")


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.compare", description=__doc__)
    parser.add_argument("other", type=Path)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--measure", action="store_true", help="measure the checkout in the current folder, once")
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(chosen.size)))
        return 0
    pairs = []
    for number in range(1, chosen.pairs + 1):
        # Whichever goes first finds the machine as the other left it: they take turns.
        first, second = (HERE, chosen.other) if number % 2 else (chosen.other, HERE)
        found = {place: _run(place, chosen.size) for place in (first, second)}
        pairs.append((found[HERE], found[chosen.other]))
        print(f"pair {number}: {_line(pairs[-1:])}", file=sys.stderr, flush=True)
    print(_line(pairs), file=sys.stderr)
    ratios = _ratios(pairs)
    print(json.dumps({"pairs": chosen.pairs, "size": chosen.size, "ratios": ratios}))
    return int(any(ratio > WORSE for part in ratios.values() for ratio in part.values()))


def _ratios(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, dict[str, float]]:
    return {
        part: {
            what: round(statistics.median(mine[part][what] / theirs[part][what] for mine, theirs in pairs), 3)
            for what in ("cpu", "statements")
        }
        for part in pairs[0][0]
    }


def _line(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    return " · ".join(
        f"{part} CPU {r['cpu']:.3f} statements {r['statements']:.3f}" for part, r in _ratios(pairs).items()
    )


def _run(place: Path, size: int) -> dict[str, Any]:
    """One measurement of a checkout, by this file and that checkout's product."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), str(place), "--measure", "--size", str(size)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place), "DJANGO_SETTINGS_MODULE": "benchmarks.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{place}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(size: int) -> dict[str, dict[str, float]]:
    """CPU seconds and statements of each part, of the checkout in the current folder."""
    from benchmarks import run

    counted = _count_statements()
    run.prepare()
    from benchmarks import importing, journeys, segments, sending

    for part in (importing, journeys, segments, sending):
        if hasattr(part, "AT_LEAST"):
            part.AT_LEAST = 0.01
    # Counts repeat until their seconds are over: by this clock each rule is counted as often, however fast it is.
    clock = itertools.count(step=60)
    segments.time = SimpleNamespace(perf_counter=lambda: float(next(clock)))
    runs: dict[str, Callable[..., Any]] = dict(
        zip(PARTS, (importing.run, segments.run, sending.run, journeys.run), strict=True)
    )
    found = {}
    with tempfile.TemporaryDirectory(prefix="carelane-compare-") as folder:
        for name, part in runs.items():
            cpu, statements = _cpu(), counted()
            part(size, Path(folder), lambda text: None)
            found[name] = {"cpu": _cpu() - cpu, "statements": counted() - statements}
    return found


def _count_statements() -> Callable[[], int]:
    """Restart the benchmark's server with ``pg_stat_statements``; the answer tells how many statements it ran."""
    import django
    from django.conf import settings

    django.setup()
    import psycopg

    try:
        embedded = import_module("apps.installation.embedded_servers")
    except ImportError:
        embedded = import_module("config." + "embedded")  # 0.3.0 and older

    embedded.ensure_running(settings.EMBEDDED)

    def ask(statement: str) -> Any:
        with psycopg.connect(
            host=str(settings.EMBEDDED.sockets),
            user="postgres",
            password=embedded.passwords(settings.EMBEDDED)["postgres"],
            dbname="postgres",
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchone()[0] if cursor.description else None

    ask("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
    embedded.stop(settings.EMBEDDED)
    embedded.ensure_running(settings.EMBEDDED)
    ask("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    ask("SELECT pg_stat_statements_reset()")
    return lambda: int(ask("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"))


def _cpu() -> float:
    """Seconds of CPU so far: this process, its ended children, its living ones, and the benchmark's own PostgreSQL.

    Other servers of the machine do not count: the tests of a colleague beside it change nothing.
    """
    from django.conf import settings

    server = int((Path(settings.EMBEDDED.data) / "postmaster.pid").read_text().split()[0])
    times = os.times()
    ticks = os.sysconf("SC_CLK_TCK")
    total = times.user + times.system + times.children_user + times.children_system
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            stat = (entry / "stat").read_text()
        except OSError:
            continue
        fields = stat.rpartition(")")[2].split()
        if int(fields[1]) in (os.getpid(), server) or int(entry.name) == server:
            own, of_children = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
            # A connection's process is gone when it is counted: the postmaster has its time.
            total += (own + of_children) / ticks
    return total


if __name__ == "__main__":
    sys.exit(main())
