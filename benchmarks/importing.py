"""Import with validation, sealing and search values, beside a raw COPY of the same rows."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def run(size: int, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Import ``size`` people and their events; returns rows per second of each."""
    from apps.contacts.management import importing
    from apps.contacts.models import ImportJob, Person, TimelineEvent
    from apps.contacts.services import NewEvent, events_record
    from apps.core import actors
    from benchmarks import people

    source = folder / "people.csv"
    people.write_people(source, 0, size, "bench.test")
    began = time.perf_counter()
    result = importing.run(
        actor=actors.COMMAND_LINE,
        kind=ImportJob.JobKind.LIST,
        files=[str(source)],
        dry_run=False,
        errors_to=None,
        document=people.MAPPING,
    )
    took = time.perf_counter() - began
    if result["new"] != size or Person.objects.count() != size:
        raise SystemExit(f"The import lost people: {result}")
    say(f"import: {size / took:,.0f} rows/s")

    began = time.perf_counter()
    ids = list(Person.objects.order_by("id").values_list("id", flat=True))
    recorded, block = 0, []
    for number, person in enumerate(ids):
        for kind, day, origin, groups, code in people.events(ids[0], number):
            block.append(NewEvent(person, kind, day, origin, {"term": "visit", "code": code}, groups, code))
        if len(block) > 5_000:
            recorded += events_record(actor=actors.COMMAND_LINE, events=block)
            block = []
    recorded += events_record(actor=actors.COMMAND_LINE, events=block)
    event_took = time.perf_counter() - began
    if TimelineEvent.objects.filter(sealed__isnull=False).count() < recorded:
        raise SystemExit("Events were lost.")
    say(f"events: {recorded / event_took:,.0f} rows/s")
    _analyze()
    return {
        "import_rows_per_s": round(size / took),
        "event_rows_per_s": round(recorded / event_took),
        "copy_rows_per_s": round(_raw_copy(source, size)),
    }


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
