"""``make proofs``: every test marked ``proof`` at full size, one after the other; goes on where it was interrupted.

A seed is drawn when the first proof of a commit starts, printed, and kept with the results; ``--seed`` chooses it.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path

from tests.tally import REPOSITORY, Tally, outcome_of, pytest_command, state_of, table

PASSED = "passed"


def names() -> list[str]:
    """The tests marked ``proof``: one name for all parameters of a test, in the order of their files."""
    told = subprocess.run(
        pytest_command("-m", "proof", "--collect-only", "-q", "--no-header"),
        cwd=REPOSITORY,
        env={**os.environ, "CARELANE_PROOF_SEED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise SystemExit(told.stdout + told.stderr)
    return list(dict.fromkeys(line.partition("[")[0] for line in told.stdout.splitlines() if "::" in line))


def prove(name: str, seed: int, folder: Path) -> dict[str, object]:
    """One proof in a process of its own; how it ended."""
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / "proof.xml"
    report.unlink(missing_ok=True)
    started = time.monotonic()
    with (folder / "proof.log").open("ab") as log:
        done = subprocess.run(
            pytest_command(name, "-m", "proof", f"--hypothesis-seed={seed}", f"--junitxml={report}"),
            cwd=REPOSITORY,
            env={**os.environ, "CARELANE_PROOF_SEED": str(seed)},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    ran, failed, skipped = outcome_of(report) if report.exists() else (0, [name], [])
    ended = "FAILED" if failed or done.returncode else f"left out: {skipped[0]}" if skipped and not ran else PASSED
    return {"ended": ended, "tests": ran, "seconds": round(time.monotonic() - started), "seed": seed}


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.proofs", description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--only", default="", help="proofs whose name has this in it")
    chosen = parser.parse_args()
    tally = Tally("proofs", state_of(REPOSITORY))
    if chosen.seed is not None or "seed" not in tally.found:
        tally.note("seed", secrets.randbelow(1 << 31) if chosen.seed is None else chosen.seed)
    seed, everything = tally.found["seed"], names()
    wanted = [name for name in everything if chosen.only in name]
    print(f"{len(wanted)} proofs at full size, seed {seed}; interrupted, they go on where they were.", flush=True)
    for name in wanted:
        known = tally.found.get(name, {})
        if known.get("ended") == PASSED and known.get("seed") == seed:
            continue
        print(f"  {name}", flush=True)
        tally.note(name, prove(name, seed, tally.file.parent))
    rows = [[tally.found[name][key] for key in ("ended", "tests", "seconds")] + [name] for name in wanted]
    print(table(["ended", "tests", "seconds", "proof"], rows))
    others = len(everything) - len(wanted)
    away = sum(str(row[0]).startswith("left out") for row in rows)
    print(f"Left out: {others} not chosen, {away} for the reason in their line; what is no proof runs in make test.")
    failed = any(row[0] == "FAILED" for row in rows)
    if failed:
        print(f"What they said: {tally.file.parent / 'proof.log'}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
