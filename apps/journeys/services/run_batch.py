"""Runs in memory and their bulk writes. Used by the tick, the intake and staff's single acts alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from apps.core.bulk import copy_rows, next_ids
from apps.journeys.engine import Decision, State
from apps.journeys.models import JourneyRun


@dataclass(slots=True)
class BatchRun:
    """One run on its way through a tick. ``fresh``: not in the table yet."""

    id: int
    journey: int
    version: int
    person: int
    key: bytes
    subject: int | None
    round: int = 1
    step: str | None = None
    due_at: datetime | None = None
    sent: list[str] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    fresh: bool = False

    def restart(self, version: int) -> None:
        """Begin the next round, in the version that is active now."""
        self.round += 1
        self.version = version
        self.step, self.due_at = None, None
        self.sent, self.signals = [], []


RUN_COLUMNS = (
    "id, journey_id, version_id, person_id, key, subject, state, step, due_at, reason, round, sent, signals, tries,"
    " entered_at, changed_at"
)
RUN_TYPES = ["int8", "int8", "int8", "int8", "bytea", "int8", "text", "text", "timestamptz", "text", "int4"]
RUN_TYPES += ["varchar[]", "varchar[]", "int2", "timestamptz", "timestamptz"]
# The next states of one chunk, by COPY: a temporary table of this connection, empty after every transaction.
MOVED_COLUMNS = "id, version, state, step, due, reason, round, sent, signals"
MOVED_TYPES = ["int8", "int8", "text", "text", "timestamptz", "text", "int4", "varchar[]", "varchar[]"]
MOVED_TABLE = (
    "CREATE TEMP TABLE IF NOT EXISTS moved_run (id int8, version int8, state text, step text, due timestamptz,"
    " reason text, round int4, sent varchar[], signals varchar[]) ON COMMIT DELETE ROWS; DELETE FROM moved_run"
)
COLUMNS = "id, journey_id, version_id, person_id, key, subject, round, step, due_at, sent, signals"


def from_row(row: Sequence) -> BatchRun:
    """The run of a row selected by ``COLUMNS``."""
    run, journey, version, person, key, subject, turn, step, due, sent, signals = row
    return BatchRun(run, journey, version, person, bytes(key), subject, turn, step, due, list(sent), list(signals))


def of(run: JourneyRun) -> BatchRun:
    """The run of a row."""
    return BatchRun(
        run.pk,
        run.journey_id,
        run.version_id,
        run.person_id,
        bytes(run.key),
        run.subject,
        run.round,
        run.step,
        run.due_at,
        list(run.sent),
        list(run.signals),
    )


def claim_due(now: datetime, limit: int, journeys: Sequence[int]) -> list[BatchRun]:
    """Due runs of active journeys, locked until the transaction ends; those another worker holds are skipped."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM journeys_journeyrun"  # noqa: S608 - fixed column names
            " WHERE state = 'waiting' AND due_at <= %s AND journey_id = ANY(%s)"
            " ORDER BY due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED",
            [now, list(journeys), limit],
        )
        return [from_row(row) for row in cursor.fetchall()]


