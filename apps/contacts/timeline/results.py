"""Results of laboratory tests, vital signs and scores: what each is, its unit, and how its numbers are compared. Pure.

A preset is a short list of LOINC codes that measure the same thing, with the unit (UCUM) in which it is compared and
the steps by which it is found: like a number attribute, a result is compared by the step it falls into, by the
evaluator and by the statement alike. Bounds and steps of a preset never change, because rows carry the keyed step;
what is measured anew becomes a new preset. Results beyond the bounds count as below or above all steps.

Units are converted only where the factor is exact for the substance (its molar mass, IFCC's equation for HbA1c, the
definition of a pound): any other unit is kept as it came, shown, and compared with nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

from apps.contacts.attributes.numbers import NumberRange
from apps.core.levels import Level

LOINC = "LOINC"
KIND = "observation"
"""The kind of event that a result is."""


@dataclass(frozen=True)
class Lab:
    """One thing that is measured. ``numbers`` None: the result is a word (positive, negative).

    ``converts`` maps another unit to (factor, offset): value * factor + offset is in ``unit``.
    """

    name: str
    label: str
    codes: tuple[str, ...]
    unit: str = ""
    numbers: NumberRange | None = None
    converts: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    level: Level = Level.HEALTH
    system: str = LOINC

    @property
    def unit_word(self) -> str:
        """The unit as people read it behind a number."""
        return spoken_unit(self.unit)

    def number(self, value: str, unit: str) -> tuple[int, Decimal] | None:
        """A result in ``unit``, with the sign of ``measured``; None when it cannot be compared."""
        found = measured(value)
        if found is None or self.numbers is None:
            return None
        sign, number = found
        unit = ucum(unit)
        if unit != self.unit:
            if unit not in self.converts:
                return None
            factor, offset = self.converts[unit]
            # A third of a degree has no last digit: what is converted is rounded far below any step.
            number = (number * factor + offset).quantize(Decimal("1e-6"), ROUND_HALF_EVEN)
        return sign, number

    def step(self, value: str, unit: str) -> int | None:
        """The step a result falls into: -1 below all of them, ``count`` above; None when it cannot be compared."""
        found = self.number(value, unit)
        if found is None or self.numbers is None:
            return None
        sign, number = found
        scaled = self.numbers.scaled(number)
        if scaled is None:
            return None
        if scaled > self.numbers.high:
            step = self.numbers.count
        elif scaled < self.numbers.low:
            step = -1
        else:
            step = (scaled - self.numbers.low) // self.numbers.step
        return max(-1, min(self.numbers.count, step + sign))

    def steps(self, *, over: object = None, least: object = None, under: object = None, most: object = None) -> range:
        """The steps of a range. Bounds are numbers in ``unit``; an open side reaches beyond all steps."""
        numbers = self.numbers
        if numbers is None:
            return range(0)
        first, last = -1, numbers.count
        for bound, beyond in ((least, 0), (over, 1)):
            if bound is not None:
                first = max(first, self._place(numbers, bound) + beyond)
        for bound, before in ((most, 0), (under, 1)):
            if bound is not None:
                last = min(last, self._place(numbers, bound) - before)
        return range(first, last + 1)

    @staticmethod
    def _place(numbers: NumberRange, bound: object) -> int:
        scaled = numbers.scaled(bound)
        assert scaled is not None  # `allows` said so
        return (scaled - numbers.low) // numbers.step

    def allows(self, bound: object) -> bool:
        """Whether a rule may compare with a number: it lies within the bounds and on a step."""
        numbers = self.numbers
        if numbers is None:
            return False
        scaled = numbers.scaled(bound)
        if scaled is None or not numbers.low <= scaled <= numbers.high or (scaled - numbers.low) % numbers.step:
            return False
        return Decimal(str(bound)).scaleb(numbers.scale) == scaled


_NUMBER = re.compile(r"(<=|>=|<|>|≤|≥)?\s*([-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,2})?)")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"([<>=≤≥]*\s*[-+]?\d+),(\d{1,2})")


def measured(value: str) -> tuple[int, Decimal] | None:
    """The number of a result, and 1 or -1 where it is known only to lie above or below (``>14.0``); None for words."""
    text = value.strip()
    if _THOUSANDS.fullmatch(text.lstrip("<>=≤≥ ")):
        text = text.replace(",", "")
    elif comma := _DECIMAL_COMMA.fullmatch(text):
        text = f"{comma[1]}.{comma[2]}"
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    try:
        number = Decimal(found[2])
    except InvalidOperation:
        return None
    if abs(number) >= Decimal(10) ** 12:
        return None
    return {"<": -1, ">": 1}.get(found[1] or "", 0), number


# -- Units -----------------------------------------------------------------------------------------------------

#: Ways in which systems write a unit, folded (no blanks, small letters), to UCUM's.
_UNITS = {
    "%": "percent pct %{hemoglobin} %{hb} %oftotalhgb %ofhgb %ngsp %hba1c %of1",
    "mmol/mol": "mmol/molhb mmol/mol{hb} ifccmmol/mol",
    "mg/dL": "mg/dl mg/100ml mg%",
    "g/dL": "g/dl gm/dl",
    "g/L": "g/l gm/l",
    "mmol/L": "mmol/l mmol",
    "umol/L": "umol/l µmol/l μmol/l micromol/l",
    "nmol/L": "nmol/l",
    "ng/mL": "ng/ml",
    "ug/L": "ug/l µg/l μg/l mcg/l",
    "ug/mL": "ug/ml µg/ml μg/ml mcg/ml",
    "mg/g": "mg/g{creat} mg/gcreat mg/gcr mcg/mg ug/mg",
    "mg/mmol": "mg/mmol{creat} mg/mmolcr",
    "meq/L": "meq/l",
    "m[IU]/L": "miu/l mu/l m[iu]/l uiu/ml µiu/ml μiu/ml u[iu]/ml",
    "U/L": "u/l iu/l [iu]/l",
    "mL/min/{1.73_m2}": "ml/min/{1.73_m2} ml/min/1.73m2 ml/min/1.73m^2 ml/min/1.73m² ml/min/1.73 ml/min/1.73sqm "
    "ml/min/{1.73m2} ml/min/1.73{m2} ml/min/1.73mm2",
    "mL/min": "ml/min",
    "mm[Hg]": "mmhg mm[hg] mmofhg",
    "kPa": "kpa",
    "kg/m2": "kg/m2 kg/m^2 kg/m² kg/sqm",
    "kg": "kgs kilograms",
    "g": "gram grams",
    "[lb_av]": "lb lbs pound pounds [lb_av]",
    "cm": "centimeter centimeters",
    "m": "meter meters",
    "[in_i]": "in inch inches [in_i] [in_us]",
    "Cel": "c °c degc cel celsius",
    "[degF]": "f °f degf [degf] fahrenheit",
    "/min": "/min bpm beats/min beats/minute {beats}/min breaths/min {breaths}/min breaths/minute 1/min",
    "{INR}": "inr {inr} 1 {ratio} ratio",
    "{score}": "score {score} points {points} {#}",
    "{copies}/mL": "copies/ml {copies}/ml {copies}/ml{plasma} cp/ml [copies]/ml",
    "/uL": "/ul cells/ul {cells}/ul cells/mm3 /mm3 cells/µl cells/μl {cells}/mm3",
    "{T-score}": "{t-score} t-score {tscore}",
}
_FOLDED = {
    folded: unit
    for unit, ways in _UNITS.items()
    for folded in {unit.casefold(), *(way.casefold() for way in ways.split())}
}
_SPOKEN = {
    "mm[Hg]": "mmHg", "[lb_av]": "lb", "[in_i]": "in", "Cel": "°C", "[degF]": "°F", "{INR}": "", "{score}": "",
    "{T-score}": "", "mL/min/{1.73_m2}": "mL/min/1.73 m²", "kg/m2": "kg/m²", "m[IU]/L": "mIU/L",
    "{copies}/mL": "copies/mL", "{nominal}": "", "n/a": "", "null": "", "{#}": "",
}  # fmt: skip


def ucum(unit: str) -> str:
    """A unit as UCUM writes it, where its spelling is known; any other as it came."""
    text = unit.strip()
    return _FOLDED.get("".join(text.casefold().split()), text)


def spoken_unit(unit: str) -> str:
    """A unit as people read it: ``mm[Hg]`` as mmHg; scores and ratios have none."""
    return _SPOKEN.get(unit, unit)


def spoken(value: str, unit: str) -> str:
    """A result as people read it: ``8.2 %``, ``132 mmHg``, ``Negative``."""
    text = re.sub(r"(\d+)\.0", r"\1", value) if re.fullmatch(r"[-+]?\d+\.0", value) else value
    return f"{text} {spoken_unit(ucum(unit))}".strip()


# -- Presets ---------------------------------------------------------------------------------------------------

_MG_PER_DL = "mg/dL"


def _per_mmol(molar_mass: str) -> dict[str, tuple[Decimal, Decimal]]:
    """mmol/L of a substance in mg/dL: a tenth of its molar mass in g/mol."""
    return {"mmol/L": (Decimal(molar_mass) / 10, Decimal(0))}


def _times(**factors: str) -> dict[str, tuple[Decimal, Decimal]]:
    return {unit: (Decimal(factor), Decimal(0)) for unit, factor in factors.items()}


def _lab(
    name: str,
    label: str,
    codes: str,
    unit: str = "",
    bounds: tuple[str, str, str] | None = None,
    converts: Mapping[str, tuple[Decimal, Decimal]] | None = None,
    *,
    protected: bool = False,
) -> Lab:
    numbers = None
    if bounds is not None:
        scale = max(max(0, -int(Decimal(each).as_tuple().exponent)) for each in bounds)
        low, high, step = (int(Decimal(each).scaleb(scale)) for each in bounds)
        numbers = NumberRange(low, high, step, scale)
    level = Level.PROTECTED if protected else Level.HEALTH
    return Lab(name, label, tuple(codes.split()), unit, numbers, dict(converts or {}), level)


_ALL = (
    # IFCC's master equation: NGSP (%) = 0.09148 * IFCC (mmol/mol) + 2.152.
    _lab("hba1c", "HbA1c", "4548-4 17856-6 4549-2 41995-2 59261-8 71875-9 55454-3 96595-4", "%",
         ("0", "20", "0.01"), {"mmol/mol": (Decimal("0.09148"), Decimal("2.152"))}),
    _lab("glucose", "Glucose", "2345-7 2339-0 41653-7 1558-6 14749-6 15074-8 2340-8 2341-6 14743-9 14771-0 76629-5",
         _MG_PER_DL, ("0", "1000", "0.1"), _per_mmol("180.156")),
    _lab("ldl", "LDL cholesterol", "2089-1 13457-7 18262-6 96259-7 39469-2 22748-8 49132-4", _MG_PER_DL,
         ("0", "1000", "0.1"), _per_mmol("386.65")),
    _lab("hdl", "HDL cholesterol", "2085-9 14646-4 49130-8", _MG_PER_DL, ("0", "1000", "0.1"), _per_mmol("386.65")),
    _lab("cholesterol", "Total cholesterol", "2093-3 14647-2", _MG_PER_DL, ("0", "1000", "0.1"), _per_mmol("386.65")),
    _lab("triglycerides", "Triglycerides", "2571-8 14927-8 3043-7 12951-0 3048-6", _MG_PER_DL, ("0", "1000", "0.1"),
         _per_mmol("885.7")),
    # These codes are all of the rate per 1.73 square meters, also where a system leaves that out of the unit.
    _lab("egfr", "eGFR", "33914-3 48642-3 48643-1 62238-1 69405-9 70969-1 77147-7 88293-6 88294-4 98979-8 98980-6",
         "mL/min/{1.73_m2}", ("0", "200", "0.1"), {"mL/min": (Decimal(1), Decimal(0))}),
    _lab("creatinine", "Creatinine", "2160-0 38483-4 14682-9 77140-2", _MG_PER_DL, ("0", "30", "0.01"),
         {"umol/L": (Decimal("0.011312"), Decimal(0))}),
    _lab("uacr", "Urine albumin/creatinine ratio", "9318-7 14959-1 13705-9 32294-1 14958-3 30000-4 76401-9 77254-1",
         "mg/g", ("0", "1000", "0.1"), {"mg/mmol": (Decimal(1000) / Decimal("113.12"), Decimal(0))}),
    _lab("systolic", "Systolic blood pressure", "8480-6 8459-0 8460-8 8461-6 75997-7 76534-7 87741-5", "mm[Hg]",
         ("0", "350", "1"), {"kPa": (Decimal("7.50061683"), Decimal(0))}),
    _lab("diastolic", "Diastolic blood pressure", "8462-4 8453-3 8454-1 8455-8 75995-1 76535-4 87736-5", "mm[Hg]",
         ("0", "250", "1"), {"kPa": (Decimal("7.50061683"), Decimal(0))}),
    _lab("bmi", "Body mass index", "39156-5 89270-3", "kg/m2", ("0", "150", "0.1")),
    _lab("weight", "Body weight", "29463-7 3141-9 3142-7 8350-1", "kg", ("0", "600", "0.1"),
         {"[lb_av]": (Decimal("0.45359237"), Decimal(0)), "g": (Decimal("0.001"), Decimal(0)),
          "[oz_av]": (Decimal("0.028349523125"), Decimal(0))}),
    _lab("height", "Body height", "8302-2 8301-4 3137-7 3138-5 8305-5 8306-3 8307-1 8308-9", "cm", ("0", "280", "0.1"),
         {"[in_i]": (Decimal("2.54"), Decimal(0)), "m": (Decimal(100), Decimal(0)),
          "[ft_i]": (Decimal("30.48"), Decimal(0))}),
    _lab("heart_rate", "Heart rate", "8867-4 8893-0 76282-3 40443-4", "/min", ("0", "350", "1")),
    _lab("respiratory_rate", "Respiratory rate", "9279-1 76270-8", "/min", ("0", "150", "1")),
    _lab("temperature", "Body temperature", "8310-5 8331-1 8328-7 8332-9 8329-5 8330-3 8333-7 60830-9", "Cel",
         ("20", "50", "0.1"), {"[degF]": (Decimal(5) / 9, Decimal(-160) / 9)}),
    _lab("oxygen", "Oxygen saturation", "59408-5 2708-6 2713-6 2709-4 51733-4", "%", ("0", "100", "0.1")),
    _lab("hemoglobin", "Hemoglobin", "718-7 20509-6 30313-1 30350-3 59260-0", "g/dL", ("0", "30", "0.1"),
         _times(**{"g/L": "0.1"})),
    _lab("potassium", "Potassium", "2823-3 6298-4 22760-3", "mmol/L", ("0", "20", "0.1"), _times(**{"meq/L": "1"})),
    _lab("sodium", "Sodium", "2951-2 2947-0", "mmol/L", ("0", "250", "0.1"), _times(**{"meq/L": "1"})),
    _lab("tsh", "TSH", "3016-3 3015-5 11579-0 11580-8", "m[IU]/L", ("0", "100", "0.01")),
    _lab("inr", "INR", "6301-6 34714-6 38875-1 46418-0", "{INR}", ("0", "20", "0.01"), _times(**{"": "1"})),
    _lab("alt", "ALT", "1742-6 1743-4 1744-2", "U/L", ("0", "5000", "1")),
    _lab("psa", "PSA", "2857-1 19195-7 35741-8 19197-3", "ng/mL", ("0", "100", "0.01"), _times(**{"ug/L": "1"})),
    _lab("vitamin_d", "Vitamin D", "1989-3 62292-8 35365-6 68438-1", "ng/mL", ("0", "300", "0.1"),
         {"ug/L": (Decimal(1), Decimal(0)), "nmol/L": (Decimal("0.40064"), Decimal(0))}),
    _lab("bone_density", "Bone density T-score", "38265-5 38267-1 80948-3", "{T-score}", ("-10", "10", "0.1"),
         _times(**{"": "1"})),
    # Specially protected: HIV, substance use (42 CFR Part 2), mental health, reproductive health.
    _lab("hiv_load", "HIV viral load",
         "20447-9 25836-8 21008-8 21333-0 23876-6 24013-5 29539-4 29541-0 41513-3 41514-1 41515-8 41516-6 48510-2 "
         "48511-0 48551-6 48552-4 49890-7 59419-2 62469-2 69353-1 69354-9 70241-5 10351-5 5017-9 9836-8 9837-6",
         "{copies}/mL", ("0", "10000", "1"), protected=True),
    _lab("cd4", "CD4 count", "24467-3 8123-2 20605-2 32515-9 54218-3", "/uL", ("0", "5000", "1"), protected=True),
    _lab("hiv_test", "HIV test",
         "7917-8 7918-6 14092-1 29327-4 29893-5 30361-0 31201-7 33866-5 40437-6 40438-4 40732-0 40733-8 42339-2 "
         "43009-0 43010-8 44533-0 44607-2 44871-4 44872-2 44873-0 47359-5 48345-3 48346-1 49483-1 49580-4 49905-3 "
         "5220-9 5221-7 5222-5 53379-4 53601-1 54086-4 56888-1 57182-8 57974-8 57975-5 57976-3 57977-1 57978-9 "
         "58900-2 62456-9 68961-2 69668-2 73905-2 73906-0 75622-1 75666-8 77685-6 80203-3 80387-4 81641-3 83101-6 "
         "85037-0 85686-4 86233-4 86657-4 89365-1 89374-3 9660-2 9661-0 9662-8 9663-6 9664-4 9665-1 9666-9 9667-7 "
         "9668-5 9669-3 31430-2 35437-3 35438-1 35439-9 22357-8 34591-8 34592-6 13499-9 16132-3 10901-7 10902-5 "
         "11078-3 11079-1 11080-9 11081-7 11082-5 12855-3 12856-1 12857-9 12858-7 12859-5", protected=True),
    _lab("drug_screen", "Drug screen",
         "65750-2 3349-8 3377-9 3390-2 3397-7 3426-4 3879-4 3936-2 3773-9 3774-7 14308-1 14309-9 14310-7 14312-3 "
         "14314-9 14315-6 14316-4 14317-2 18282-4 18390-5 19065-2 19141-1 19261-7 19270-8 19277-3 19281-5 19284-9 "
         "19286-4 19289-8 19292-2 19295-5 19312-8 19343-3 19346-6 19359-9 19415-9 19417-5 19429-0 19550-3 19554-5 "
         "19593-3 19643-6 19659-2 20410-7 20420-6 20521-1 20533-6 20543-5 20548-4 5642-4 5643-2 5644-0 5645-7 12286-1 "
         "12327-3 12361-2 16136-4 16195-0 16226-3 16369-1 26747-6 40823-7 42241-0 42242-8 43984-4 43985-1 58376-5 "
         "61420-8 69739-1 70145-8 70161-5 72479-9 73686-8 74669-3 77202-0 77207-9 82371-6 8150-9 8220-0 8221-8",
         protected=True),
    _lab("pregnancy_test", "Pregnancy test",
         "2106-3 2107-1 2110-5 2111-3 2112-1 2113-9 2114-7 2115-4 2118-8 2119-6 19080-1 19180-9 20415-6 20994-0 "
         "21198-7 25372-4 25373-2 30243-0 34670-0 45194-8 55869-2 55870-0 53959-3 56497-1 80384-1 80385-8 83086-9",
         protected=True),
    _lab("phq9", "PHQ-9 depression score", "44261-6 89204-2", "{score}", ("0", "27", "1"), protected=True),
    _lab("phq2", "PHQ-2 depression score", "55758-7", "{score}", ("0", "6", "1"), protected=True),
    _lab("gad7", "GAD-7 anxiety score", "70274-6", "{score}", ("0", "21", "1"), protected=True),
    _lab("audit_c", "AUDIT-C alcohol score", "75626-2", "{score}", ("0", "12", "1"), protected=True),
    _lab("dast10", "DAST-10 drug use score", "82667-7", "{score}", ("0", "10", "1"), protected=True),
)  # fmt: skip


class Labs(Mapping[str, Lab]):
    """The presets, and behind them the labs that the installation declared: ``own`` gives those, set at start."""

    def __init__(self, presets: Iterable[Lab]) -> None:
        self.presets: Mapping[str, Lab] = {lab.name: lab for lab in presets}
        self.own: Callable[[], Mapping[str, Lab]] = dict
        self._indexed: tuple[Mapping[str, Lab], dict[tuple[str, str], Lab]] = ({}, {})

    def __getitem__(self, name: str) -> Lab:
        found = self.presets.get(name)
        return found if found is not None else self.own()[name]

    def __contains__(self, name: object) -> bool:
        return name in self.presets or name in self.own()

    def __iter__(self) -> Iterator[str]:
        yield from self.presets
        yield from self.own()

    def __len__(self) -> int:
        return len(self.presets) + len(self.own())

    def own_of(self, system: str, code: str) -> Lab | None:
        """The own lab that a code means, or None."""
        own = self.own()
        if not own:
            return None
        if self._indexed[0] is not own:
            self._indexed = (own, {(lab.system, code): lab for lab in own.values() for code in lab.codes})
        return self._indexed[1].get((system, code))


LABS = Labs(_ALL)
"""Name to lab, in the order of the picker. A name is also that of the value set (``value_sets``)."""


# -- Events ----------------------------------------------------------------------------------------------------


def step_group(lab: str, step: int) -> str:
    """The group of events whose result falls into a step."""
    return f"result:{lab}:{step}"


def labs_of(event: Mapping[str, Any]) -> list[Lab]:
    """What an event measured: the presets its code belonged to when it was recorded."""
    if event.get("kind") != KIND:
        return []
    return [LABS[name] for name in event.get("sets") or () if name in LABS]


def event_step(lab: Lab, event: Mapping[str, Any]) -> int | None:
    """The step of an event's result, or None when it cannot be compared."""
    return lab.step(str(event.get("value") or ""), str(event.get("unit") or ""))


