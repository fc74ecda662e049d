"""The example of the whole product: 33 women of Kentucky without an influenza shot, found in an import."""

from __future__ import annotations

import pytest
from django.db import connection

from apps.core import actors
from apps.imports.services import jobs, passes
from apps.imports.services.jobs import Upload
from apps.segments.compiler import compile
from apps.segments.rules import parse

RULE = {
    "match": "all",
    "rules": [
        {"field": "sex", "op": "is", "value": "F"},
        {"field": "birth_date", "op": "between", "from": "1952-01-01", "to": "1976-12-31"},
        {"event": "encounter", "class": "wellness", "op": "at_least", "times": 1, "from": "2018-01-01"},
        {"event": "immunization", "system": "CVX", "code": "140", "op": "never", "from": "2020-09-01"},
    ],
}


@pytest.mark.django_db
@pytest.mark.shared_data
def test_thirty_three_women_of_kentucky(shared_data, noon) -> None:
    paths = sorted((shared_data / "patients/synthea-csv-kentucky").iterdir())
    uploads = [Upload(path.name, path.open("rb")) for path in paths]
    job = jobs.import_create(actor=actors.COMMAND_LINE, kind="synthea", uploads=uploads)
    jobs.import_check(actor=actors.COMMAND_LINE, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=actors.COMMAND_LINE, job_id=job.pk)
    passes.work(job.pk)
    sql, params = compile(parse(RULE), noon)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) found", params)
        assert cursor.fetchone()[0] == 33
