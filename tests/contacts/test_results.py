"""Results of laboratory tests and vital signs: units, steps, levels."""

from __future__ import annotations

import pytest

from apps.contacts.timeline.clinical import coded
from apps.contacts.timeline.results import LABS, LOINC, spoken, uncomparable
from apps.contacts.timeline.value_sets import level_of
from apps.core.levels import Level


@pytest.mark.parametrize(
    ("lab", "value", "unit", "same", "own"),
    [
        ("glucose", "7.0", "mmol/L", "126.1", "mg/dL"),
        ("ldl", "2.6", "mmol/L", "100.5", "mg/dL"),
        ("triglycerides", "1.7", "mmol/l", "150.5", "mg/dL"),
        ("creatinine", "88.4", "umol/L", "0.99", "mg/dL"),
        ("hba1c", "53", "mmol/mol", "7.00", "%"),
        ("weight", "220", "lbs", "99.7", "kg"),
        ("height", "70", "in", "177.8", "cm"),
        ("temperature", "98.6", "°F", "37.0", "Cel"),
        ("systolic", "16", "kPa", "120", "mmHg"),
        ("egfr", "59.9", "mL/min", "59.9", "mL/min/1.73m2"),
        ("glucose", "1,000", "MG/DL", "1000", "mg/dL"),
        ("hba1c", "7,2", "%", "7.2", "%"),
        ("inr", "2.5", "", "2.5", "{INR}"),
    ],
)
def test_units_are_converted_where_the_factor_is_exact(lab: str, value: str, unit: str, same: str, own: str) -> None:
    found = LABS[lab].step(value, unit)
    assert found is not None
    assert found == LABS[lab].step(same, own)


@pytest.mark.parametrize(
    ("value", "unit"), [("7.2", "mg/dL"), ("7.2", ""), ("high", "%"), ("", "%"), ("1.2.3", "%"), ("NaN", "%")]
)
def test_what_cannot_be_compared_is_said_and_never_guessed(value: str, unit: str) -> None:
    facts = {"system": LOINC, "code": "4548-4", "value": value, "unit": unit}
    assert LABS["hba1c"].step(value, unit) is None
    assert "kept and shown" in uncomparable({"kind": "observation", **facts})
    told, groups = coded("observation", facts)
    assert told["value"] == value
    assert groups == ("code:LOINC:4548-4", "set:hba1c")


def test_limits_of_the_method_lie_beyond_their_number() -> None:
    hba1c = LABS["hba1c"]
    over_fourteen, under_four = hba1c.steps(over=14), hba1c.steps(under=4)
    assert hba1c.step(">14.0", "%") in over_fourteen
    assert hba1c.step("14.0", "%") not in over_fourteen
    assert hba1c.step("<4.0", "%") in under_four
    assert hba1c.step("4.0", "%") not in under_four
    assert hba1c.step("31", "%") in over_fourteen, "a number beyond all bounds is still over"


def test_ranges_meet_without_gap_or_overlap() -> None:
    for lab in LABS.values():
        if lab.numbers is None:
            continue
        middle = lab.numbers.spoken((lab.numbers.low + lab.numbers.high) // 2 // lab.numbers.step * lab.numbers.step)
        assert [*lab.steps(under=middle), *lab.steps(least=middle)] == list(lab.steps())
        assert [*lab.steps(most=middle), *lab.steps(over=middle)] == list(lab.steps())
        assert lab.allows(middle)


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("4548-4", Level.HEALTH), ("2339-0", Level.HEALTH), ("8480-6", Level.HEALTH), ("99999-9", Level.HEALTH),
        ("20447-9", Level.PROTECTED), ("65750-2", Level.PROTECTED), ("2106-3", Level.PROTECTED),
        ("44261-6", Level.PROTECTED), ("75626-2", Level.PROTECTED), ("56888-1", Level.PROTECTED),
    ],
)  # fmt: skip
def test_a_result_has_the_level_of_its_set(code: str, level: Level) -> None:
    assert level_of(LOINC, code) == level


def test_results_are_said_with_their_unit() -> None:
    assert spoken("132.0", "mm[Hg]") == "132 mmHg"
    assert spoken("8.2", "%") == "8.2 %"
    assert spoken("3.0", "{score}") == "3"
    assert spoken("Negative", "") == "Negative"
