"""One row for each kind of condition: what it reads and says, and whom it finds, opened and by the statement.

A new kind adds its row to ``KINDS`` (docs/adding-a-condition.md) and is then part of every random rule of
test_compiler.py.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import random
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from apps.contacts import services
from apps.contacts.appointments.services import Doubt, appointments_hold
from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes.numbers import NumberRange
from apps.contacts.attributes.services import Wanted, attribute_create, range_for
from apps.contacts.models import Appointment
from apps.contacts.person import renewal
from apps.contacts.person import selectors as contacts
from apps.contacts.person.fields import FIELDS, FieldSpec
from apps.contacts.services import NewEvent
from apps.contacts.tags import definitions as tags
from apps.contacts.timeline.clinical import coded
from apps.core import actors, clock
from apps.core.levels import Level
from apps.imports import selectors as imports
from apps.imports.models import ImportedPeople, ImportJob
from apps.segments import compiler, draft, rules
from apps.segments.conditions import CONDITIONS, kind_of
from apps.segments.conditions.base.controls import Offer
from apps.segments.rows import Row, rows, whats
from tests.refusals import refused

CLI = actors.COMMAND_LINE
ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)
SEGMENTS = Path(compiler.__file__).parent
Json = dict[str, Any]

#: An own number as an administrator adds it, and the attribute that it becomes.
DAYS_OF_STAY = Wanted("Days of stay", "number", Level.HEALTH, numbers=range_for("0", "200", "1"))
STAY = FieldSpec(
    "attribute.days_of_stay", "Days of stay", "number", Level.HEALTH, ("attributes", "days_of_stay"), "range",
    slot=0, numbers=NumberRange(0, 200),
)  # fmt: skip
RECALL = FieldSpec("tag.Recall", "Recall", "tag", Level.PROTECTED, ("tags", "Recall"), merge=False)
FIELDS_HERE: Mapping[str, FieldSpec] = {**FIELDS, STAY.name: STAY, RECALL.name: RECALL}
NAMES = rules.Names(
    segments={
        "Grown women": rules.parse(
            {
                "match": "all",
                "rules": [
                    {"field": "sex", "op": "is", "value": "F"},
                    {"field": "age", "op": "at_least", "from": 18},
                ],
            }
        )
    },
    campaigns={"Flu 2026": 12, "Checkup": 13},
    fields=FIELDS_HERE,
)


@dataclass(frozen=True)
class Someone:
    """What stands on the record of a person: profile, consents, what happened, days until appointments."""

    profile: Json = field(default_factory=dict)
    consents: Mapping[str, str] = field(default_factory=dict)
    events: tuple[tuple[str, str, Json, tuple[str, ...]], ...] = ()  # kind, day, facts, groups
    visits_in_days: tuple[int, ...] = ()


@dataclass(frozen=True)
class Kind:
    """One kind: an example as JSON, in English and as the builder posts it; random ones; who fits the example."""

    document: Json
    said: str
    level: Level
    posted: Mapping[str, str]  # one row of the builder, without the row's name
    vary: Callable[[random.Random], Json]  # any document of the kind
    fits: Someone
    other: Someone
    refers_to: tuple[tuple[str, str], ...] = ()
    # For a kind that goes by the number of a person: the example about these two, who are (fits, other).
    about: Callable[[int, int], Json] | None = None


def some_day(draw: random.Random, first: int, last: int) -> str:
    return (TODAY + timedelta(days=draw.randint(first, last))).isoformat()


def some_window(draw: random.Random) -> Json:
    return draw.choice(
        [
            {},
            {"last_days": draw.randint(0, 800)},
            {"last_days": draw.randint(0, 120), "unit": "weeks"},
            {"last_days": draw.randint(0, 30), "unit": "months"},
            {"last_days": draw.randint(0, 10), "unit": "years"},
            {"from": some_day(draw, -900, 0)},
            {"to": some_day(draw, -900, 0)},
            {"from": some_day(draw, -900, -400), "to": some_day(draw, -300, 0)},
        ]
    )


def some_repeat(draw: random.Random) -> Json:
    return draw.choice([{"op": "never"}, {"op": "at_least", "times": draw.choice([1, 1, 2, 3])}])


def some_age(draw: random.Random) -> Json:
    years = draw.randint(0, 90)
    return draw.choice(
        [
            {"field": "age", "op": "at_least", "from": years},
            {"field": "age", "op": "at_most", "to": years},
            {"field": "age", "op": "between", "from": years, "to": years + 20},
        ]
    )


def some_date(draw: random.Random) -> Json:
    day = some_day(draw, -36000, 0)
    return draw.choice(
        [
            {"field": "birth_date", "op": draw.choice(["before", "after"]), "value": day},
            {"field": "birth_date", "op": "between", "from": day, "to": "2026-01-01"},
            {"field": "birth_date", "op": "anniversary_in_days", "days": draw.choice([0, 30, 120])},
            {"field": "birth_date", "op": "anniversary_in_days", "days": draw.choice([1, 5, 10]), "unit": "months"},
            {"field": "birth_date", "op": "in_last_days", "days": draw.randint(0, 10), "unit": "years"},
        ]
    )


def some_number(draw: random.Random) -> Json:
    low = draw.randint(0, 100)
    return draw.choice(
        [
            {"field": "attribute.days_of_stay", "op": "at_least", "from": low},
            {"field": "attribute.days_of_stay", "op": "at_most", "to": low},
            {"field": "attribute.days_of_stay", "op": "between", "from": low, "to": low + 50},
        ]
    )


def some_attribute(draw: random.Random) -> Json:
    return draw.choice(
        [
            {"field": "sex", "op": draw.choice(["is", "is_not"]), "value": draw.choice("FM")},
            {"field": "city", "op": draw.choice(["in", "not_in"]), "value": ["Lexington", "Paris"]},
            {"field": draw.choice(["sex", "birth_date", "email"]), "op": draw.choice(["exists", "missing"])},
            {"field": "relation", "op": draw.choice(["is", "is_not"]), "value": draw.choice(["patient", "b2b"])},
            {"field": "relation", "op": draw.choice(["exists", "missing"])},
            {"field": "email", "op": draw.choice(["is", "is_not"]), "value": "b@GOODMAIL.test"},
            {"field": "first_name", "op": "starts_with", "value": draw.choice(["ann", "oy", "an"])},
            {"field": "first_name", "op": "is", "value": draw.choice(["ann", "mary ann"])},
            {"field": "attribute.plan", "op": draw.choice(["is", "is_not"]), "value": "gold"},
        ]
    )


CODES = [("immunization", "CVX", "140"), ("immunization", "CVX", "121"), ("condition", "SNOMED", "44054006")]


def some_event(draw: random.Random) -> Json:
    kind, system, code = draw.choice(CODES)
    happened = draw.choice(
        [
            {"event": "encounter", "class": draw.choice(["wellness", None])},
            {"event": kind, "system": system, "code": draw.choice([code, [code, "121"]])},
            {"event": "condition", "set": "diabetes"},
        ]
    )
    return happened | some_repeat(draw) | some_window(draw)


def some_appointment(draw: random.Random) -> Json:
    return draw.choice(
        [
            {"appointment": "booked", "in_next_days": draw.randint(0, 40)},
            {"appointment": "booked", "in_next_days": draw.randint(0, 5), "unit": draw.choice(["weeks", "months"])},
            {"appointment": "none_upcoming"},
        ]
    )


def some_consent(draw: random.Random) -> Json:
    return {"consent": "marketing", "state": draw.choice(["granted", "denied", "none"])}


def some_engagement(draw: random.Random) -> Json:
    asked = {"engagement": draw.choice(["clicked", "sent"]), "campaign": draw.choice([None, "Flu 2026"])}
    return asked | some_repeat(draw) | draw.choice([{}, {"last_days": 300}, {"last_days": 10, "unit": "months"}])


def some_segment(draw: random.Random) -> Json:
    return {"segment": "Grown women", "op": draw.choice(["in", "not_in"])}


def some_tag(draw: random.Random) -> Json:
    return {"tag": draw.choice([1, 2]), "op": draw.choice(["has", "has_not"])}


def tag_of(has: int, has_not: int) -> Json:
    """A tag that one of two people has, and another that the other has."""
    recall, other = (services.tag_create(actor=CLI, name=name).id for name in ("Recall", "Other"))
    services.tags_give(actor=CLI, pairs=[(has, recall), (has_not, other)])
    return {"tag": recall, "op": "has"}


def some_import(draw: random.Random) -> Json:
    return {"import": draw.choice([1, 12]), "op": draw.choice(["made", "changed", "any"])}


def import_of(made_by_it: int, changed_by_it: int) -> Json:
    """An import that made one of two people and changed the other."""
    job = ImportJob(kind="list", actor_kind="command")
    job.save()
    ImportedPeople.objects.create(job=job, made=[made_by_it], changed=[changed_by_it])
    return {"import": job.pk, "op": "made"}


def some_sample(draw: random.Random) -> Json:
    return {"sample": draw.choice([0.1, 5, 12.5, 50, 99.9]), "key": draw.choice(["autumn", "winter"])}


def sample_of(inside: int, outside: int) -> Json:
    """A sample of half of everybody with one of two people and without the other, drawn as it is documented."""

    def first_byte(key: str, person: int) -> int:
        return hashlib.sha256(key.encode() + struct.pack(">q", person)).digest()[0]

    keys = (f"key-{number}" for number in itertools.count())
    return {"sample": 50, "key": next(k for k in keys if first_byte(k, inside) < 128 <= first_byte(k, outside))}


def shot(day: str) -> tuple[str, str, Json, tuple[str, ...]]:
    return ("immunization", day, {"system": "CVX", "code": "140"}, ("code:CVX:140",))


def hba1c(day: str, value: str, unit: str = "%") -> tuple[str, str, Json, tuple[str, ...]]:
    facts, groups = coded("observation", {"system": "LOINC", "code": "4548-4", "value": value, "unit": unit})
    return ("observation", day, facts, groups)


def some_lab(draw: random.Random) -> Json:
    name, bound = draw.choice([("hba1c", 9), ("hba1c", 6.5), ("systolic", 140)])
    asked = draw.choice(
        [
            {"op": draw.choice(["measured", "never"])},
            {"op": draw.choice(["over", "at_least"]), "from": bound},
            {"op": draw.choice(["under", "at_most"]), "to": bound},
            {"op": "between", "from": bound, "to": bound + 2},
        ]
    )
    which = {"result": draw.choice(["last", "any"])} if asked["op"] not in ("measured", "never") else {}
    last = draw.choice([{}, {"last_days": draw.randint(0, 800)}, {"last_days": draw.randint(1, 30), "unit": "months"}])
    return {"lab": name, **asked, **which, **last}


def click(day: str, campaign: int) -> tuple[str, str, Json, tuple[str, ...]]:
    return ("message.clicked", day, {"campaign": campaign}, (f"message.clicked:campaign:{campaign}",))


KINDS: dict[str, Kind] = {
    "age": Kind(
        {"field": "age", "op": "at_least", "from": 65},
        "Is 65 or older",
        Level.IDENTIFIER,
        {"what": "field:age", "op": "at_least", "from": "65"},
        some_age,
        fits=Someone({"birth_date": "1961-11-20"}),
        other=Someone({"birth_date": "1961-11-21"}),
    ),
    "date": Kind(
        {"field": "birth_date", "op": "between", "from": "1952-01-01", "to": "1976-12-31"},
        "Birth date is between Jan 1, 1952 and Dec 31, 1976",
        Level.IDENTIFIER,
        {"what": "field:birth_date", "op": "between", "from": "1952-01-01", "to": "1976-12-31"},
        some_date,
        fits=Someone({"birth_date": "1976-12-31"}),
        other=Someone({"birth_date": "1977-01-01"}),
    ),
    "number": Kind(
        {"field": "attribute.days_of_stay", "op": "at_least", "from": 3},
        "Days of stay is at least 3",
        Level.HEALTH,
        {"what": "field:attribute.days_of_stay", "op": "at_least", "from": "3"},
        some_number,
        fits=Someone({"attributes": {"days_of_stay": "3"}}),
        other=Someone({"attributes": {"days_of_stay": "2"}}),
        refers_to=(("attribute", "attribute.days_of_stay"),),
    ),
    "attribute": Kind(
        {"field": "city", "op": "in", "value": ["Lexington", "Ashland"]},
        "City is Lexington or Ashland",
        Level.IDENTIFIER,
        {"what": "field:city", "op": "in", "value": "Lexington, Ashland"},
        some_attribute,
        fits=Someone({"address": {"city": "ashland"}}),
        other=Someone({"address": {"city": "Paris"}}),
    ),
    "event": Kind(
        {"event": "immunization", "op": "at_least", "times": 1, "code": "140", "system": "CVX", "from": "2026-09-01"},
        "Has had vaccination CVX 140 on or after Sep 1, 2026",
        Level.HEALTH,
        {
            "what": "event:immunization", "op": "at_least", "times": "1", "which": "code", "code": "CVX 140",
            "when": "since", "from": "2026-09-01",
        },
        some_event,
        fits=Someone(events=(shot("2026-09-01"),)),
        other=Someone(events=(shot("2026-08-31"),)),
    ),
    "lab": Kind(
        {"lab": "hba1c", "op": "over", "result": "last", "from": 9, "last_days": 12, "unit": "months"},
        "Last HbA1c is over 9%, taken in the last 12 months",
        Level.HEALTH,
        {
            "what": "lab:", "lab": "hba1c", "result": "last", "op": "over", "from": "9", "when": "last",
            "last_days": "12", "unit": "months",
        },
        some_lab,
        fits=Someone(events=(hba1c("2026-05-01", "9.1"), hba1c("2026-04-30", "7"))),
        other=Someone(events=(hba1c("2026-05-01", "9.0"), hba1c("2026-04-30", "10.2"))),
    ),
    "appointment": Kind(
        {"appointment": "booked", "in_next_days": 14},
        "Has an appointment in the next 14 days",
        Level.HEALTH,
        {"what": "appointment:", "op": "booked", "days": "14", "unit": "days"},
        some_appointment,
        fits=Someone(visits_in_days=(13,)),
        other=Someone(visits_in_days=(14,)),
    ),
    "consent": Kind(
        {"consent": "marketing", "state": "denied"},
        "Consent for marketing is denied",
        Level.HEALTH,
        {"what": "consent:marketing", "op": "denied"},
        some_consent,
        fits=Someone(consents={"marketing": "denied"}),
        other=Someone(consents={"marketing": "granted", "fundraising": "denied"}),
    ),
    "engagement": Kind(
        {"engagement": "clicked", "op": "at_least", "times": 1, "campaign": "Flu 2026", "last_days": 180},
        "Clicked in the campaign “Flu 2026” in the last 180 days",
        Level.HEALTH,
        {
            "what": "engagement:clicked", "op": "at_least", "times": "1", "campaign": "Flu 2026", "when": "last",
            "last_days": "180", "unit": "days",
        },
        some_engagement,
        fits=Someone(events=(click("2026-10-01", 12),)),
        other=Someone(events=(click("2026-10-01", 13),)),
        refers_to=(("campaign", "Flu 2026"),),
    ),
    "segment": Kind(
        {"segment": "Grown women", "op": "in"},
        "Is in the segment “Grown women”",
        Level.IDENTIFIER,
        {"what": "segment:", "op": "in", "value": "Grown women"},
        some_segment,
        fits=Someone({"sex": "F", "birth_date": "1990-01-01"}),
        other=Someone({"sex": "F", "birth_date": "2020-01-01"}),
        refers_to=(("segment", "Grown women"),),
    ),
    "tag": Kind(
        {"tag": "Recall", "op": "has"},
        "Has the tag “Recall”",
        Level.PROTECTED,
        {"what": "tag:", "op": "has", "tag": "Recall"},
        some_tag,
        fits=Someone(),
        other=Someone(),
        refers_to=(("tag", "Recall"),),
        about=tag_of,
    ),
    "imported": Kind(
        {"import": 12, "op": "made"},
        "Was added by import 12",
        Level.HEALTH,
        {"what": "import:", "op": "made", "import": "12"},
        some_import,
        fits=Someone(),
        other=Someone(),
        refers_to=(("import", 12),),
        about=import_of,
    ),
    "sample": Kind(
        {"sample": 12.5, "key": "5f0c2a9e7b4d1386"},
        "Is in a random sample of 12.5%",
        Level.PUBLIC,
        {"what": "sample:", "percent": "12.5", "key": "5f0c2a9e7b4d1386"},
        some_sample,
        fits=Someone(),
        other=Someone(),
        about=sample_of,
    ),
}  # fmt: skip


def some_condition(draw: random.Random) -> Json:
    """A random document of a random kind."""
    return KINDS[draw.choice(list(KINDS))].vary(draw)


def parsed(document: Json) -> rules.Rule:
    return rules.parse({"match": "all", "rules": [document]}, fields=FIELDS_HERE)


OFFER = Offer(
    segments=["Grown women"],
    campaigns=["Flu 2026"],
    sets=[("diabetes", "Diabetes")],
    attributes=[STAY.name],
    tags=["Recall"],
    fields=FIELDS_HERE,
)
each_kind = pytest.mark.parametrize("name", KINDS)


def test_every_registered_kind_has_its_row_and_its_file() -> None:
    assert list(KINDS) == list(CONDITIONS)
    files = {path.stem for path in (SEGMENTS / "conditions").glob("*.py")} - {"__init__"}
    assert files == set(CONDITIONS)


@each_kind
def test_it_is_read_said_and_written_back(name: str) -> None:
    kind = KINDS[name]
    assert kind_of(kind.document, FIELDS_HERE) is CONDITIONS[name]
    rule = parsed(kind.document)
    assert rules.sentence(rule, fields=FIELDS_HERE) == kind.said
    assert rules.level(rule, NAMES) == kind.level
    (condition,) = rule.rules
    assert list(condition.to_document().items()) == list(kind.document.items()), "approvals hash what is written"
    draw = random.Random(3)
    for document in (kind.vary(draw) for _ in range(50)):
        written = parsed(document).to_document()
        assert rules.parse(written, fields=FIELDS_HERE).to_document() == written
        assert CONDITIONS[name] is kind_of(document, FIELDS_HERE) or document["op"] in ("exists", "missing")
    with refused("condition.part_unknown"):
        parsed(kind.document | {"misspelled": 1})


@each_kind
def test_what_it_names_can_be_told_and_replaced(name: str) -> None:
    rule = parsed(KINDS[name].document)
    named = rules.references(rule)
    assert tuple((each.kind, each.name) for each in named) == KINDS[name].refers_to
    moved = rules.with_references(rule, {each: f"{each.name}_x" for each in named})
    assert [each.name for each in rules.references(moved)] == [f"{each.name}_x" for each in named]
    back = {each: first.name for each, first in zip(rules.references(moved), named, strict=True)}
    assert rules.with_references(moved, back) == rule
    assert rules.with_references(rule, {}) == rule


def controls_of(row: Row) -> dict[str, str]:
    """What a browser posts for a row."""
    found = {control.name: control.value for part in row.parts for control in part.controls if control.name}
    return {"what": row.what, **found}


@each_kind
def test_the_builder_draws_what_it_reads(name: str) -> None:
    kind = KINDS[name]
    form = {"shape": "[0]", **{f"n0.{part}": value for part, value in kind.posted.items()}}
    tree = draft.read(form, FIELDS_HERE)
    assert tree == {"match": "all", "rules": [kind.document]}
    (row,) = rows(tree, OFFER, lambda system, code: None).children
    assert controls_of(row) == kind.posted
    assert kind.posted["what"] in [value for _, choices in whats(OFFER) for value, _ in choices]


@each_kind
def test_a_row_that_was_just_chosen_is_complete_or_says_what_is_missing(name: str) -> None:
    """Whatever stood in the row before, and whatever else a form may hold."""
    for before in (kind.posted for kind in KINDS.values()):
        form = {"shape": "[0]", **{f"n0.{part}": value for part, value in before.items()}}
        form["n0.what"] = KINDS[name].posted["what"]
        tree = draft.read(form, FIELDS_HERE)
        (row,) = rows(tree, OFFER, lambda system, code: None).children
        assert row.what == form["n0.what"]
        said = problem(tree)
        assert said == "" or said.startswith("Condition 1: ")


def problem(tree: Json) -> str:
    """What is wrong with a rule, or ""."""
    try:
        rules.parse(tree, fields=FIELDS_HERE)
    except rules.RuleError as error:
        return str(error)
    return ""


def made(someone: Someone) -> int:
    """The number of a new person with that record."""
    person_id = services.contact_create(actor=CLI, profile={"first_name": "Ana", **someone.profile}).id
    events = [
        NewEvent(person_id, kind, date.fromisoformat(day), f"{person_id}:{place}", facts, groups)
        for place, (kind, day, facts, groups) in enumerate(someone.events)
    ]
    services.events_record(actor=CLI, events=events)
    for purpose, state in someone.consents.items():
        services.consent_record(actor=CLI, person_id=person_id, purpose=purpose, state=state, on=TODAY, method="paper")
    for days in someone.visits_in_days:
        start = datetime(2026, 11, 20, 15, tzinfo=ZONE) + timedelta(days=days)
        services.appointment_book(actor=CLI, person_id=person_id, start=start, kind="Visit")
    return person_id


@pytest.fixture
def own_number() -> rules.Names:
    """The number that the rows ask for, made by the organization; what names stand for then."""
    attribute_create(actor=CLI, wanted=DAYS_OF_STAY)
    return replace(NAMES, fields=attributes.catalog())


@pytest.mark.django_db
@each_kind
def test_the_opened_record_and_the_statement_find_the_same_person(name: str, own_number: rules.Names) -> None:
    kind = KINDS[name]
    with clock.frozen(NOW):
        fits, other = made(kind.fits), made(kind.other)
        people = contacts.open_people(actor=CLI, purpose="scene", ids=[fits, other])
        contacts.load_events(people)
        contacts.load_appointments(people)
    document = kind.document if kind.about is None else kind.about(fits, other)
    imports.load_imports(people)
    tags.load_tags(people)
    for match, expected in (("all", {fits}), ("any", {fits}), ("none", {other})):
        rule = rules.parse({"match": match, "rules": [document]}, fields=own_number.fields)
        by_record = {number for number, each in people.items() if rules.matches(rule, each, NOW, ZONE, own_number)}
        assert by_record == expected
        statements = [compiler.compile(rule, NOW, ZONE, own_number), compiler.people(rule, NOW, ZONE, own_number)]
        for style in ({"joins": True}, {"one": True}):
            where, params = compiler.condition(rule, NOW, ZONE, own_number, **style)
            statements.append((f"SELECT s.person_id FROM contacts_personsearch s WHERE {where}", params))
        for sql, params in statements:
            with connection.cursor() as cursor:
                cursor.execute(sql, params)
                assert {row[0] for row in cursor.fetchall()} == expected
        told = rules.verdict(rule, people[fits], NOW, ZONE, own_number)
        assert told is (None if CONDITIONS[name].TIMELINE else fits in expected), "nobody's timeline is open then"


def imported(path: Path) -> set[str]:
    """Everything a module imports, dotted."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module or ''}.{alias.name}" for alias in node.names}
    return found


