"""What long runs remember between two starts: one file per state of the checkout, below ``.home``.

A run that was interrupted goes on where it was as long as nothing changed; after a change it begins anew.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

REPOSITORY = Path(__file__).resolve().parents[1]


def state_of(checkout: Path) -> str:
    """The commit, with a hash of what differs from it; ``""`` where git knows nothing about the checkout."""

    def git(*words: str) -> bytes:
        return subprocess.run(["git", "-C", str(checkout), *words], capture_output=True, check=True).stdout

    try:
        commit = git("rev-parse", "--short=12", "HEAD").decode().strip()
        different = git("diff", "HEAD")
        for name in git("ls-files", "--others", "--exclude-standard", "-z").split(b"\0")[:-1]:
            different += name + (checkout / name.decode()).read_bytes()
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{commit}-{hashlib.sha256(different).hexdigest()[:8]}" if different else commit


class Tally:
    """Results by name, written down after each."""

    def __init__(self, kind: str, state: str, *, home: Path = REPOSITORY / ".home") -> None:
        self.state = state
        self.file = home / kind / f"{state or 'unknown'}.json"
        # Without git nobody can say whether it is still the same product.
        kept = state and self.file.exists()
        self.found: dict[str, Any] = json.loads(self.file.read_text()) if kept else {}

    def note(self, name: str, result: Any) -> None:
        """Write a result down at once: whatever interrupts the next one, this one stays."""
        self.found[name] = result
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.found, indent=1))
        new.replace(self.file)


def pytest_command(*words: str) -> list[str]:
    """pytest of this environment."""
    return [sys.executable, "-m", "pytest", *words]


def outcome_of(report: Path) -> tuple[int, list[str], list[str]]:
    """Tests that ran, those that failed, and why others were skipped: from a JUnit report."""
    ran, failed, skipped = 0, [], []
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        skip = case.find("skipped")
        if skip is not None:
            skipped.append(str(skip.get("message")))
            continue
        ran += 1
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(name)
    return ran, failed, skipped


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; the last one as it is."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head) - 1)]
    return "\n".join("  ".join([*map(str.ljust, row, widths), row[-1]]).rstrip() for row in cells)
