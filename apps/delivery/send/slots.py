"""Leased slots with fencing numbers, and what happens to the messages of a worker that is gone."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import bulk, clock
from apps.core.actors import Actor

SLOTS = 8
LEASE = timedelta(seconds=60)


@dataclass(frozen=True)
class Lease:
    """A held slot. Everything its holder writes is checked against `fence`."""

    slot: int
    fence: int


class Fenced(Exception):
    """The slot was given to somebody else: this worker was too slow and must write nothing more."""


@transaction.atomic
def acquire() -> Lease | None:
    """A free slot, or None when all are held."""
    now = clock.now()
    worker = f"{socket.gethostname()[:40]}:{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO delivery_slot (number, worker, lease_until, fence)"
            " SELECT n, '', 'epoch', 0 FROM generate_series(1, %s) AS n ON CONFLICT DO NOTHING",
            [SLOTS],
        )
        cursor.execute(
            """
            UPDATE delivery_slot SET worker = %s, lease_until = %s, fence = fence + 1
            WHERE number = (
                SELECT number FROM delivery_slot WHERE lease_until < %s
                ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED
            ) RETURNING number, fence
            """,
            [worker, now + LEASE, now],
        )
        found = cursor.fetchone()
    return Lease(*found) if found else None


def renew(lease: Lease, now: datetime) -> None:
    """Hold the slot for another minute, in the caller's transaction. Raises `Fenced` when it is lost."""
    held = bulk.run(
        "UPDATE delivery_slot SET lease_until = %s::timestamptz WHERE number = %s::int2 AND fence = %s::int8"
        " RETURNING number",
        [now + LEASE, lease.slot, lease.fence],
    )
    if not held:
        raise Fenced


def release(lease: Lease) -> None:
    """Give the slot back at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_slot SET lease_until = 'epoch', worker = '' WHERE number = %s AND fence = %s",
            [lease.slot, lease.fence],
        )


@transaction.atomic
def recover(*, actor: Actor) -> tuple[int, int]:
    """Settle what dead workers left: (doubtful, queued again).

    Of each lane the lowest unanswered sequence may have reached the server, so a person decides about it; what
    stands behind it was never begun. The fence is raised first, which shuts out a worker that only seemed dead.
    """
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE delivery_slot SET fence = fence + 1 WHERE number IN (
                SELECT s.number FROM delivery_slot s
                WHERE s.lease_until < %s
                  AND EXISTS (SELECT 1 FROM delivery_attempt a WHERE a.slot = s.number AND a.fence = s.fence)
                FOR UPDATE SKIP LOCKED)
            """,
            [now],
        )
        cursor.execute(
            """
            WITH stale AS (
                SELECT a.message_id,
                       row_number() OVER (PARTITION BY a.slot, a.fence, a.lane ORDER BY a.sequence) AS place
                FROM delivery_attempt a JOIN delivery_slot s ON s.number = a.slot
                WHERE a.fence <> s.fence
            ), gone AS (
                DELETE FROM delivery_attempt a USING stale WHERE a.message_id = stale.message_id
                RETURNING a.message_id, stale.place
            ), doubtful AS (
                UPDATE delivery_outboxmessage m SET state = 'doubtful', reason = 'network', finished_at = %s
                FROM gone WHERE m.id = gone.message_id AND gone.place = 1 AND m.state = 'queued'
                RETURNING m.id, m.person_id
            ), again AS (
                INSERT INTO delivery_readymessage (message_id, stream, provider, kind, source_id, not_before)
                SELECT m.id, m.stream, 0, m.kind, m.source_id, %s
                FROM gone JOIN delivery_outboxmessage m ON m.id = gone.message_id
                WHERE gone.place > 1 AND m.state = 'queued'
                ON CONFLICT DO NOTHING RETURNING message_id
            )
            SELECT (SELECT array_agg(person_id) FROM doubtful WHERE person_id IS NOT NULL),
                   (SELECT count(*) FROM doubtful), (SELECT count(*) FROM again)
            """,
            [now, now],
        )
        people, doubtful, again = cursor.fetchone()
    if doubtful or again:
        record(
            actor=actor,
            action=Action.MESSAGE_RECOVER,
            kind="message",
            people=people or [],
            codes={"doubtful": doubtful, "queued": again},
        )
    return doubtful, again
