"""Import with validation, sealing and search values, beside a raw COPY of the same rows."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

AT_LEAST = 10.0
LARGE = 100_000
"""From this size on the second pass is a figure of its own."""


def run(size: int, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Import ``size`` people and their events; returns rows per second of each.

    Each figure is taken over at least ten seconds: file after file into a table that grows. What was too much is taken
    away again, so that the other parts find ``size`` people.
    """
    from benchmarks import people

    source = folder / "people.csv"
    both = second = 0.0
    files = 0
    while both < AT_LEAST or (size >= LARGE and second < AT_LEAST):
        people.write_people(source, files * size, size, "bench.test")
        first, then = _import(source, size, before=files * size)
        both, second, files = both + first + then, second + then, files + 1
    figures = {"import_rows_per_s": round(files * size / both)}
    if size >= LARGE:
        figures["import_only_rows_per_s"] = round(files * size / second)
    say(f"import: {files * size / both:,.0f} rows/s ({files * size / second:,.0f} in the second pass, {files} files)")

    recorded, seconds, rounds = 0, 0.0, 0
    while seconds < AT_LEAST:
        began = time.perf_counter()
        recorded += _events(size, rounds)
        seconds += time.perf_counter() - began
        rounds += 1
    figures["event_rows_per_s"] = round(recorded / seconds)
    say(f"events: {recorded / seconds:,.0f} rows/s")

    people.write_people(source, 0, size, "bench.test")
    if files > 1 or rounds > 1:
        _again(source, size)
    _analyze()
    return {**figures, "copy_rows_per_s": round(_raw_copy(source, size))}


def _import(source: Path, size: int, before: int) -> tuple[float, float]:
    """Seconds that taking in and checking a file took, and importing it. Fails when it lost anybody."""
    from apps.contacts.models import Person
    from apps.core import actors
    from apps.imports.models import ImportJob
    from apps.imports.services import jobs, passes
    from benchmarks import people

    actor = actors.COMMAND_LINE
    began = time.perf_counter()
    with source.open("rb") as file:
        uploads = [jobs.Upload(source.name, file)]
        job = jobs.import_create(actor=actor, kind="list", uploads=uploads, document=people.MAPPING)
    jobs.import_check(actor=actor, job_id=job.pk)
    passes.work(job.pk)
    checked = time.perf_counter()
    jobs.import_start(actor=actor, job_id=job.pk)
    passes.work(job.pk)
    ended = time.perf_counter()
    job.refresh_from_db()
    if job.state != ImportJob.State.DONE or job.new != size or Person.objects.count() != before + size:
        raise SystemExit(f"The import lost people: {job.state}, {jobs.counts(job)}")
    jobs.uploads_clear(actor=actor)
    return checked - began, ended - checked


def _events(size: int, round_: int) -> int:
    """Record the events of the first ``size`` people, under other sources in each round; returns how many."""
    from apps.contacts.models import Person, TimelineEvent
    from apps.contacts.services import NewEvent, events_record
    from apps.core import actors
    from benchmarks import people

    ids = list(Person.objects.order_by("id").values_list("id", flat=True)[:size])
    before = TimelineEvent.objects.count()
    recorded, block = 0, []
    for number, person in enumerate(ids):
        for kind, day, origin, groups, code in people.events(ids[0], number):
            source = f"{origin}:{round_}" if round_ else origin
            block.append(NewEvent(person, kind, day, source, {"term": "visit", "code": code}, groups, code))
        if len(block) > 5_000:
            recorded += events_record(actor=actors.COMMAND_LINE, events=block)
            block = []
    recorded += events_record(actor=actors.COMMAND_LINE, events=block)
    if TimelineEvent.objects.count() != before + recorded:
        raise SystemExit("Events were lost.")
    return recorded


def _again(source: Path, size: int) -> None:
    """A fresh database with one file's people and their events."""
    from django.db import connections

    from benchmarks import run as benchmark

    connections.close_all()
    benchmark.prepare()
    _import(source, size, before=0)
    _events(size, 0)


def _analyze() -> None:
    """What autovacuum would do within a minute; the owner may."""
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("ANALYZE")
    connections["owner"].close()


def _raw_copy(source: Path, size: int) -> float:
    """The same rows, parsed and copied as text into a table without indexes."""
    from django.db import connections

    with source.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    columns = ", ".join(f"c{number} text" for number in range(len(rows[0])))
    seconds = copied = 0.0
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"CREATE TABLE raw_copy ({columns})")
        while seconds < 10:
            began = time.perf_counter()
            with cursor.copy("COPY raw_copy FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            seconds += time.perf_counter() - began
            copied += size
            cursor.execute("TRUNCATE raw_copy")
        cursor.execute("DROP TABLE raw_copy")
    connections["owner"].close()
    return copied / seconds
