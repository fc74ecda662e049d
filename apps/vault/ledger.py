"""The erasure ledger: who was erased, by id, in a file outside the database and outside its backups.

A backup made before an erasure still holds the person. Restoring it replays this ledger, so that nobody comes back.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from django.conf import settings

NAME = "erasures.jsonl"


def path() -> Path:
    return Path(settings.CARELANE_CHECKPOINTS) / NAME


def add(person_id: int, at: datetime) -> None:
    """Note an erasure; on disk before this returns, so that the erasure may be committed after it."""
    target = path()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps({"person": person_id, "at": at.isoformat()}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def entries() -> list[int]:
    """Ids of everybody erased, oldest first. Raises ``ValueError`` for a damaged line."""
    if not path().exists():
        return []
    return [int(json.loads(line)["person"]) for line in path().read_text().splitlines() if line.strip()]
