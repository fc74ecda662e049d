"""The invented clinic: two thousand people, the same ones for the same day, with every case to be shown.

Pure: a seed and a day in, rows out, in the shapes that imports load. Dates lie relative to `now`, so that a
demo started any day has appointments tomorrow and a flu season behind it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.contacts.consent.given import ConsentCell
from apps.demo import names, results
from apps.imports.readers.rows import AppointmentRow, EventRow, PersonRow

SOURCE = "demo"
ZONE = "America/New_York"
# Addresses of a few outsiders that list hygiene stops at: nobody's own, misspelled, thrown away, cut off. None is ever
# mailed: the demo knows the way to its own mail servers only.
SUSPICIOUS = {
    4: "office@plainmail.test",
    10: "{local}@goodmail.con",
    13: "{local}@mailinator.com",
    16: "{local}@test",
}
SNOMED, CVX, RXNORM = "SNOMED", "CVX", "RXNORM"

CONDITIONS = {
    # name: (code, term, share of adults at 25, share at 75, medications as (code, term))
    "diabetes": ("44054006", "Diabetes mellitus type 2 (disorder)", 0.03, 0.24,
                 [("860975", "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet")]),
    "hypertension": ("59621000", "Essential hypertension (disorder)", 0.06, 0.52,
                     [("314076", "lisinopril 10 MG Oral Tablet"),
                      ("308136", "amLODIPine 2.5 MG Oral Tablet")]),
    "lipids": ("55822004", "Hyperlipidemia", 0.05, 0.38, [("314231", "Simvastatin 10 MG Oral Tablet")]),
    "asthma": ("195967001", "Asthma", 0.09, 0.06, [("745679", "albuterol 0.09 MG/ACTUAT Inhaler")]),
    "back": ("278860009", "Chronic low back pain (finding)", 0.05, 0.18, []),
    "arthritis": ("396275006", "Osteoarthritis (disorder)", 0.01, 0.30, []),
    "migraine": ("37796009", "Migraine (disorder)", 0.10, 0.05, []),
    "depression": ("35489007", "Depressive disorder (disorder)", 0.09, 0.08,
                   [("312941", "sertraline 50 MG Oral Tablet")]),
    "alcohol": ("7200002", "Alcoholism (disorder)", 0.02, 0.02, []),
    "hiv": ("86406008", "Human immunodeficiency virus infection (disorder)", 0.006, 0.003, []),
    "fibrillation": ("49436004", "Atrial fibrillation (disorder)", 0.002, 0.12, []),
    "kidney": ("709044004", "Chronic kidney disease (disorder)", 0.01, 0.17, []),
    "prediabetes": ("714628002", "Prediabetes (finding)", 0.08, 0.26, []),
}  # fmt: skip
CHILD_SHOTS = ((1, "03", "MMR"), (1, "21", "varicella"), (2, "20", "DTaP"), (2, "10", "IPV"),
               (11, "115", "Tdap"), (12, "62", "HPV  quadrivalent"))  # fmt: skip
FLU = ("140", "Influenza  seasonal  injectable  preservative free")
VISITS = {
    "check-up": ("162673000", "General examination of patient (procedure)", "wellness", 30),
    "well child": ("410620009", "Well child visit (procedure)", "wellness", 30),
    "follow-up": ("390906007", "Follow-up encounter (procedure)", "ambulatory", 20),
    "symptom": ("185345009", "Encounter for symptom (procedure)", "ambulatory", 20),
    "urgent": ("702927004", "Urgent care clinic (procedure)", "urgentcare", 20),
    "emergency": ("50849002", "Emergency room admission (procedure)", "emergency", 120),
}
KINDS = ("Annual check-up", "Follow-up", "Flu shot", "Diabetes review", "Blood pressure check", "Lab work")


@dataclass(slots=True, repr=False)
class Clinic:
    """Everything the demo loads; `key` of a person is the demo's external id.

    `guardians` maps a child's key to the guardian's; `suppressed` a key to (reason, days ago) of its mailbox.
    """

    people: list[PersonRow] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    appointments: list[AppointmentRow] = field(default_factory=list)
    guardians: dict[str, str] = field(default_factory=dict)
    suppressed: dict[str, tuple[str, int]] = field(default_factory=dict)


def clinic(now: datetime, *, size: int = 2000, seed: int = 20261122) -> Clinic:
    """Invent a clinic of `size` people. `now` is aware; the same arguments give the same clinic."""
    maker = _Maker(now, random.Random(seed))  # noqa: S311 - invented people need no secret chance
    for number in range(max(6, size // 50)):
        maker.outsider(number)
    while len(maker.made.people) < size:
        maker.household(size - len(maker.made.people))
    made = maker.made
    made.events += results.of(made.people, made.events, maker.today, random.Random(seed + 1))  # noqa: S311
    return made


class _Maker:
    """Draws people in a fixed order from one random stream."""

    def __init__(self, now: datetime, chance: random.Random) -> None:
        self.now = now.astimezone(ZoneInfo(ZONE))
        self.today = now.astimezone(ZoneInfo(ZONE)).date()
        self.chance = chance
        self.made = Clinic()
        self.home = 0

    # Who

    def household(self, room: int) -> None:
        """One to five people at one address; some share a mailbox, some a language, some a family doctor."""
        draw = self.chance
        self.home += 1
        spanish = draw.random() < 0.3
        last = draw.choice(names.LAST_ES if spanish else names.LAST_EN)
        last = names.WRITTEN.get(last, last)
        town, zip_code = draw.choice(names.TOWNS)
        address = {
            "line": f"{draw.randint(1, 240)} {draw.choice(names.STREETS)} {draw.choice(names.STREET_KINDS)}",
            "city": town,
            "county": "Linden County",
            "state": "Maine",
            "zip": zip_code,
            "country": "US",
        }
        shape = draw.choices(("single", "couple", "family", "alone with child"), (44, 27, 23, 6))[0]
        adults = 2 if shape in ("couple", "family") else 1
        children = draw.randint(1, 3) if shape in ("family", "alone with child") else 0
        base = draw.randint(27, 48) if children else int(draw.triangular(19, 93, 55))
        shared = f"home{self.home}@goodmail.test" if draw.random() < 0.3 else ""
        language = "es" if spanish and draw.random() < 0.6 else "en"
        parents: list[str] = []
        for place in range(min(adults, room)):
            age = min(97, max(18, base + draw.randint(-4, 4)))
            mailbox = shared or self.mailbox()
            sex = "F" if (place == 0) == (draw.random() < 0.85) else "M"
            parents.append(self.person(sex, age, last, spanish, language, address, mailbox))
        for _ in range(min(children, max(0, room - adults))):
            age = draw.randint(0, min(17, base - 18))
            orphan = draw.random() < 0.12
            mailbox = shared if shared or draw.random() < 0.5 else (self.mailbox() if age > 12 else "")
            key = self.person(draw.choice("FM"), age, last, spanish, language, address, mailbox)
            if not orphan:
                self.made.guardians[key] = parents[0]

    def person(
        self,
        sex: str,
        age: int,
        last: str,
        spanish: bool,
        language: str,
        address: dict[str, Any],
        mailbox: str,
    ) -> str:
        """Add a patient with everything that follows from age and chance; returns the key."""
        draw = self.chance
        number = len(self.made.people) + 1
        key = f"demo-{number:05}"
        born = self.today - timedelta(days=age * 365.25 // 1 + draw.randint(1, 364))
        pool = {
            ("F", True): names.WOMEN_ES,
            ("F", False): names.WOMEN_EN,
            ("M", True): names.MEN_ES,
            ("M", False): names.MEN_EN,
        }[sex, spanish]
        profile: dict[str, Any] = {
            "first_name": draw.choice(pool),
            "last_name": last,
            "birth_date": born.isoformat(),
            "sex": sex if draw.random() > 0.008 else "X",
            "relation": "patient",
            "mrn": f"RB-{100000 + number}",
            "language": language,
            "phone": f"(207) 555-01{number % 100:02}",
            "address": dict(address),
            "external_ids": {SOURCE: key},
            "ethnicity": "hispanic" if spanish else "nonhispanic",
            "marital_status": draw.choice("MSDW") if age > 24 else "S",
        }
        if mailbox and draw.random() > 0.04:
            profile["email"] = mailbox
        died = None
        if draw.random() < (0.008 if age < 60 else 0.09):
            died = self.today - timedelta(days=draw.randint(20, 900))
            if died <= born:
                died = None
        if died:
            profile["death_date"] = died.isoformat()
        self.made.people.append(PersonRow(number, key, profile, () if age < 18 else self.consents()))
        self.history(key, age, born, sex, died)
        if not died:
            self.visits(key, age)
        if profile.get("email") and draw.random() < 0.04:
            self.made.suppressed[key] = (
                draw.choices(("hard_bounce", "unsubscribed", "complaint"), (5, 4, 2))[0],
                draw.randint(3, 300),
            )
        return key

    def outsider(self, number: int) -> None:
        """Somebody who is no patient: a partner of the clinic or a subscriber of its public newsletter."""
        draw = self.chance
        line = len(self.made.people) + 1
        key = f"demo-{line:05}"
        profile: dict[str, Any] = {
            "first_name": draw.choice(names.WOMEN_EN + names.MEN_EN),
            "last_name": draw.choice(names.LAST_EN),
            "external_ids": {SOURCE: key},
            "email": self.mailbox(),
            "language": "en",
        }
        if number in SUSPICIOUS:
            local = profile["email"].partition("@")[0]
            profile["email"] = SUSPICIOUS[number].format(local=local)
        relation = "b2b" if number % 3 else "subscriber"
        profile["relation"] = relation
        if relation == "b2b":
            profile["organization"] = draw.choice(names.COMPANIES)
            profile["job_title"] = draw.choice(("Office manager", "Physician", "Care coordinator", "Buyer"))
        purpose = "b2b" if relation == "b2b" else "marketing"
        consent = self.consent(purpose, "granted") if draw.random() < 0.9 else None
        self.made.people.append(PersonRow(line, key, profile, (consent,) if consent else ()))

    def mailbox(self) -> str:
        """An address at one of the demo providers that says nothing about who reads it."""
        number = len(self.made.people) + 1
        provider = self.chance.choices(
            ("goodmail.test", "plainmail.test", "oldmail.test", "keymail.test", "trouble"), (60, 14, 8, 12, 6)
        )[0]
        letters = "".join(self.chance.choice("bcdfghklmnprstvz") for _ in range(4))
        if provider == "trouble":  # what such a mailbox answers is told by its name: apps.demo.mail
            habit = self.chance.choices(("gone", "full", "grey", "spam", "late"), (5, 1, 1, 1, 2))[0]
            return f"{habit}-{letters}{number}@goodmail.test"
        return f"{letters}{number}@{provider}"

    # What they agreed to

    def consents(self) -> tuple[ConsentCell, ...]:
        """Marketing for most adults, fundraising for some, a few refusals."""
        draw = self.chance
        made = []
        roll = draw.random()
        if roll < 0.62:
            made.append(self.consent("marketing", "granted"))
        elif roll < 0.74:
            made.append(self.consent("marketing", "denied"))
        if draw.random() < 0.25:
            made.append(self.consent("fundraising", "granted"))
        return tuple(made)

    def consent(self, purpose: str, state: str) -> ConsentCell:
        """One consent with all of its particulars."""
        draw = self.chance
        return ConsentCell(
            purpose,
            state,
            self.today - timedelta(days=draw.randint(10, 1500)),
            draw.choice(("paper form", "front desk", "web form", "telephone")),
            draw.choice(("2024-1", "2025-2")),
            draw.choice(("Front desk", "Patient", "Call center")),
        )

    # What happened

    def history(self, key: str, age: int, born: date, sex: str, died: date | None) -> None:
        """Conditions, medications, visits and immunizations until today or death."""
        draw = self.chance
        last = (died or self.today) - timedelta(days=1)
        if last <= born:
            return
        for name, (code, term, young, old, medications) in CONDITIONS.items():
            share = young + (old - young) * (min(max(age, 25), 75) - 25) / 50 if age >= 18 else 0.0
            if name == "asthma" and 4 <= age < 18:
                share = 0.08
            if draw.random() >= share:
                continue
            began = self.between(max(born, last - timedelta(days=3650)), last)
            self.event(key, "condition", began, code, SNOMED, term)
            for drug, label in medications[: draw.randint(1, 2)]:
                self.event(key, "medication", began, drug, RXNORM, label)
        if sex == "F" and 22 <= age <= 38 and draw.random() < 0.06:
            began = last - timedelta(days=draw.randint(20, 200))
            self.event(key, "condition", began, "72892002", SNOMED, "Normal pregnancy")
        for years in range(6):
            if draw.random() < (0.7 if age > 50 or age < 12 else 0.45):
                visit = "well child" if age < 18 else "check-up"
                day = last - timedelta(days=years * 365 + draw.randint(0, 340))
                if day > born:
                    self.visit(key, visit, day)
                    if draw.random() < 0.55:
                        self.event(key, "immunization", day, FLU[0], CVX, FLU[1])
        for _ in range(draw.choices((0, 1, 2, 4), (45, 30, 18, 7))[0]):
            visit = draw.choices(("symptom", "follow-up", "urgent", "emergency"), (45, 35, 14, 6))[0]
            self.visit(key, visit, self.between(max(born, last - timedelta(days=1460)), last))
        for years, code, term in CHILD_SHOTS:
            day = born + timedelta(days=int(years * 365.25) + draw.randint(0, 60))
            if day < last and last.year - day.year < 20 and draw.random() < 0.9:
                self.event(key, "immunization", day, code, CVX, term)
        if age >= 60 and draw.random() < 0.5:
            self.event(key, "immunization", self.between(last - timedelta(days=2500), last), "121", CVX, "zoster")
        if age >= 50 and draw.random() < 0.25:
            day = self.between(last - timedelta(days=2500), last)
            self.event(key, "procedure", day, "73761001", SNOMED, "Colonoscopy")

    def visit(self, key: str, name: str, day: date) -> None:
        """An encounter."""
        code, term, kind, minutes = VISITS[name]
        hour = self.chance.randint(8, 16)
        self.event(key, "encounter", day, code, SNOMED, term, hour=hour, minutes=minutes, **{"class": kind})

    def event(
        self, key: str, kind: str, day: date, code: str, system: str, term: str, hour: int = 10,
        minutes: int = 0, **more: str,
    ) -> None:  # fmt: skip
        """Add one event; its identity is its place, which the seed fixes."""
        event: dict[str, Any] = {"kind": kind, "code": code, "system": system, "term": term}
        event["start"] = f"{day.isoformat()}T{hour:02}:00:00Z" if kind != "condition" else day.isoformat()
        if minutes:
            event["stop"] = f"{day.isoformat()}T{hour + minutes // 60:02}:{minutes % 60:02}:00Z"
        event.update(more)
        line = len(self.made.events) + 1
        self.made.events.append(EventRow(line, key, f"demo|{key}|{line}", event, day))

    # What is to come

    def visits(self, key: str, age: int) -> None:
        """Appointments from last week to two months ahead; a few cancelled, kept or missed."""
        draw = self.chance
        if draw.random() < 0.34:
            ahead = draw.choices((draw.randint(0, 3), draw.randint(4, 14), draw.randint(15, 60)), (2, 4, 5))[0]
            self.appointment(key, ahead, "cancelled" if draw.random() < 0.07 else "booked", age)
        if draw.random() < 0.06:
            self.appointment(key, -draw.randint(1, 9), draw.choices(("kept", "missed"), (5, 1))[0], age)

    def appointment(self, key: str, days: int, status: str, age: int) -> None:
        """One appointment on a working day in clinic hours."""
        draw = self.chance
        day = self.today + timedelta(days=days)
        step = 1 if days >= 0 else -1
        while day.weekday() >= 5:
            day += timedelta(days=step)
        hour, minute = draw.randint(8, 16), draw.choice((0, 20, 40))
        if day == self.today and hour <= self.now.hour:
            day += timedelta(days=3 if day.weekday() == 4 else 1)
        self.made.appointments.append(
            AppointmentRow(
                line=len(self.made.appointments) + 1,
                external=f"demo-visit-{len(self.made.appointments) + 1}",
                person=("patient", key),
                start=f"{day.isoformat()}T{hour:02}:{minute:02}",
                zone=ZONE,
                kind="Well child visit" if age < 18 else draw.choice(KINDS),
                location=draw.choice(names.LOCATIONS),
                provider=draw.choice(names.PROVIDERS),
                minutes=draw.choice((20, 30, 40)),
                status=status,
            )
        )

    def between(self, first: date, last: date) -> date:
        """A day in [first, last]."""
        return first + timedelta(days=self.chance.randint(0, max(0, (last - first).days)))
