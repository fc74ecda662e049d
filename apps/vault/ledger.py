"""The ledgers: who was erased and who wants no mail, by ids and keyed tokens, in files outside the database.

A backup made before an erasure still holds the person, and one made before a withdrawal still holds the consent.
Restoring it replays these files, so that nobody comes back and nobody is written to again.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

NAME = "erasures.jsonl"
OPT_OUTS = "optouts.jsonl"
log = logging.getLogger(__name__)


def path() -> Path:
    return Path(settings.CARELANE_CHECKPOINTS) / NAME


def add(person_id: int, at: datetime) -> None:
    """Note an erasure; on disk before this returns, so that the erasure may be committed after it."""
    _append(path(), [{"person": person_id, "at": at.isoformat()}])


def add_many(people: Sequence[int], at: datetime) -> None:
    """Note erasures together; on disk before this returns."""
    _append(path(), [{"person": person, "at": at.isoformat()} for person in people])


def _append(target: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(target, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


def entries() -> list[int]:
    """Ids of everybody erased, oldest first. Raises ``ValueError`` for a damaged line."""
    if not path().exists():
        return []
    return [int(json.loads(line)["person"]) for line in path().read_text().splitlines() if line.strip()]


def opt_outs_add(lines: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Note committed opt-outs, and what took one back. A disk that fails is logged: nobody's "no" waits for it.

    A line holds ``mailbox`` (hex of a keyed token), ``scope`` and ``reason`` ("" when lifted), or ``person``,
    ``purpose`` and ``state``: nothing that the database does not hold in plain.
    """
    try:
        _append(Path(settings.CARELANE_CHECKPOINTS) / OPT_OUTS, [{**line, "at": at.isoformat()} for line in lines])
    except OSError as error:
        log.error("The ledger of opt-outs could not be written: %s", type(error).__name__)


def opt_outs(since: datetime) -> list[dict[str, Any]]:
    """What was noted at ``since`` or later, oldest first. A line that a power cut left in part is left out."""
    place = Path(settings.CARELANE_CHECKPOINTS) / OPT_OUTS
    found = []
    for line in place.read_text().splitlines() if place.exists() else []:
        try:
            item = json.loads(line)
            if datetime.fromisoformat(item["at"]) >= since:
                found.append(item)
        except (ValueError, KeyError, TypeError):
            log.error("A line of the ledger of opt-outs cannot be read.")
    return found