def test_nobody_but_its_own_file_knows_a_kind() -> None:
    """Where another module of segments names the class of a kind, the next kind has to be added there, too."""
    names = [kind.__name__ for kind in CONDITIONS.values()]
    for path in SEGMENTS.rglob("*.py"):
        if path.parent == SEGMENTS / "conditions":
            continue
        text = path.read_text(encoding="utf-8")
        assert [name for name in names if name in text] == [], path.name


def test_kinds_are_pure() -> None:
    for path in (SEGMENTS / "conditions").rglob("*.py"):
        unwelcome = ("django", "apps.core.clock")
        assert [name for name in imported(path) if name.startswith(unwelcome) or ".services" in name] == [], path.name


TOKYO, ANGELES = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Los_Angeles")


@pytest.mark.django_db
def test_the_next_days_are_counted_from_now_to_the_minute_wherever_the_visit_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime(2026, 11, 22, 10, 0, tzinfo=ZONE)
    near = {"appointment": "booked", "in_next_days": 7}
    today, week = {"appointment": "booked", "in_next_days": 0}, {**near, "in_next_days": 1, "unit": "weeks"}
    none, any_time = {"appointment": "none_upcoming"}, {"appointment": "booked"}
    visits: list[tuple[datetime, dict[str, bool]]] = [
        (datetime(2026, 11, 22, 8, 0, tzinfo=ZONE), {"near": False, "today": False, "any": False}),
        (datetime(2026, 11, 22, 9, 59, tzinfo=ZONE), {"near": False, "today": False, "any": False}),
        (datetime(2026, 11, 22, 10, 0, tzinfo=ZONE), {"near": True, "today": True, "any": True}),
        (datetime(2026, 11, 22, 17, 0, tzinfo=ZONE), {"near": True, "today": True, "any": True}),
        (datetime(2026, 11, 25, 3, 0, tzinfo=ZONE), {"near": True, "today": False, "any": True}),
        (datetime(2026, 11, 29, 10, 0, tzinfo=ZONE), {"near": True, "today": False, "any": True}),
        (datetime(2026, 11, 29, 10, 1, tzinfo=ZONE), {"near": False, "today": False, "any": True}),
        (datetime(2026, 11, 29, 23, 0, tzinfo=ZONE), {"near": False, "today": False, "any": True}),
        # 9:00 in Los Angeles is noon here, 8:00 AM of the next day in Tokyo is the evening here.
        (datetime(2026, 11, 22, 9, 0, tzinfo=ANGELES), {"near": True, "today": True, "any": True}),
        (datetime(2026, 11, 22, 6, 0, tzinfo=ANGELES), {"near": False, "today": False, "any": False}),
        (datetime(2026, 11, 23, 8, 0, tzinfo=TOKYO), {"near": True, "today": True, "any": True}),
        (datetime(2026, 11, 22, 23, 0, tzinfo=TOKYO), {"near": False, "today": False, "any": False}),
        (datetime(2026, 11, 29, 7, 30, tzinfo=ANGELES), {"near": False, "today": False, "any": True}),
        (datetime(2026, 11, 30, 0, 0, tzinfo=TOKYO), {"near": True, "today": False, "any": True}),
        (datetime(2026, 11, 30, 0, 1, tzinfo=TOKYO), {"near": False, "today": False, "any": True}),
    ]
    with clock.frozen(datetime(2026, 11, 1, 12, tzinfo=ZONE)):
        ids = [services.contact_create(actor=CLI, profile={"first_name": "Ana"}).id for _ in visits]
        for person_id, (start, _) in zip(ids, visits, strict=True):
            services.appointment_book(actor=CLI, person_id=person_id, start=start, kind="Visit")
        sure = services.contact_create(actor=CLI, profile={"first_name": "Bo"}).id
        doubted = services.appointment_book(
            actor=CLI, person_id=sure, start=datetime(2026, 11, 25, 9, tzinfo=ZONE), kind="Visit"
        )
        appointments_hold(actor=CLI, doubts={doubted.pk: Doubt("the status is none that is known")})
        people = contacts.open_people(actor=CLI, purpose="scene", ids=[*ids, sure])
        contacts.load_appointments(people)

    def fitting(document: Json) -> set[int]:
        rule = rules.parse({"match": "all", "rules": [document]})
        by_record = {number for number, each in people.items() if rules.matches(rule, each, now, ZONE)}
        statements = [compiler.compile(rule, now, ZONE), compiler.people(rule, now, ZONE)]
        where, params = compiler.condition(rule, now, ZONE, one=True)
        statements.append((f"SELECT s.person_id FROM contacts_personsearch s WHERE {where}", params))
        for sql, params in statements:
            with connection.cursor() as cursor:
                cursor.execute(sql, params)
                assert {row[0] for row in cursor.fetchall()} == by_record, document
        return by_record

    def wanted(word: str) -> set[int]:
        return {person_id for person_id, (_, told) in zip(ids, visits, strict=True) if told[word]}

    assert fitting(near) == fitting(week) == wanted("near")
    assert fitting(today) == wanted("today")
    assert fitting(any_time) == wanted("any")
    # One in doubt is neither booked nor none.
    assert fitting(none) == set(ids) - wanted("any")

    # Visits of an older version have a keyed day only; a job in the background gives them the rest.
    Appointment.objects.update(hour=None, minute=None)
    sql, params = compiler.compile(rules.parse({"match": "all", "rules": [near]}), now, ZONE)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        by_day = {row[0] for row in cursor.fetchall()}
    assert by_day >= set(ids[3:6])
    monkeypatch.setattr(renewal, "CHUNK", 6)
    job = renewal.renewal_begin()
    assert job is not None
    assert job.total == len(visits) + 1
    assert renewal.work(job.pk)
    assert renewal.renewal_begin() is None
    assert fitting(near) == wanted("near")