def in_order(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Events by when they happened, first ones first."""
    return sorted(events, key=_when)


def latest(events: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The event that happened last: by its moment as it is written, then by when it was recorded."""
    return max(events, key=_when, default=None)


def _when(event: Mapping[str, Any]) -> tuple[str, str, int]:
    on = str(event.get("on") or "")[:10]
    start = str(event.get("start") or "")
    return on, _moment(start) if start[:10] == on else "", int(event.get("id") or 0)


def _moment(start: str) -> str:
    """A start as text that can be compared: one with its distance from UTC as UTC, another as it is written."""
    try:
        at = datetime.fromisoformat(start)
    except ValueError:
        return start
    return at.astimezone(UTC).isoformat() if at.tzinfo else start


def uncomparable(event: Mapping[str, Any]) -> str:
    """Why an event's result is found by no rule about its value, in a sentence; "" where it is found, or has none."""
    if event.get("kind") != KIND:
        return ""
    system, code = str(event.get("system") or ""), str(event.get("code") or "")
    lab = _NUMBERED.get(code) if system == LOINC else None
    lab = lab or LABS.own_of(system, code)
    if lab is None or lab.numbers is None or event_step(lab, event) is not None:
        return ""
    if measured(str(event.get("value") or "")) is None:
        return f"{lab.label} without a number is kept and shown, but no rule about its value finds it"
    unit = str(event.get("unit") or "").strip()
    known = " or ".join(filter(None, (lab.unit, *lab.converts))) or "no unit"
    said = f"in “{unit[:20]}”" if unit else "without a unit"
    return f"{lab.label} {said} is kept and shown, but no rule about its value finds it: known is {known}"


_NUMBERED = {code: lab for lab in _ALL if lab.numbers is not None for code in lab.codes}
