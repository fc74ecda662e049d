"""Reading what imports did."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from apps.contacts.person.records import PersonRecord
from apps.core.bulk import int8_array
from apps.core.levels import Level
from apps.imports.models import ImportJob


def load_imports(records: dict[int, PersonRecord], among: Collection[int] | None = None) -> None:
    """Fill in ``imports`` of opened people: by which they were made or changed (of those ``among``). Two queries."""
    for record in records.values():
        record.imports = {}
    if not records or (among is not None and not among):
        return
    jobs = None if among is None else int8_array(among)
    with connection.cursor() as cursor:
        for column in ("made", "changed"):
            cursor.execute(
                f"SELECT ip.job_id, found.person FROM imports_people ip, unnest(ip.{column}) AS found(person)"  # noqa: S608
                f" WHERE ip.{column} && %s::bigint[] AND found.person = ANY(%s::bigint[])"
                " AND (%s::bigint[] IS NULL OR ip.job_id = ANY(%s::bigint[]))",
                [int8_array(records), int8_array(records), jobs, jobs],
            )
            for job, person in cursor.fetchall():
                found = records[person].imports
                assert found is not None
                found.setdefault(job, set()).add(column)


def levels(ids: Collection[int]) -> dict[int, Level]:
    """What it tells to have come with these imports."""
    rows = ImportJob.objects.filter(pk__in=ids).values_list("pk", "level") if ids else ()
    return {pk: Level(level) for pk, level in rows}


def there(ids: Collection[int]) -> set[int]:
    """Those of these imports that are on record."""
    return set(ImportJob.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()


def figures(job: ImportJob) -> tuple[int, int]:
    """How many people an import made, and how many others it changed or added something to."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH made AS (SELECT DISTINCT unnest(made) AS p FROM imports_people WHERE job_id = %s),"
            " changed AS (SELECT DISTINCT unnest(changed) AS p FROM imports_people WHERE job_id = %s)"
            " SELECT (SELECT count(*) FROM made),"
            " (SELECT count(*) FROM changed c WHERE NOT EXISTS (SELECT 1 FROM made m WHERE m.p = c.p))",
            [job.pk, job.pk],
        )
        row = cursor.fetchone()
    return int(row[0]), int(row[1])
