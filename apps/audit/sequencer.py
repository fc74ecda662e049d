"""Numbering: one writer chains committed entries without gaps, and signs checkpoints outside the database.

Numbering inside each writing transaction would make all writers queue for one lock. Here the sequencer takes the
entries of transactions that every running transaction already sees as finished (below the snapshot's xmin), so no
earlier entry can appear later.

A database restored into another cluster counts its transactions anew, and its entries have numbers that this cluster
has not given yet (not below the snapshot's xmax). Nobody can still be writing those: they are finished, too.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.db import connections, transaction

from apps.audit import marks
from apps.core import clock

LOCK = 0x6361726501  # advisory lock of the sequencer
BATCH = 20_000
# Ids are given before commit, so an entry may appear behind later ones, but not this far behind.
REACH_BACK = 200_000


def number_entries(limit: int = 10) -> int:
    """Number what is committed, in up to ``limit`` batches; returns how many. A second sequencer does nothing."""
    numbered = 0
    for _ in range(limit):
        batch = _number_batch()
        numbered += batch
        if batch < BATCH:
            break
    return numbered


def _number_batch() -> int:
    alias = settings.AUDIT_WRITER
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT sequence, link FROM audit_auditchain ORDER BY sequence DESC LIMIT 1")
        last = cursor.fetchone()
        sequence, previous = (last[0], bytes(last[1])) if last else (0, marks.GENESIS)
        cursor.execute("SELECT coalesce(max(entry), 0) FROM audit_auditchain")
        floor = cursor.fetchone()[0] - REACH_BACK
        cursor.execute(
            """
            SELECT e.id, e.mac FROM audit_auditentry e
            WHERE e.id > %s
              AND (e.transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
                   OR e.transaction >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
              AND NOT EXISTS (SELECT 1 FROM audit_auditchain c WHERE c.entry = e.id)
            ORDER BY e.id LIMIT %s
            """,
            [floor, BATCH],
        )
        rows = cursor.fetchall()
        at = clock.now()
        with cursor.copy("COPY audit_auditchain (sequence, entry, at, link) FROM STDIN") as copy:
            for entry_id, entry_mac in rows:
                sequence += 1
                previous = marks.link(previous, sequence, entry_id, bytes(entry_mac))
                copy.write_row((sequence, entry_id, at, previous))
        return len(rows)


@dataclass(frozen=True)
class Checkpoint:
    """What was true at ``at``: the chain had ``sequence`` links and ended in ``link`` (hex)."""

    sequence: int
    link: str
    at: str


def sign_checkpoint(now: datetime | None = None) -> Checkpoint | None:
    """Append a signed checkpoint to the folder ``CARELANE_CHECKPOINTS``; None when nothing was numbered since."""
    with connections[settings.AUDIT_WRITER].cursor() as cursor:
        cursor.execute("SELECT sequence, link FROM audit_auditchain ORDER BY sequence DESC LIMIT 1")
        row = cursor.fetchone()
    known = last_checkpoint()
    if row is None or (known and known.sequence >= row[0]):
        return None
    at = now or clock.now()
    made = Checkpoint(sequence=row[0], link=bytes(row[1]).hex(), at=at.isoformat(timespec="seconds"))
    body = json.dumps(made.__dict__, sort_keys=True)
    line = json.dumps({"checkpoint": body, "signature": _private_key().sign(body.encode()).hex()})
    folder = Path(settings.CARELANE_CHECKPOINTS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{at:%Y-%m}.jsonl"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
    return made


def pin() -> None:
    """Number what is committed and sign it, as beat does every minute: where commands alone are used nobody else would,
    and a trail that is cut at its end could not be told from a shorter one.

    Says nothing when the folder of checkpoints belongs to somebody else, or when the trail is already cut.
    """
    number_entries(limit=1000)
    with contextlib.suppress(PermissionError):
        sign_checkpoint()


def checkpoints() -> list[Checkpoint]:
    """Every checkpoint whose signature is ours, oldest first. Raises ``ValueError`` for a forged or cut line.

    A tenth of a millisecond each, and there is one a minute: for the verifier. Pages ask ``last_checkpoint``.
    """
    return [
        _read(line, path, number) for path in _files() for number, line in enumerate(path.read_text().splitlines(), 1)
    ]


def last_checkpoint() -> Checkpoint | None:
    """The newest checkpoint, None when there is none. Raises ``ValueError`` when its line is forged or cut."""
    for path in reversed(_files()):
        if lines := path.read_text().splitlines():
            return _read(lines[-1], path, len(lines))
    return None


def _files() -> list[Path]:
    return sorted(Path(settings.CARELANE_CHECKPOINTS).glob("[0-9]*.jsonl"))


def _read(line: str, path: Path, number: int) -> Checkpoint:
    try:
        outer = json.loads(line)
        _private_key().public_key().verify(bytes.fromhex(outer["signature"]), outer["checkpoint"].encode())
        return Checkpoint(**json.loads(outer["checkpoint"]))
    except (ValueError, KeyError, TypeError, InvalidSignature):
        raise ValueError(f"Checkpoint {path.name} line {number} was altered.") from None


def _private_key() -> Ed25519PrivateKey:
    return _parsed((Path(settings.CARELANE_KEYS) / "checkpoint.pem").read_bytes())


@lru_cache(maxsize=1)
def _parsed(pem: bytes) -> Ed25519PrivateKey:
    loaded = load_pem_private_key(pem, None)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise ValueError("checkpoint.pem in the key folder is not an Ed25519 key.")
    return loaded
