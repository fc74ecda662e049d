"""Cells that could not be read: kept sealed beside the rejected rows, listed, and given out to be corrected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.cells import line
from apps.core.errors import Refused
from apps.imports.models import REJECTION_TABLE, ImportJob, ImportRejection
from apps.imports.readers.rows import UnreadCell
from apps.imports.services.jobs import NOT_YOURS, may_see_rows
from apps.vault import sealing


def unread_add(job: ImportJob, file: str, cells: Sequence[UnreadCell]) -> None:
    """Keep a chunk's cells that could not be read, sealed like rejected rows. Caller's transaction."""
    rows = [
        {
            "file": file,
            "line": each.line,
            "key": each.key,
            "column": each.column,
            "reason": each.reason,
            "cell": each.cell,
        }
        for each in sorted(cells, key=lambda each: each.line)
    ]
    row_id = next_ids(REJECTION_TABLE, 1)[0]
    sealed = sealing.seal_service(rows, table=REJECTION_TABLE, row=row_id)
    # It counts no rejected row: that is how the two are told apart without opening them.
    ImportRejection.objects.create(id=row_id, job=job, sealed=sealed, count=0)


UNREAD_HEADER = ("file", "line", "matched by", "column", "reason", "cell")


def unread_csv(*, actor: Actor, job_id: int) -> Iterator[str]:
    """The cells that could not be read as CSV: file, line, key, column, reason, cell. As ``rejected_csv`` else."""
    job = ImportJob.objects.get(pk=job_id)
    if not may_see_rows(actor, job):
        raise Refused("import.rows_not_allowed", NOT_YOURS)
    record_read(
        actor=actor,
        action=Action.IMPORT_EXPORT,
        kind="import",
        subject=job.pk,
        purpose="correct cells",
        codes={"cells": job.opened().get("unread", 0)},
    )
    return _unread_lines(job)


def _unread_lines(job: ImportJob) -> Iterator[str]:
    yield line(UNREAD_HEADER)
    for row in ImportRejection.objects.filter(job=job, count=0).order_by("pk").iterator(chunk_size=20):
        for item in sealing.open_service(row.sealed, table=REJECTION_TABLE, row=row.pk):
            names = ("file", "line", "key", "column", "reason", "cell")
            yield line([item[name] for name in names])


def unread_places(job: ImportJob, most: int = 20) -> list[tuple[int, str, str]]:
    """Line, column and reason of the first cells that could not be read; never what stands in them."""
    found: list[tuple[int, str, str]] = []
    for row in ImportRejection.objects.filter(job=job, count=0).order_by("pk")[:3]:
        for item in sealing.open_service(row.sealed, table=REJECTION_TABLE, row=row.pk):
            if len(found) == most:
                return found
            found.append((item["line"], item["column"], item["reason"]))
    return found
