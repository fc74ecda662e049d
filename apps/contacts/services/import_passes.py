"""The work of an import: the dry run, and the import itself, chunk by chunk.

A pass reads the files in order. Each chunk is one transaction that writes the people, the counters and the place
reached; a crash loses nothing and repeats nothing. Whoever works holds a lease on the job; a lost worker's lease
ends, and the beat sweep rings for the next one. A dry run starts over after a crash: it has written nothing.
"""

from __future__ import annotations

import logging
import os
import secrets
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from apps.contacts import attributes
from apps.contacts.importing import appointments, people, synthea
from apps.contacts.importing.diff import ShiftGuard
from apps.contacts.importing.mapping import BadMapping, ColumnMapping
from apps.contacts.importing.rows import AppointmentRow, EventRow, PersonRow, Rejection, Row
from apps.contacts.importing.sources import Unreadable
from apps.contacts.models import ImportJob
from apps.contacts.services import imports
from apps.contacts.services.guardians import guardians_link
from apps.contacts.services.import_writes import (
    Outcome,
    PersonCache,
    appointment_rows,
    event_rows,
    people_rows,
)
from apps.core import clock
from apps.core.errors import Refused
from apps.organizations import selectors as organizations
from apps.vault.sealing import SealBroken

State, JobKind = ImportJob.State, ImportJob.JobKind
CHUNK = 2_000
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 3
MAX_REASONS = 200
_log = logging.getLogger(__name__)


class _Lost(Exception):
    """Another worker has the job, or it was stopped elsewhere."""


