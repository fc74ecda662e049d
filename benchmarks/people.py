"""A million invented people, if need be: deterministic, streamed to CSV, with non-ASCII names."""

from __future__ import annotations

import csv
import random
from datetime import date, timedelta
from pathlib import Path

FIRST = [
    "Ana",
    "Björn",
    "Chloé",
    "Dmitri",
    "Eleni",
    "Faye",
    "Günther",
    "Hana",
    "Inés",
    "Jürgen",
    "Käthe",
    "Luís",
    "Mía",
    "Noël",
    "Ольга",
    "Pál",
    "Qiu",
    "René",
    "Şule",
    "Tomás",
]
LAST = [
    "Åkesson",
    "Brown",
    "Castaño",
    "Dvořák",
    "Évora",
    "Fischer",
    "García",
    "Høgh",
    "Ito",
    "Jónsdóttir",
    "Kowalski",
    "López",
    "Müller",
    "Nguyễn",
    "O'Neil",
]
TOWNS = [
    ("Lexington", "Kentucky", "405"),
    ("Boise", "Idaho", "837"),
    ("Salem", "Oregon", "973"),
    ("Utica", "New York", "135"),
]
BEGIN, DAYS = date(1930, 1, 1), 30_000
EVENTS_BEGIN, EVENT_DAYS = date(2015, 1, 1), 4_300

MAPPING = {
    "match_on": "mrn",
    "columns": {
        "MRN": "mrn",
        "First": "first_name",
        "Last": "last_name",
        "Born": "birth_date",
        "Sex": "sex",
        "Email": "email",
        "Phone": "phone",
        "City": "city",
        "State": "state",
        "Zip": "zip",
        "Language": "language",
        "Marketing": "consent.marketing",
        "MarketingDate": "consent.marketing.date",
    },
    "date_format": "%Y-%m-%d",
    "ignore": [],
}


def write_people(path: Path, first: int, count: int, domain: str) -> None:
    """Rows ``first`` to ``first + count`` as CSV; the same numbers give the same people."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(MAPPING["columns"])
        for number in range(first, first + count):
            dice = random.Random(number)
            city, state, prefix = dice.choice(TOWNS)
            out.writerow(
                [
                    f"B{number:09}",
                    dice.choice(FIRST),
                    f"{dice.choice(LAST)}-{number % 9973}",
                    (BEGIN + timedelta(days=dice.randrange(DAYS))).isoformat(),
                    dice.choice("FM"),
                    f"p{number}@{domain}",
                    f"+1502{number % 10_000_000:07}",
                    city,
                    state,
                    f"{prefix}{number % 100:02}",
                    dice.choice(("en", "en", "en", "es")),
                    dice.choice(("granted", "granted", "granted", "denied")),
                    "2025-03-01",
                ]
            )


def events(first_person_id: int, number: int) -> list[tuple[str, date, str, tuple[str, ...], str]]:
    """(kind, day, source, groups, code) of what happened to person ``number``: two visits, one shot in two people."""
    dice = random.Random(-number - 1)
    found = []
    for visit in range(2):
        day = EVENTS_BEGIN + timedelta(days=dice.randrange(EVENT_DAYS))
        groups = ("class:" + dice.choice(("wellness", "ambulatory", "emergency")), "code:SNOMED:162673000")
        found.append(("encounter", day, f"bench:e:{number}:{visit}", groups, "162673000"))
    if dice.random() < 0.5:
        day = EVENTS_BEGIN + timedelta(days=dice.randrange(EVENT_DAYS))
        found.append(("immunization", day, f"bench:i:{number}", ("code:CVX:140", "set:influenza_vaccine"), "140"))
    return found
