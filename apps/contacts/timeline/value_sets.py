"""Value sets: names for groups of clinical codes, so that a rule may say "diabetes".

A set's name becomes a group of each timeline event (`set:diabetes`). The sets are the product's own short
lists for the codes that Synthea and the demo use; they are no clinical reference. Membership in a set of
`PROTECTED` makes an event level 3.
"""

from __future__ import annotations

from apps.contacts.timeline.results import LABS, LOINC
from apps.core.levels import Level

SNOMED, CVX, RXNORM = "SNOMED", "CVX", "RXNORM"
BY_TEXT = "TEXT"
"""The code system of rows that have a name and no code: the name in small letters is the code."""

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
    lab.name: (lab.label, LOINC, " ".join(lab.codes)) for lab in LABS.presets.values()
}
"""All sets, those of results (``results.LABS``; own ones have their codes there) among them."""

PROTECTED = frozenset(
    {"substance_use", "mental_health", "reproductive", "hiv"}
    | {lab.name for lab in LABS.presets.values() if lab.level == Level.PROTECTED}
)

ICD10 = "ICD-10-CM"
_ICD10 = {
    "diabetes": "E08 E09 E10 E11 E13 O24.0 O24.1 O24.3",
    "hypertension": "I10 I11 I12 I13 I15 I16",
    "asthma": "J45",
    "heart_disease": "I20 I21 I22 I23 I24 I25 I48 I50",
    "kidney_disease": "N18",
    "substance_use": "F10 F11 F12 F13 F14 F15 F16 F18 F19 O99.31 O99.32 Z71.41 Z71.51",
    "mental_health": "F20 F21 F22 F23 F24 F25 F28 F29 F30 F31 F32 F33 F34 F39 F40 F41 F42 F43 F44 F45 F48 F50 F53 F60 "
    "R45.851 X71 X83 Z91.51",
    "reproductive": "O Z32 Z33 Z34 Z3A Z64.0 N96",
    "hiv": "B20 B97.35 O98.7 R75 Z21 Z11.4 Z20.6",
}
"""Categories of ICD-10-CM in the sets: a code belongs to one when it begins with it, with or without its dot."""

_BY_CODE: dict[tuple[str, str], tuple[str, ...]] = {}
for _name, (_label, _system, _codes) in VALUE_SETS.items():
    for _code in _codes.split():
        _BY_CODE[_system, _code] = (*_BY_CODE.get((_system, _code), ()), _name)


_BY_CATEGORY = {name: tuple(each.replace(".", "") for each in starts.split()) for name, starts in _ICD10.items()}


def sets_of(system: str, code: str) -> tuple[str, ...]:
    """Names of the value sets a code belongs to."""
    if system == ICD10:
        bare = code.upper().replace(".", "")
        return tuple(name for name, starts in _BY_CATEGORY.items() if bare.startswith(starts))
    if found := _BY_CODE.get((system, code)):
        return found
    lab = LABS.own_of(system, code)
    return () if lab is None else (lab.name,)


def level_of(system: str, code: str) -> Level:
    """How sensitive the code is by itself: PROTECTED for the specially protected sets, else HEALTH."""
    lab = LABS.own_of(system, code)
    if lab is not None:
        return lab.level
    return Level.PROTECTED if PROTECTED & set(sets_of(system, code)) else Level.HEALTH
