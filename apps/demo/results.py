"""What was measured on the invented patients: labs of those with diabetes, high blood pressure and lipids.

Pure, and with a stream of its own: the people and what else happened to them are the same with and without.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from apps.imports.readers.rows import EventRow, PersonRow

LOINC = "LOINC"
HBA1C = ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%")
LDL = ("13457-7", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation", "mg/dL")
SYSTOLIC = ("8480-6", "Systolic blood pressure", "mm[Hg]")
DIASTOLIC = ("8462-4", "Diastolic blood pressure", "mm[Hg]")
DIABETES, PRESSURE, LIPIDS = "44054006", "59621000", "55822004"
_YEARS = 2


def of(people: list[PersonRow], events: list[EventRow], today: date, chance: random.Random) -> list[EventRow]:
    """Results of the last two years, behind ``events``: most people with diabetes come on time, a third do not."""
    has: dict[str, set[str]] = {}
    for row in events:
        if row.event["kind"] == "condition":
            has.setdefault(row.patient, set()).add(str(row.event["code"]))
    made: list[EventRow] = []
    for person in people:
        codes, died = has.get(person.key, set()), person.profile.get("death_date")
        last = date.fromisoformat(died) if died else today
        first = max(
            date.fromisoformat(person.profile.get("birth_date", "1900-01-01")), last - timedelta(days=_YEARS * 365)
        )
        for day, (code, term, unit), value in _measured(codes, last, chance):
            if not first < day < last:
                continue
            line = len(events) + len(made) + 1
            event = {
                "kind": "observation",
                "code": code,
                "system": LOINC,
                "term": term,
                "value": value,
                "unit": unit,
                "start": f"{day.isoformat()}T09:00:00Z",
            }
            made.append(EventRow(line, person.key, f"demo|{person.key}|{line}", event, day))
    return made


def _measured(codes: set[str], last: date, chance: random.Random) -> Iterator[tuple[date, tuple[str, str, str], str]]:
    """Day, lab and value as text, the oldest first."""
    if DIABETES in codes and chance.random() < 0.93:
        late = chance.random() < 0.33
        ago = chance.randint(190, 500) if late else chance.randint(5, 170)
        sugar = chance.triangular(5.8, 11.5, 7.1)
        for back in range(chance.randint(1, 5), -1, -1):
            value = max(5.2, sugar + back * chance.uniform(-0.3, 0.5))
            yield last - timedelta(days=ago + back * chance.randint(85, 110)), HBA1C, f"{value:.1f}"
    if PRESSURE in codes:
        for back in range(chance.randint(0, 2), -1, -1):
            day = last - timedelta(days=20 + back * 120 + chance.randint(0, 90))
            high = int(chance.triangular(112, 178, 136))
            yield day, SYSTOLIC, str(high)
            yield day, DIASTOLIC, str(int(high * chance.uniform(0.55, 0.66)))
    if LIPIDS in codes and chance.random() < 0.7:
        yield last - timedelta(days=chance.randint(20, 600)), LDL, str(int(chance.triangular(58, 205, 118)))
