"""``make test-again``: the suite again and again, files in shuffled order, some runs beside a load on every core.

Each run has a seed of its own, counted up from the first, and deals the files to two processes by it: the same seed
gives the same order (``pytest --shuffle-seed=SEED --half=1``). The tally stands below ``.home``, one for each state of
the checkout; a run that was interrupted is made again, those before it are not.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.tally import REPOSITORY, Tally, outcome_of, pytest_command, state_of, table

HALVES = (1, 2)
LOAD = "while True: pass"


@contextlib.contextmanager
def busy(cores: int) -> Iterator[None]:
    """Processes that never rest, one for each core."""
    loads = [subprocess.Popen([sys.executable, "-c", LOAD]) for _ in range(cores)]
    try:
        yield
    finally:
        for load in loads:
            load.kill()
            load.wait()


def loaded(number: int, times: int, load: int) -> bool:
    """Whether run ``number`` (from 0) has a load beside it: ``load`` of ``times`` runs do, evenly spread."""
    return (number + 1) * load // times > number * load // times


def run(seed: int, folder: Path, more: list[str]) -> dict[str, Any]:
    """The suite once, in two processes; what failed and what was skipped."""
    folder.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    parts = []
    for half in HALVES:
        report = folder / f"{seed}-{half}.xml"
        report.unlink(missing_ok=True)
        options = ("-m", "not peers", f"--shuffle-seed={seed}", f"--half={half}", f"--junitxml={report}", *more)
        with (folder / f"{seed}-{half}.log").open("wb") as log:
            # Servers, keys and files of its own for each: see tests/settings.py.
            home = {"CARELANE_TEST_HOME": str(REPOSITORY / ".home" / "tests" / f"half{half}")}
            parts.append(
                (
                    subprocess.Popen(
                        pytest_command(*options),
                        cwd=REPOSITORY,
                        env={**os.environ, **home},
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    ),
                    report,
                )
            )
    found: dict[str, Any] = {"tests": 0, "failed": [], "skipped": []}
    try:
        for process, report in parts:
            code = process.wait()
            ran, failed, skipped = outcome_of(report) if report.exists() else (0, [], [])
            # 5: this half has no test, which happens when few files were asked for.
            if code not in (0, 5) and not failed:
                failed = [f"pytest ended with {code}, see {report.with_suffix('.log')}"]
            found["tests"] += ran
            found["failed"] += failed
            found["skipped"] += skipped
    finally:
        for process, _ in parts:
            process.terminate()
            process.wait()
    return {**found, "seconds": round(time.monotonic() - started)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.again", description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--load", type=int, default=5, help="how many of the runs have a load beside them")
    parser.add_argument("--seed", type=int, help="of the first run; otherwise drawn, and kept with the tally")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 2, help="how many the load keeps busy")
    parser.add_argument("pytest", nargs="*", help="words for pytest: files, or -k after --")
    chosen = parser.parse_args()
    # However it is ended, nothing that it started stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    tally = Tally("again", state_of(REPOSITORY))
    if chosen.seed is not None or "seed" not in tally.found:
        tally.note("seed", secrets.randbelow(1_000_000) if chosen.seed is None else chosen.seed)
    first = tally.found["seed"]
    print(f"Seeds {first} to {first + chosen.times - 1}; interrupted, it goes on where it was.", flush=True)
    rows, failures, skips = [], 0, set()
    for number in range(chosen.times):
        seed, beside = first + number, loaded(number, chosen.times, chosen.load)
        name = " ".join([f"seed {seed}", "load" if beside else "quiet", *chosen.pytest])
        if name not in tally.found:
            with busy(chosen.cores) if beside else contextlib.nullcontext():
                tally.note(name, run(seed, tally.file.parent, chosen.pytest))
        one = tally.found[name]
        rows.append([number + 1, seed, "yes" if beside else "no", one["seconds"], one["tests"], len(one["failed"])])
        failures += len(one["failed"])
        skips |= set(one["skipped"])
        print(f"  {name}: {one['tests']} tests, {len(one['failed'])} failed, {one['seconds']} s", flush=True)
        for test in one["failed"]:
            print(f"    {test}", flush=True)
    print(table(["run", "seed", "load", "seconds", "tests", "failed"], rows))
    print(f"Left out: lint (make lint), peers (make test-peers), full size of proofs (make proofs){_reasons(skips)}.")
    print(f"{failures} failures in {len(rows)} runs. What pytest said: {tally.file.parent}")
    return int(failures > 0)


def _reasons(skips: set[str]) -> str:
    return "".join(f"; {reason}" for reason in sorted(skips))


if __name__ == "__main__":
    sys.exit(main())
