"""What a chunk did, noted in its transaction: ids, and sealed what it replaced."""

from __future__ import annotations

from apps.core.bulk import copy_rows, next_ids
from apps.imports.models import BEFORE_TABLE, ImportedPeople, ImportJob
from apps.imports.services.writes import WriteOutcome
from apps.vault import sealing


def note_done(job: ImportJob, outcome: WriteOutcome) -> None:
    """Keep whom a chunk made and changed, for conditions and an undo. Caller's transaction and audit entries."""
    if not (outcome.made or outcome.touched or outcome.before or outcome.tagged_people):
        return
    chunk = ImportedPeople.objects.create(
        job=job,
        made=outcome.made,
        changed=sorted(set(outcome.touched)),
        events=sorted(outcome.events),
        appointments=sorted(outcome.appointments),
        tagged=outcome.tagged_people,
    )
    rows = [
        (
            row_id,
            chunk.pk,
            each.person_id,
            each.version,
            sealing.seal(each.profile_key, each.facts, table=BEFORE_TABLE, row=row_id),
        )
        for row_id, each in zip(
            next_ids(BEFORE_TABLE, len(outcome.before)) if outcome.before else [], outcome.before, strict=True
        )
    ]
    types = ["int8", "int8", "int8", "int4", "bytea"]
    copy_rows(f"{BEFORE_TABLE} (id, chunk_id, person_id, version, sealed)", types, rows)