def claim(run: int, *, due: datetime | None = None) -> list[BatchRun]:
    """One waiting run by its number, locked; with ``due``, only if it is due by then."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM journeys_journeyrun"  # noqa: S608 - fixed column names
            " WHERE id = %s AND state = 'waiting' AND (%s::timestamptz IS NULL OR due_at <= %s)"
            " FOR NO KEY UPDATE",
            [run, due, due],
        )
        return [from_row(row) for row in cursor.fetchall()]


def new_ids(count: int) -> list[int]:
    """Numbers for runs that are to be inserted with their first decision."""
    return next_ids("journeys_journeyrun", count)


def store(runs: Iterable[tuple[BatchRun, Decision]], now: datetime) -> dict[tuple[int, str], int]:
    """Write next states, visits and counts: a fixed number of statements for any number of runs.

    Returns the numbers of the visits with effects, by (run, step).

    A visit that exists already breaks the unique constraint and with it the whole transaction: better no step than
    a step twice.
    """
    changed = [(run, decision) for run, decision in runs if decision.changed or run.fresh]
    if not changed:
        return {}
    fresh = [pair for pair in changed if pair[0].fresh]
    old = [pair for pair in changed if not pair[0].fresh]
    with connection.cursor() as cursor:
        if fresh:
            copy_rows(f"journeys_journeyrun ({RUN_COLUMNS})", RUN_TYPES, [_row(*pair, now) for pair in fresh])
        if old:
            cursor.execute(MOVED_TABLE)
            copy_rows(f"moved_run ({MOVED_COLUMNS})", MOVED_TYPES, [_moved(*pair) for pair in old])
            cursor.execute(
                """
                UPDATE journeys_journeyrun AS r
                SET version_id = d.version, state = d.state, step = d.step, due_at = d.due, reason = d.reason,
                    round = d.round, sent = d.sent, signals = d.signals, changed_at = %s
                FROM moved_run d WHERE r.id = d.id
                """,
                [now],
            )
        acting = _store_visits(changed, now)
        _store_counts(cursor, changed)
    return acting


def _moved(run: BatchRun, decision: Decision) -> tuple[Any, ...]:
    """The next state of a run that is in the table, as ``MOVED_COLUMNS``."""
    return (
        run.id,
        run.version,
        decision.state.value,
        decision.step,
        decision.due_at,
        decision.reason,
        run.round,
        [*run.sent, *decision.sends],
        run.signals,
    )


def _row(run: BatchRun, decision: Decision, now: datetime) -> tuple[Any, ...]:
    """A new run as ``RUN_COLUMNS``."""
    return (
        run.id,
        run.journey,
        run.version,
        run.person,
        run.key,
        run.subject,
        decision.state.value,
        decision.step,
        decision.due_at,
        decision.reason,
        run.round,
        [*run.sent, *decision.sends],
        run.signals,
        0,
        now,
        now,
    )


def _store_visits(changed: Sequence[tuple[BatchRun, Decision]], now: datetime) -> dict[tuple[int, str], int]:
    visits = [(run, visit) for run, decision in changed for visit in decision.visits]
    numbers = next_ids("journeys_journeystepvisit", len(visits)) if visits else []
    rows, acting = [], {}
    for number, (run, visit) in zip(numbers, visits, strict=True):
        rows.append((number, run.id, visit.step, run.round, visit.outcome, visit.reason, now))
        if visit.effects:
            acting[run.id, visit.step] = number
    copy_rows(
        "journeys_journeystepvisit (id, run_id, step, round, outcome, reason, at)",
        ["int8", "int8", "text", "int4", "text", "text", "timestamptz"],
        rows,
    )
    return acting


def _store_counts(cursor: Any, changed: Sequence[tuple[BatchRun, Decision]]) -> None:
    counts: Counter[tuple[int, str, str, str]] = Counter()
    for run, decision in changed:
        for visit in decision.visits:
            counts[run.journey, visit.step, visit.outcome, visit.reason] += 1
        if run.fresh:
            counts[run.journey, "", "entered", ""] += 1
        if decision.state is not State.WAITING:
            counts[run.journey, "", decision.state.value, decision.reason] += 1
    if not counts:
        return
    # Sorted, so that two workers lock the same rows in the same order.
    rows = sorted(counts.items())
    cursor.execute(
        """
        INSERT INTO journeys_journeycount (journey_id, step, outcome, reason, count)
        SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[])
        ON CONFLICT (journey_id, step, outcome, reason)
        DO UPDATE SET count = journeys_journeycount.count + excluded.count
        """,
        [
            [key[0] for key, _ in rows],
            [key[1] for key, _ in rows],
            [key[2] for key, _ in rows],
            [key[3] for key, _ in rows],
            [count for _, count in rows],
        ],
    )
