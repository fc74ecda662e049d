"""The work of an import: the dry run, and the import itself, chunk by chunk.

A pass reads the files in order. Each chunk is one transaction that writes the people, the counters and the place
reached; a crash loses nothing and repeats nothing. Whoever works holds a lease on the job; a lost worker's lease
ends, and the schedule wakes the next one. A dry run starts over after a crash: it has written nothing.
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection, transaction

from apps.contacts.attributes import definitions as attributes
from apps.contacts.merging.services.finding import search_of
from apps.contacts.tags.names import split
from apps.core import clock
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.imports.column_mapping import BadMapping, ColumnMapping
from apps.imports.diff import ShiftGuard
from apps.imports.events.mapping import EventMapping
from apps.imports.events.reader import read as read_events
from apps.imports.models import ImportJob
from apps.imports.prepared_rows import Line, Prepared, Recipe
from apps.imports.readers import appointments, people, synthea
from apps.imports.readers.rows import AppointmentRow, EventRow, Rejection, Row
from apps.imports.readers.tables import Unreadable
from apps.imports.services import jobs
from apps.imports.services.done import note_done
from apps.imports.services.guardians import guardians_link
from apps.imports.services.people import PeopleChunk, fresh_ids, people_chunk
from apps.imports.services.tagging import ensure_room
from apps.imports.services.unread import unread_add
from apps.imports.services.writes import PersonCache, WriteOutcome, appointment_rows, event_rows
from apps.imports.worker_processes import InProcess, Preparer, WorkerProcesses, WorkerProcessLost
from apps.jobs.runner import Lost, Runner
from apps.organizations import selectors as organizations
from apps.vault.sealing import SealBroken

State, JobKind = ImportJob.State, ImportJob.JobKind
CHUNK = 5_000
WORKER_PROCESSES_FROM = 20_000
"""Rows of people from which on worker processes are worth their start."""
MAX_REASONS = 200
CHANNEL = "carelane_import"
"""Told when a worker lets go of an import, finished or not; see ``core.notify``."""
_log = logging.getLogger(__name__)


Rows = list[Row] | PeopleChunk
Read = TypeVar("Read")


@dataclass
class _Pass:
    """What one pass carries from chunk to chunk, beside the job's own row."""

    job: ImportJob
    data: dict[str, Any]
    worker: str
    write: bool
    mapping: ColumnMapping | None = None
    events: EventMapping | None = None
    guard: ShiftGuard = field(default_factory=ShiftGuard)
    cache: PersonCache = field(default_factory=PersonCache)
    guardians: list[tuple[str, str]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    mostly_new: bool = False
    start: int = 0
    at: int = 0


def _run(job: ImportJob, worker: str) -> None:
    data = job.opened()
    run = _Pass(job, data, worker, write=job.state == State.RUNNING)
    if job.kind == JobKind.LIST:
        run.mapping = jobs.checked_mapping(data)
    if job.kind == JobKind.EVENTS:
        run.events = jobs.checked_events(data)
    if job.kind == JobKind.APPOINTMENTS:
        run.sources = jobs.known_sources()
    if not run.write and job.done:
        _start_over(run)
    run.start = run.job.done
    # What the check found says whether to prepare people as new ones; each chunk corrects it.
    check = data.get("check") or {}
    run.mostly_new = run.write and 2 * check.get("new", 0) >= check.get("read", 0)
    with contextlib.closing(_preparer(run)) as preparer:
        for item, rows in _chunks(run, preparer):
            _chunk(run, item, rows)
    _end(run)


def _preparer(run: _Pass) -> Preparer:
    """Choose who prepares the chunks: worker processes when there is enough to do, else this process."""
    rows = sum(item["rows"] for item in run.data["files"] if item["used"] and _is_people(run, item))
    if settings.IMPORT_HELPERS < 1 or rows - run.job.done < WORKER_PROCESSES_FROM:
        return InProcess()
    try:
        return WorkerProcesses(settings.IMPORT_HELPERS, keys=str(settings.CARELANE_KEYS), home=str(settings.BASE_DIR))
    except WorkerProcessLost as error:
        _log.warning("Import %s is prepared in one process: %s", run.job.pk, error)
        return InProcess()


def _start_over(run: _Pass) -> None:
    job = run.job
    job.rejections.all().delete()
    job.done = job.new = job.changed = job.unchanged = job.rejected = 0
    for name in jobs.OF_A_PASS:
        run.data.pop(name, None)
    job.reseal(run.data)
    job.save()


def _is_people(run: _Pass, item: dict[str, Any]) -> bool:
    return run.job.kind == JobKind.LIST or (run.job.kind == JobKind.SYNTHEA and item["table"] == "patients")


def _today(run: _Pass) -> date:
    # A job that runs over midnight, or is resumed, must judge dates as it did before.
    return (run.job.started_at or clock.now()).astimezone(organizations.current().timezone).date()


def _chunks(run: _Pass, preparer: Preparer) -> Iterator[tuple[dict[str, Any], Rows]]:
    """Every row of the used files that is still to be worked on, with its file, always in the same order."""
    today = _today(run)
    for item in run.data["files"]:
        if not item["used"]:
            continue
        if _is_people(run, item):
            chunks: Iterator[Rows] = _people(run, preparer, item, today)
        else:
            chunks = _others(run, item, today)
        for rows in chunks:
            yield item, rows


def _others(run: _Pass, item: dict[str, Any], today: date) -> Iterator[list[Row]]:
    table = jobs.table_of(item)
    if run.job.kind == JobKind.SYNTHEA:
        found = synthea.read(table, item["table"], today=today)
    elif run.events is not None:
        found = read_events(table, run.events, today=today)
    else:
        found = appointments.read(table, default_zone=organizations.current().zone)
    for rows, behind in _batches(run, found):
        if not behind:
            yield rows


def _people(run: _Pass, preparer: Preparer, item: dict[str, Any], today: date) -> Iterator[PeopleChunk]:
    """Chunks of people, prepared some ahead of the one that is being written."""
    table = jobs.table_of(item)
    recipe = Recipe(
        table.headers,
        today,
        run.mapping,
        attributes.types() if run.mapping else {},
        run.data["invent"],
        attributes.choices() if run.mapping else {},
        attributes.catalog().own,
        organizations.current().timezone.key,
    )
    seen: set[str] = set()
    waiting: deque[tuple[Recipe, list[Line], bool, Future[Prepared]]] = deque()

    def first() -> Iterator[PeopleChunk]:
        nonlocal recipe
        by, lines, behind, answer = waiting.popleft()
        chunk = _noted(run, PeopleChunk(answer.result(), lines, by.reader(), own=by.own), seen)
        if not behind:
            yield chunk
        if chunk.own is not by.own:
            # A definition changed meanwhile: what is asked for from now on is keyed by the new one.
            recipe = replace(recipe, own=chunk.own)

    for lines, behind in _batches(run, table.rows()):
        # Rows behind us are read once more, for the keys and guardians that stand in them.
        fresh = fresh_ids(len(lines), len(lines) * recipe.consents) if run.mostly_new and not behind else None
        waiting.append((recipe, lines, behind, preparer.ask(recipe, lines, fresh)))
        if len(waiting) > preparer.ahead:
            yield from first()
    while waiting:
        yield from first()


def _noted(run: _Pass, chunk: PeopleChunk, seen: set[str]) -> PeopleChunk:
    """The chunk, its repeated keys found and its guardians remembered."""
    made = chunk.made
    repeats = set()
    for key, guardian, place in zip(made.keys, made.guardians, made.places, strict=True):
        if run.mapping is not None and people.repeated(seen, key):
            repeats.add(place)
        elif guardian:
            run.guardians.append((key, guardian))
    chunk.repeats = repeats
    return chunk


def _batches(run: _Pass, rows: Iterable[Read]) -> Iterator[tuple[list[Read], bool]]:
    """Rows of one file by the chunk, and whether a chunk lies behind the place reached before."""
    batch: list[Read] = []
    for row in rows:
        batch.append(row)
        run.at += 1
        if len(batch) >= CHUNK or run.at == run.start:
            yield batch, run.at <= run.start
            batch = []
    if batch:
        yield batch, run.at <= run.start


def _chunk(run: _Pass, item: dict[str, Any], rows: Rows) -> None:
    """One chunk in one transaction. Raises ``Lost`` when the job is not ours any more or was stopped."""
    with transaction.atomic():
        job = ImportJob.objects.select_for_update().get(pk=run.job.pk)
        if not job.is_held_by(run.worker):
            raise Lost
        run.job = job
        if job.stop:
            job.end(State.CANCELLED)
            jobs.job_to(job, State.CANCELLED, run.data)
        else:
            _tune(last=job.done + len(rows) >= job.total)
            outcome = _write(run, rows)
            _count(run, item, outcome, outcome.rejections)
            if run.write:
                note_done(job, outcome)
            job.done += len(rows)
            job.renew()
            job.reseal(run.data)
            job.save()
    if run.job.stop:
        raise Lost


def _tune(last: bool) -> None:
    """Settings of this transaction for work by the thousand.

    New search values wait in a list until that many can be sorted into their index at once: half the work of 4 MB at
    a time. The last chunk goes back to the usual, so that no search has to read a long list once we are done.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            # Thousands of tokens at once: the planner would rather read a whole table than look each of them up.
            "SELECT set_config('enable_seqscan', 'off', true), set_config('work_mem', '64MB', true),"
            # Before PostgreSQL 18 a plan with a scan that is off seems so dear that it would be compiled.
            " set_config('jit', 'off', true)"
        )
        if not last:
            cursor.execute("SELECT set_config('gin_pending_list_limit', '32MB', true)")


def _write(run: _Pass, rows: Rows) -> WriteOutcome:
    job = run.job
    if isinstance(rows, PeopleChunk):
        match_on, source, mode = "external_id", synthea.SOURCE, "update"
        if run.mapping is not None:
            match_on, source, mode = run.mapping.match_on, run.mapping.source, run.mapping.mode
        outcome = people_chunk(
            actor=job.actor,
            chunk=rows,
            match_on=match_on,
            source=source,
            mode=mode,
            write=run.write,
            guard=run.guard,
            cache=run.cache,
            subject=job.pk,
            wait=run.data.get("waits", False),
            tags=run.mapping.tags if run.mapping is not None else (),
            level=Level(job.level),
        )
        run.mostly_new = run.write and 2 * outcome.new >= len(rows)
        return outcome
    total = WriteOutcome(rejections=[row for row in rows if isinstance(row, Rejection)])
    events = [row for row in rows if isinstance(row, EventRow)]
    visits = [row for row in rows if isinstance(row, AppointmentRow)]
    refused = [row for row in rows if isinstance(row, appointments.RefusedVisit)]
    parts = []
    if events:
        parts.append(
            event_rows(
                actor=job.actor,
                rows=events,
                source=run.events.source if run.events is not None else synthea.SOURCE,
                match_on=run.events.match_on if run.events is not None else "external_id",
                cache=run.cache,
                write=run.write,
                subject=job.pk,
            )
        )
    if visits or refused:
        parts.append(
            appointment_rows(
                actor=job.actor,
                rows=visits,
                refused=refused,
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
        total.to_confirm += part.to_confirm
        total.doubts += part.doubts
        total.rejections += part.rejections
        total.notes += part.notes
        total.touched += part.touched
        total.events += part.events
        total.appointments += part.appointments
        total.before += part.before
    return total


def _count(run: _Pass, item: dict[str, Any], outcome: WriteOutcome, rejections: list[Rejection]) -> None:
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
    if outcome.to_confirm:  # "held" is its name in jobs that are stored, and in the answer of the command
        data["held"] = data.get("held", 0) + outcome.to_confirm
    if outcome.doubts:
        data["doubts"] = data.get("doubts", 0) + outcome.doubts
    if outcome.tagged:
        data["tagged"] = data.get("tagged", 0) + outcome.tagged
    if outcome.new_tags:
        data["new_tags"] = split("\n".join([*data.get("new_tags", ()), *sorted(outcome.new_tags)]))
        ensure_room(data["new_tags"])
    if outcome.unread:
        data["unread"] = data.get("unread", 0) + len(outcome.unread)
        _tally(data.setdefault("unread_reasons", {}), (f"{cell.column} {cell.reason}" for cell in outcome.unread))
        unread_add(job, item["name"], outcome.unread)
    for note, count in outcome.notes.items():
        notes = data.setdefault("notes", {})
        note = note if note in notes or len(notes) < MAX_REASONS else "other reasons"
        notes[note] = notes.get(note, 0) + count
    if rejections:
        _tally(data.setdefault("reasons", {}), (rejection.reason for rejection in rejections))
        rejections.sort(key=lambda rejection: rejection.line)
        jobs.add_rejections(
            job,
            [
                {"file": item["name"], "line": row.line, "reason": row.reason, "cells": list(row.cells)}
                for row in rejections
            ],
        )


def _tally(reasons: dict[str, int], found: Iterable[str]) -> None:
    for reason in found:
        name = reason if reason in reasons or len(reasons) < MAX_REASONS else "other reasons"
        reasons[name] = reasons.get(name, 0) + 1


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
            outcome = WriteOutcome()
            _, to_confirm = guardians_link(
                actor=run.job.actor,
                pairs=run.guardians[start : start + CHUNK],
                match_on=run.mapping.match_on,
                source=run.mapping.source,
                write=run.write,
                subject=run.job.pk,
                wait=run.data.get("waits", False),
                before=outcome.before,
            )
            outcome.touched += [each.person_id for each in outcome.before]
            if run.write:
                note_done(run.job, outcome)
            if to_confirm:
                run.data["held"] = run.data.get("held", 0) + to_confirm


def touched_by(job: ImportJob) -> set[int]:
    """Ids of the people whom an import made or changed."""
    chunks = job.people.values_list("made", "changed")
    return {person for made, changed in chunks.iterator() for person in (*made, *changed)}


@transaction.atomic
def _finish(job_id: int, worker: str, state: str, problem: str, data: dict[str, Any] | None = None) -> None:
    job = ImportJob.objects.select_for_update().get(pk=job_id)
    if not job.is_held_by(worker):
        return
    data = job.opened() if data is None else data
    data["problem"] = problem
    job.end(state)
    jobs.job_to(job, state, data)
    if state == State.DONE:
        search_of(actor=job.actor, people=touched_by(job))


def _fail(job: ImportJob, worker: str, error: Exception | None) -> None:
    if error is None:
        sentence = "Importing failed three times. The log says where; nothing is half done."
    elif isinstance(error, SealBroken):
        sentence = "A kept file is damaged or its key is gone. Upload it again."
    else:
        sentence = str(error)
    _finish(job.pk, worker, State.FAILED, sentence)


RUNNER = Runner(ImportJob, _run, _fail, refusals=(Unreadable, BadMapping, Refused, SealBroken), channel=CHANNEL)
work, due = RUNNER.run, RUNNER.due
