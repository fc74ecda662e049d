"""Value sets: names for groups of clinical codes, so that a rule may say "diabetes".

A set's name becomes a group of each timeline event (`set:diabetes`). The sets are the product's own short
lists for the codes that Synthea and the demo use; they are no clinical reference. Membership in a set of
`PROTECTED` makes an event level 3.
"""

from __future__ import annotations

from apps.contacts.timeline.results import LABS, LOINC
from apps.core.levels import Level

SNOMED, CVX, RXNORM = "SNOMED", "CVX", "RXNORM"

DIAGNOSES_AND_ACTS: dict[str, tuple[str, str, str]] = {
    "diabetes": (
        "Diabetes",
        SNOMED,
        "44054006 46635009 73211009 127013003 422034002 368581000119106 1551000119108 1501000119109 "
        "97331000119101 90781000119102 157141000119108 60951000119105",
    ),
    "hypertension": ("High blood pressure", SNOMED, "59621000 38341003"),
    "asthma": ("Asthma", SNOMED, "195967001 233678006 195977004 266364000"),
    "heart_disease": ("Heart disease", SNOMED, "53741008 49436004 88805009 22298006 414545008"),
    "kidney_disease": ("Chronic kidney disease", SNOMED, "709044004 431855005 431856006 433144002 46177005"),
    "wellness_visit": ("Wellness visit", SNOMED, "162673000 410620009"),
    "influenza_vaccine": (
        "Influenza vaccine",
        CVX,
        "15 16 88 111 135 140 141 144 149 150 151 153 155 158 161 166 168 171 185 186 197 205",
    ),
    "substance_use": ("Substance use", SNOMED, "7200002 6525002 5602001 55680006 361055000 66590003"),
    "mental_health": ("Mental health", SNOMED, "35489007 36923009 370143000 47505003 80583007 192127007"),
    "reproductive": (
        "Pregnancy and its loss",
        SNOMED,
        "72892002 77386006 19169002 35999006 79586000 47200007",
    ),
    "hiv": ("HIV", SNOMED, "86406008"),
}
"""Sets of what people have and what was done: name to (label, code system, codes)."""

VALUE_SETS: dict[str, tuple[str, str, str]] = DIAGNOSES_AND_ACTS | {
    lab.name: (lab.label, LOINC, " ".join(lab.codes)) for lab in LABS.values()
}
"""All sets, those of results (``results.LABS``) among them."""

PROTECTED = frozenset(
    {"substance_use", "mental_health", "reproductive", "hiv"}
    | {lab.name for lab in LABS.values() if lab.level == Level.PROTECTED}
)

_BY_CODE: dict[tuple[str, str], tuple[str, ...]] = {}
for _name, (_label, _system, _codes) in VALUE_SETS.items():
    for _code in _codes.split():
        _BY_CODE[_system, _code] = (*_BY_CODE.get((_system, _code), ()), _name)


def sets_of(system: str, code: str) -> tuple[str, ...]:
    """Names of the value sets a code belongs to."""
    return _BY_CODE.get((system, code), ())


def level_of(system: str, code: str) -> Level:
    """How sensitive the code is by itself: PROTECTED for the specially protected sets, else HEALTH."""
    return Level.PROTECTED if PROTECTED & set(sets_of(system, code)) else Level.HEALTH