@dataclass
class _Pass:
    """What one pass carries from chunk to chunk, beside the job's own row."""

    job: ImportJob
    data: dict[str, Any]
    worker: str
    write: bool
    mapping: ColumnMapping | None = None
    guard: ShiftGuard = field(default_factory=ShiftGuard)
    cache: PersonCache = field(default_factory=PersonCache)
    guardians: list[tuple[str, str]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


def work(job_id: int) -> bool:
    """Work on a job until it is finished, stopped or taken by another; whether it was ours at all.

    An unexpected error leaves the job to the next attempt, and after three marks it as failed.
    """
    worker = f"{os.getpid()}-{secrets.token_hex(4)}"
    now = clock.now()
    ours = ImportJob.objects.filter(
        Q(lease_until=None) | Q(lease_until__lt=now), pk=job_id, state__in=[State.CHECKING, State.RUNNING]
    ).update(lease_until=now + LEASE, worker=worker, attempts=F("attempts") + 1)
    if not ours:
        return False
    job = ImportJob.objects.get(pk=job_id)
    if job.attempts > MAX_ATTEMPTS:
        _finish(job_id, worker, State.FAILED, "Importing failed three times. The log says where; nothing is half done.")
        return True
    try:
        _run(job, worker)
    except _Lost:
        pass
    except (Unreadable, BadMapping, Refused) as error:
        _finish(job_id, worker, State.FAILED, str(error))
    except SealBroken:
        sentence = "A kept file is damaged or its key is gone. Upload it again."
        _finish(job_id, worker, State.FAILED, sentence)
    except Exception as error:  # noqa: BLE001 - its text may quote a row, so only its type and place are logged
        place = "".join(traceback.format_tb(error.__traceback__))
        _log.error("Import %s broke off with %s; it will be tried again.\n%s", job_id, type(error).__name__, place)
        # Given back for the next attempt: the sweep rings again.
        ImportJob.objects.filter(pk=job_id, worker=worker).update(lease_until=None)
    return True


def due(now: Any) -> list[int]:
    """Jobs under way that nobody holds."""
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    return list(ImportJob.objects.filter(free, state__in=[State.CHECKING, State.RUNNING]).values_list("pk", flat=True))


def _run(job: ImportJob, worker: str) -> None:
    data = job.opened()
    run = _Pass(job, data, worker, write=job.state == State.RUNNING)
    if job.kind == JobKind.LIST:
        run.mapping = imports.checked_mapping(data)
    if job.kind == JobKind.APPOINTMENTS:
        run.sources = imports.known_sources()
    if not run.write and job.done:
        _start_over(run)
    waiting: list[Row] = []
    chunk_of: dict[str, Any] = {}
    at = 0
    for item, row in _rows(run):
        at += 1
        if isinstance(row, PersonRow) and row.guardian:
            run.guardians.append((row.key, row.guardian))
        if at <= run.job.done:
            continue
        if waiting and (len(waiting) >= CHUNK or item is not chunk_of):
            _chunk(run, chunk_of, waiting)
            waiting = []
        chunk_of = item
        waiting.append(row)
    if waiting:
        _chunk(run, chunk_of, waiting)
    _end(run)


def _start_over(run: _Pass) -> None:
    job = run.job
    job.rejections.all().delete()
    job.done = job.new = job.changed = job.unchanged = job.rejected = 0
    for name in ("tables", "reasons", "held"):
        run.data.pop(name, None)
    job.reseal(run.data)
    job.save()


def _rows(run: _Pass) -> Iterator[tuple[dict[str, Any], Row]]:
    """Every row of the used files with its file, always in the same order."""
    organization = organizations.current()
    # A job that runs over midnight, or is resumed, must judge dates as it did before.
    today = (run.job.started_at or clock.now()).astimezone(organization.timezone).date()
    for item in run.data["files"]:
        if not item["used"]:
            continue
        table = imports.table_of(item)
        if run.job.kind == JobKind.SYNTHEA:
            rows = synthea.read(table, item["table"], today=today, invent_addresses=run.data["invent"])
        elif run.job.kind == JobKind.LIST:
            assert run.mapping is not None
            rows = people.read(table, run.mapping, today=today, attributes=attributes.types())
        else:
            rows = appointments.read(table, default_zone=organization.zone)
        for row in rows:
            yield item, row


def _chunk(run: _Pass, item: dict[str, Any], rows: list[Row]) -> None:
    """One chunk in one transaction. Raises ``_Lost`` when the job is not ours any more or was stopped."""
    with transaction.atomic():
        job = ImportJob.objects.select_for_update().get(pk=run.job.pk)
        if job.worker != run.worker or not job.under_way:
            raise _Lost
        run.job = job
        if job.stop:
            imports._to(job, State.CANCELLED, run.data)
            job.finished_at, job.lease_until = clock.now(), None
            job.save(update_fields=["finished_at", "lease_until"])
        else:
            outcome = _write(run, rows)
            rejections = [row for row in rows if isinstance(row, Rejection)] + outcome.rejections
            _count(run, item, outcome, rejections)
            job.done += len(rows)
            job.lease_until = clock.now() + LEASE
            job.attempts = 1
            job.reseal(run.data)
            job.save()
    if run.job.stop:
        raise _Lost


def _write(run: _Pass, rows: list[Row]) -> Outcome:
    job = run.job
    total = Outcome()
    persons = [row for row in rows if isinstance(row, PersonRow)]
    events = [row for row in rows if isinstance(row, EventRow)]
    visits = [row for row in rows if isinstance(row, AppointmentRow)]
    parts = []
    if persons:
        match_on, source, mode = "external_id", synthea.SOURCE, "update"
        if run.mapping is not None:
            match_on, source, mode = run.mapping.match_on, run.mapping.source, run.mapping.mode
        parts.append(
            people_rows(
                actor=job.actor,
                rows=persons,
                match_on=match_on,
                source=source,
                mode=mode,
                write=run.write,
                guard=run.guard,
                cache=run.cache,
                subject=job.pk,
            )
        )
    if events:
        parts.append(
            event_rows(
                actor=job.actor,
                rows=events,
                source=synthea.SOURCE,
                cache=run.cache,
                write=run.write,
                subject=job.pk,
            )
        )
    if visits:
        parts.append(
            appointment_rows(
                actor=job.actor,
                rows=visits,
                sources=run.sources,
                cache=run.cache,
                write=run.write,
                subject=job.pk,
            )
        )
    for part in parts:
        total.new += part.new
        total.changed += part.changed
        total.unchanged += part.unchanged
        total.held += part.held
        total.rejections += part.rejections
    return total


def _count(run: _Pass, item: dict[str, Any], outcome: Outcome, rejections: list[Rejection]) -> None:
    job, data = run.job, run.data
    job.new += outcome.new
    job.changed += outcome.changed
    job.unchanged += outcome.unchanged
    job.rejected += len(rejections)
    table = data.setdefault("tables", {}).setdefault(
        item["table"], {"new": 0, "changed": 0, "unchanged": 0, "rejected": 0}
    )
    table["new"] += outcome.new
    table["changed"] += outcome.changed
    table["unchanged"] += outcome.unchanged
    table["rejected"] += len(rejections)
    if outcome.held:
        data["held"] = data.get("held", 0) + outcome.held
    if rejections:
        reasons = data.setdefault("reasons", {})
        for rejection in rejections:
            reason = rejection.reason
            if reason not in reasons and len(reasons) >= MAX_REASONS:
                reason = "other reasons"
            reasons[reason] = reasons.get(reason, 0) + 1
        rejections.sort(key=lambda rejection: rejection.line)
        imports.add_rejections(
            job,
            [
                {"file": item["name"], "line": row.line, "reason": row.reason, "cells": list(row.cells)}
                for row in rejections
            ],
        )


def _end(run: _Pass) -> None:
    """The last step: guardians, and the verdict of the dry run."""
    _guardians(run)
    if not run.write:
        run.data["suspects"] = run.guard.suspects
        if run.guard.tripped:
            _finish(run.job.pk, run.worker, State.REFUSED, run.guard.sentence(), run.data)
        else:
            _finish(run.job.pk, run.worker, State.CHECKED, "", run.data)
        return
    _finish(run.job.pk, run.worker, State.DONE, "", run.data)


def _guardians(run: _Pass) -> None:
    if not run.guardians or run.mapping is None:
        return
    for start in range(0, len(run.guardians), CHUNK):
        with transaction.atomic():
            _, held = guardians_link(
                actor=run.job.actor,
                pairs=run.guardians[start : start + CHUNK],
                match_on=run.mapping.match_on,
                source=run.mapping.source,
                write=run.write,
                subject=run.job.pk,
            )
            if held:
                run.data["held"] = run.data.get("held", 0) + held


@transaction.atomic
def _finish(job_id: int, worker: str, state: str, problem: str, data: dict[str, Any] | None = None) -> None:
    job = ImportJob.objects.select_for_update().get(pk=job_id)
    if job.worker != worker or not job.under_way:
        return
    data = job.opened() if data is None else data
    data["problem"] = problem
    job.finished_at, job.lease_until = clock.now(), None
    imports._to(job, state, data)
