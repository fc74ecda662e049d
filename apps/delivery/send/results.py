"""Group commit: everything that was answered, in one transaction, before any of those lanes goes on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from apps.contacts.consent.services import suppress_many
from apps.contacts.timeline.services import NewEvent, events_record
from apps.core import bulk, clock
from apps.core.actors import Actor
from apps.core.bulk import copy_rows
from apps.delivery.models.outbox import EVIDENCE_PLACE, MessageKind
from apps.delivery.policy.retries import wait_before
from apps.delivery.send.batch import Done, Measure
from apps.delivery.send.preparing import seal_for
from apps.delivery.send.slots import Lease, renew
from apps.mail.mx import operator_of
from apps.mail.smtp_replies import Cause, Next

_PATIENTS_SEE = frozenset({MessageKind.CAMPAIGN.value, MessageKind.JOURNEY.value, MessageKind.REPLY.value})

_COLUMNS = {
    "id": "int8",
    "state": "text",
    "reason": "text",
    "route": "text",
    "tls_class": "int2",
    "level": "int2",
    "skeleton": "int8",
    "record": "bytea",
    "evidence": "bytea",
    "attempts": "int2",
    "finished": "timestamptz",
}
_COLUMN_LIST = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
_TABLE = f"CREATE TEMP TABLE IF NOT EXISTS new_result ({_COLUMN_LIST}) ON COMMIT DELETE ROWS"
_IS_THERE = "SELECT to_regclass('pg_temp.new_result') IS NOT NULL"
_GONE = "DELETE FROM delivery_attempt WHERE message_id = ANY(%s::int8[])"
# It empties the table as it reads it, for a second call in the same transaction.
_UPDATE = """
WITH gone AS (DELETE FROM delivery_attempt WHERE message_id = ANY(%s::int8[])),
     r AS (DELETE FROM new_result RETURNING *)
UPDATE delivery_outboxmessage m
SET state = r.state, reason = r.reason, route = r.route, tls_class = r.tls_class, level = r.level,
    skeleton_id = r.skeleton, record = r.record, evidence = r.evidence, attempts = r.attempts, finished_at = r.finished
FROM r WHERE m.id = r.id
"""


@transaction.atomic
def write(*, actor: Actor, lease: Lease, done: Sequence[Done], zone: ZoneInfo) -> Counter[str]:
    """Write how jobs ended; returns counts by state ("retried" and "returned" besides the final ones).

    `zone` is the clinic's: it says which day the timeline shows.

    Raises `Fenced` when the slot was given to somebody else: then nothing is written.
    """
    now = clock.now()
    renew(lease, now)
    counts: Counter[str] = Counter()
    updates: list[tuple[Any, ...]] = []
    again: list[tuple[Any, ...]] = []
    finished: list[tuple[Done, str]] = []
    for item in done:
        if item.outcome is None:
            counts["returned"] += 1
            again.append(_ready_row(item, now))
            continue
        state, reason, wait = _verdict(item)
        attempts = item.job.attempts + 1
        if wait is not None:
            again.append(_ready_row(item, now + wait))
            counts["retried"] += 1
        else:
            counts[state] += 1
            finished.append((item, state))
        updates.append(_update_row(item, state, reason, attempts, now))
    ids = [item.job.id for item in done]
    if updates:
        if not bulk.run(_IS_THERE)[0][0]:
            bulk.run(_TABLE, planned_once=False)
        copy_rows(f"new_result ({', '.join(_COLUMNS)})", list(_COLUMNS.values()), updates)
        bulk.run(_UPDATE, [ids])
    else:
        bulk.run(_GONE, [ids])
    copy_rows(
        "delivery_readymessage (message_id, stream, provider, kind, source_id, not_before)",
        ["int8", "text", "int8", "text", "int8", "timestamptz"],
        again,
    )
    _suppress(actor, finished)
    _tell_timeline(actor, finished, now.astimezone(zone).date())
    return counts


@transaction.atomic
def write_measures(measures: Iterable[Measure]) -> None:
    """Remember how mail servers were found; the plan of the next campaign uses it."""
    now = clock.now()
    rows = sorted((m.domain, _operator(m), m.host.name, int(m.tls), m.fault[:200], now) for m in measures)
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO delivery_maildomain (domain, operator, mx, tls_class, fault, measured_at)
            VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (domain) DO UPDATE SET operator = excluded.operator, mx = excluded.mx,
                tls_class = excluded.tls_class, fault = excluded.fault, measured_at = excluded.measured_at
            """,
            rows,
        )


def _operator(measure: Measure) -> str:
    return operator_of(measure.host.name)


def _verdict(item: Done) -> tuple[str, str, timedelta | None]:
    """(state, reason, wait before the next attempt or None)."""
    outcome = item.outcome
    assert outcome is not None
    attempts = item.job.attempts + 1
    match outcome.next:
        case Next.SENT:
            return "sent", "", None
        case Next.DOUBTFUL:
            return "doubtful", outcome.cause.value, None
        case Next.GIVE_UP:
            return "bounced" if outcome.cause is Cause.HARD else "failed", outcome.cause.value, None
    if item.weak and attempts <= 3:
        # The policy decides again at once, with what the connection showed.
        return "queued", "", timedelta(0)
    wait = wait_before(outcome, attempts)
    if wait is None:
        return "failed", outcome.cause.value, None
    return "queued", "", wait


def _ready_row(item: Done, at: datetime) -> tuple[Any, ...]:
    job = item.job
    return (job.id, job.stream, 0, job.kind, job.source_id, at)


def _update_row(item: Done, state: str, reason: str, attempts: int, now: datetime) -> tuple[Any, ...]:
    job = item.job
    over = state != "queued"
    evidence = {"attempts": [*job.earlier, {"at": now.isoformat(), **item.evidence}][-30:]}
    return (
        job.id,
        state,
        reason,
        job.route.value if over else "",
        item.evidence.get("tls", {}).get("tls_class") if state == "sent" else None,
        job.level,
        job.skeleton_id,
        # What was put together for an attempt that carried nothing is not what will be sent.
        job.record if over else None,
        seal_for(job.record_key, evidence, EVIDENCE_PLACE, job.id),
        attempts,
        now if over else None,
    )


def _suppress(actor: Actor, finished: Sequence[tuple[Done, str]]) -> None:
    """Mailboxes that do not exist get no more mail."""
    dead = [item.job for item, _ in finished if item.outcome is not None and item.outcome.suppresses]
    if dead:
        suppress_many(
            actor=actor,
            mailboxes={job.mailbox for job in dead},
            scope="all",
            reason="hard_bounce",
            source="delivery",
            people=sorted({job.person_id for job in dead if job.person_id is not None}),
        )


def _tell_timeline(actor: Actor, finished: Sequence[tuple[Done, str]], today: date) -> None:
    events, keys = [], {}
    for item, state in finished:
        job = item.job
        if job.person_id is None or job.profile_key is None or job.kind not in _PATIENTS_SEE:
            continue
        word = {"sent": "message.sent", "bounced": "message.bounced"}.get(state)
        if word is None:
            continue
        keys[job.person_id] = job.profile_key
        facts = {"message": job.id, "message_kind": job.kind, "route": job.route.value, job.kind: job.source_id}
        events.append(
            NewEvent(
                job.person_id,
                word,
                today,
                f"message:{job.id}:{state}",
                facts,
                (f"{word}:{job.kind}:{job.source_id}",) if job.source_id is not None else (),
            )
        )
    events_record(actor=actor, events=events, profile_keys=keys, action=None, likely_new=True)
