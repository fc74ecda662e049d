"""Tokens nominate, the opened record decides, and both say the same: random people, random rules."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.contacts import services
from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes.services import attribute_create
from apps.contacts.models import PersonTag
from apps.contacts.person import selectors as contacts
from apps.contacts.services import NewEvent
from apps.contacts.tags import definitions as tags
from apps.core import actors, clock
from apps.imports import selectors as imports
from apps.imports.models import ImportedPeople, ImportJob
from apps.segments import compiler, rules
from tests.segments.test_condition_kinds import (
    CODES,
    DAYS_OF_STAY,
    NAMES,
    NOW,
    TODAY,
    ZONE,
    some_condition,
    some_day,
)
from tests.sizes import grown, seed

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


def some_profile(draw: random.Random) -> dict[str, Any]:
    profile: dict[str, Any] = {"first_name": draw.choice(["Ana", "Mary Ann", "Öyvind"])}
    if draw.random() < 0.8:
        profile["birth_date"] = some_day(draw, -100 * 365, 0)
    if draw.random() < 0.1:
        profile["birth_date"] = draw.choice(["2004-02-29", "2008-11-20", "1961-11-21", "1880-01-01"])
    if draw.random() < 0.8:
        profile["sex"] = draw.choice("FMX")
    if draw.random() < 0.7:
        profile["address"] = {"city": draw.choice(["Lexington", "Ashland"]), "state": "Kentucky"}
    if draw.random() < 0.5:
        profile["relation"] = draw.choice(["patient", "b2b", "subscriber"])
    if draw.random() < 0.7:
        profile["email"] = draw.choice(["a@goodmail.test", "B@goodmail.test"])
    if draw.random() < 0.3:
        profile["attributes"] = {"plan": draw.choice(["Gold", "Silver"]), "days_of_stay": draw.randint(0, 150)}
    return profile


def some_events(draw: random.Random, person_id: int) -> list[NewEvent]:
    found = []
    for number in range(draw.choice([0, 0, 1, 3, 6])):
        on = date.fromisoformat(some_day(draw, -900, 0))
        source = f"{person_id}:{number}"
        kind = draw.choice(["encounter", "coded", "message"])
        if kind == "encounter":
            word = draw.choice(["wellness", "ambulatory"])
            found.append(NewEvent(person_id, kind, on, source, {"class": word}, (f"class:{word}",)))
        elif kind == "coded":
            kind, system, code = draw.choice(CODES)
            facts = {"system": system, "code": code}
            groups = [f"code:{system}:{code}"]
            if kind == "condition":
                facts["sets"] = ["diabetes"]
                groups.append("set:diabetes")
            found.append(NewEvent(person_id, kind, on, source, facts, tuple(groups), code))
        else:
            kind, campaign = draw.choice(["message.clicked", "message.sent"]), draw.choice([12, 13, None])
            groups = (f"{kind}:campaign:{campaign}",) if campaign else ()
            found.append(NewEvent(person_id, kind, on, source, {"campaign": campaign}, groups))
    return found


@pytest.fixture
def town() -> dict[int, Any]:
    """Eighty people of every kind, opened."""
    draw = random.Random(7)
    with clock.frozen(NOW):
        attribute_create(actor=CLI, wanted=DAYS_OF_STAY)
        made = services.contacts_create(actor=CLI, profiles=[some_profile(draw) for _ in range(80)])
        ids = [record.id for record in made]
        services.events_record(actor=CLI, events=[event for person_id in ids for event in some_events(draw, person_id)])
        for person_id in draw.sample(ids, 30):
            services.consent_record(
                actor=CLI,
                person_id=person_id,
                purpose=draw.choice(["marketing", "fundraising"]),
                state=draw.choice(["granted", "denied"]),
                on=TODAY,
                method="paper",
            )
        for person_id in draw.sample(ids, 30):
            start = datetime(2026, 11, 20, 15, tzinfo=ZONE) + timedelta(days=draw.randint(0, 40))
            row = services.appointment_book(actor=CLI, person_id=person_id, start=start, kind="Visit")
            if draw.random() < 0.3:
                services.appointment_cancel(actor=CLI, appointment_id=row.pk)
        people = contacts.open_people(actor=CLI, purpose="scene", ids=ids)
        contacts.load_events(people)
        contacts.load_appointments(people)
        job = ImportJob.objects.create(id=12, kind="list", actor_kind="command", sealed=b"")
        ImportedPeople.objects.create(job=job, made=draw.sample(ids, 20), changed=draw.sample(ids, 20))
        imports.load_imports(people)
        PersonTag.objects.bulk_create(
            PersonTag(tag_id=tag, person_id=person) for tag in (1, 2) for person in draw.sample(ids, 25)
        )
        tags.load_tags(people)
    return people


def some_rule(draw: random.Random, depth: int = 0) -> dict[str, Any]:
    nodes = [
        some_rule(draw, depth + 1) if depth < 3 and draw.random() < 0.3 else some_condition(draw)
        for _ in range(draw.randint(1, 4))
    ]
    return {"match": draw.choice(["all", "any", "none"]), "rules": nodes}


def by_tokens(rule: rules.Rule, names: rules.Names) -> set[int]:
    sql, params = compiler.compile(rule, NOW, ZONE, names)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows = [row[0] for row in cursor.fetchall()]
    assert len(rows) == len(set(rows))
    for style in ({"joins": True}, {"one": True}):
        where, params = compiler.condition(rule, NOW, ZONE, names, **style)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT s.person_id FROM contacts_personsearch s WHERE {where}", params)
            found = [row[0] for row in cursor.fetchall()]
        assert sorted(found) == sorted(rows), f"{style} selects the same people"
    sql, params = compiler.people(rule, NOW, ZONE, names)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        assert sorted(row[0] for row in cursor.fetchall()) == sorted(rows), "everybody once, whichever way they fit"
    return set(rows)


@pytest.mark.proof
def test_the_statement_and_the_opened_records_agree_on_every_rule(town: dict[int, Any]) -> None:
    names = replace(NAMES, fields=attributes.catalog())
    draw = random.Random(seed(11))
    sizes = set()
    for number in range(grown(100, 16_000)):
        tree = {"match": "all", "rules": [some_condition(draw)]} if number < 60 else some_rule(draw)
        rule = rules.parse(tree, fields=names.fields)
        by_records = {person_id for person_id, record in town.items() if rules.matches(rule, record, NOW, ZONE, names)}
        assert by_tokens(rule, names) == by_records, tree
        sizes.add(len(by_records))
    assert len(sizes) > 30, "the rules must tell people apart, not all be empty or everybody"


def test_the_text_of_a_statement_holds_no_value_of_the_rule() -> None:
    tree = {"match": "all", "rules": [{"field": "last_name", "op": "is", "value": "Robert'); DROP TABLE--"}]}
    sql, params = compiler.compile(rules.parse(tree), NOW, ZONE)
    assert "Robert" not in sql
    assert "DROP" not in sql
    assert "Robert" not in repr(params)


def test_neighbors_share_one_look_into_the_index() -> None:
    tree = {
        "match": "all",
        "rules": [
            {"field": "sex", "op": "is", "value": "F"},
            {"field": "city", "op": "is", "value": "Lexington"},
            {"consent": "marketing", "state": "granted"},
            {
                "match": "none",
                "rules": [
                    {"field": "language", "op": "is", "value": "es"},
                    {"field": "language", "op": "is", "value": "en"},
                ],
            },
        ],
    }
    sql, params = compiler.compile(rules.parse(tree), NOW, ZONE)
    assert sql.count("s.tokens @>") == 1
    assert sql.count("s.tokens &&") == 1
    assert sorted(len(param) for param in params) == [2, 3]


def test_each_way_that_looks_at_the_timeline_is_a_statement_that_can_join() -> None:
    met = {"event": "encounter", "class": "wellness", "op": "at_least", "times": 1, "from": "2020-01-01"}
    woman, spanish = {"field": "sex", "op": "is", "value": "F"}, {"field": "language", "op": "is", "value": "es"}
    sql, _ = compiler.people(rules.parse({"match": "any", "rules": [woman, met, spanish]}), NOW, ZONE)
    near, far = sql.split(" UNION ")
    assert "timeline" not in near
    assert near.count("s.tokens &&") == 1
    assert "EXISTS (SELECT 1 FROM contacts_timelineevent" in far
    for together in ({"match": "all", "rules": [woman, met]}, {"match": "any", "rules": [woman, *[met] * 9]}):
        assert "UNION" not in compiler.people(rules.parse(together), NOW, ZONE)[0]
