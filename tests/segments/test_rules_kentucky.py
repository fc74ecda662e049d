"""The example of the product's brief, straight from Synthea's files: 33 women."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from apps.core.actors import COMMAND_LINE
from apps.segments import rules, services

FLU_SHOT_DUE = {
    "match": "all",
    "rules": [
        {"field": "sex", "op": "is", "value": "F"},
        {"field": "birth_date", "op": "between", "from": "1952-01-01", "to": "1976-12-31"},
        {"event": "encounter", "class": "wellness", "from": "2018-01-01"},
        {"event": "immunization", "code": "140", "system": "CVX", "op": "never", "from": "2020-09-01"},
    ],
}


def table(folder: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(folder / f"{name}.csv.gz", "rt", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.shared_data
def test_thirty_three_women_of_kentucky_are_due_for_a_flu_shot(shared_data: Path) -> None:
    folder = shared_data / "patients" / "synthea-csv-kentucky"
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in table(folder, "encounters"):
        events[row["PATIENT"]].append({"kind": "encounter", "class": row["ENCOUNTERCLASS"], "on": row["START"][:10]})
    for row in table(folder, "immunizations"):
        events[row["PATIENT"]].append(
            {"kind": "immunization", "system": "CVX", "code": row["CODE"], "on": row["DATE"][:10]}
        )
    people = [
        SimpleNamespace(
            profile={"sex": row["GENDER"], "birth_date": row["BIRTHDATE"]},
            consents={},
            events=events[row["Id"]],
            appointments=[],
        )
        for row in table(folder, "patients")
    ]
    rule = rules.parse(FLU_SHOT_DUE)
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    assert sum(rules.matches(rule, person, now, ZoneInfo("America/New_York")) for person in people) == 33


@pytest.mark.django_db
@pytest.mark.shared_data
def test_the_imported_kentucky_counts_thirty_three_by_tokens(shared_data: Path) -> None:
    folder = shared_data / "patients" / "synthea-csv-kentucky"
    files = [str(folder / f"{name}.csv.gz") for name in ("patients", "encounters", "immunizations")]
    call_command("import_contacts", "--preset", "synthea", *files, "--json", stdout=StringIO())
    saved = services.segment_save(actor=COMMAND_LINE, name="Flu shot due", rule=FLU_SHOT_DUE)

    assert services.segment_count(actor=COMMAND_LINE, segment_id=saved.pk).count == 33
