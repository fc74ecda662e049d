"""A step gives everybody who gets there a value of one of the clinic's own attributes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.contacts.attributes.services import InUse, Wanted, attribute_create, attribute_retire, range_for
from apps.contacts.person import selectors as people
from apps.content import services as content
from apps.core.levels import Level
from apps.journeys import context, selectors, services
from apps.journeys.definition import DefinitionBroken
from apps.journeys.models import Journey
from apps.journeys.parse import parse
from tests.content.test_variants import MAIN
from tests.journeys.conftest import BEAT, CLI, activate, outbox, person, run_of, tick, trail

pytestmark = pytest.mark.django_db(transaction=True)

SEND = {"id": "s1", "type": "send", "template": "News"}
SET = {"id": "s2", "type": "update_attribute", "attribute": "risk_group", "value": "High"}


@pytest.fixture(autouse=True)
def risk(clinic):
    """The clinic sorts people by risk."""
    template = content.template_create(actor=CLI, name="News", data={**MAIN, "subject": "News"})
    content.template_publish(actor=CLI, template_id=template.pk)
    return attribute_create(actor=CLI, wanted=Wanted("Risk group", "choice", choices=("High", "Low")))


def made(*steps: dict, name: str = "Sort") -> Journey:
    """A journey into which staff add people by hand."""
    definition = {"format": 1, "trigger": {"kind": "manual"}, "steps": list(steps)}
    return services.journey_create(actor=CLI, name=name, definition=definition)


def profile(person_id: int) -> dict:
    return people.open_people(actor=CLI, purpose="scene", ids=[person_id])[person_id].profile


def problems(*steps: dict) -> list[str]:
    return [each.text for each in selectors.problems(parse({"trigger": {"kind": "manual"}, "steps": [SEND, *steps]}))]


def test_everybody_at_the_step_has_the_value_and_nothing_else_changed(at):
    wait = {"id": "s3", "type": "wait", "amount": 1, "unit": "days"}
    with at("2026-11-22T12:00"):
        journey = made(SEND, wait, SET)
        activate(journey)
        dana, bo, ann = person(attributes={"seat": "A4"}), person("Bo"), person("Ann")
        for each in (dana, bo):
            services.run_add(actor=CLI, journey=journey, person_id=each)
    before = profile(dana)
    tick("2026-11-23T12:00")
    assert profile(dana) == before | {"attributes": {"seat": "A4", "risk_group": "High"}}
    assert profile(bo)["attributes"] == {"risk_group": "High"}
    assert not profile(ann).get("attributes")
    assert trail(run_of(dana))[-1] == ("s2", "done", "", 1)
    entry = AuditEntry.objects.filter(action="contact.change").latest("id")
    assert entry.actor == str(BEAT) if hasattr(entry, "actor") else entry.actor_kind == BEAT.kind


def test_statements_do_not_grow_with_the_people(at):
    wait = {"id": "s3", "type": "wait", "amount": 1, "unit": "days"}

    def statements(day: int, count: int) -> int:
        with at(f"2026-11-{day}T12:00"):
            for number in range(count):
                who = person(f"P{day}x{number}")
                services.run_add(actor=CLI, journey=journey, person_id=who)
        with CaptureQueriesContext(connection) as seen:
            assert tick(f"2026-11-{day + 1}T12:00").finished == count
        return len(seen)

    with at("2026-11-20T12:00"):
        journey = made(SEND, wait, SET)
        activate(journey)
    assert statements(20, 2) == statements(24, 40)


def test_a_condition_behind_it_asks_the_record_as_it_is_then(at):
    ask = {
        "id": "s3",
        "type": "condition",
        "rule": {"match": "all", "rules": [{"field": "attribute.risk_group", "op": "is", "value": "High"}]},
        "then": [{"id": "s4", "type": "send", "template": "News"}],
    }
    with at("2026-11-22T12:00"):
        journey = made(SET, ask)
        activate(journey)
        dana = person()
        services.run_add(actor=CLI, journey=journey, person_id=dana)
    assert outbox() == []
    tick("2026-11-22T12:01")
    assert trail(run_of(dana)) == [("s2", "done", "", 1), ("s3", "yes", "", 1), ("s4", "sent", "", 1)]


def test_a_step_whose_attribute_was_retired_meanwhile_stops_where_a_person_sees_it(at, risk, monkeypatch):
    wait = {"id": "s3", "type": "wait", "amount": 1, "unit": "days"}
    with at("2026-11-22T12:00"):
        journey = made(SEND, wait, SET)
        activate(journey)
        dana = person()
        services.run_add(actor=CLI, journey=journey, person_id=dana)
    monkeypatch.setattr("apps.contacts.attributes.services.usages.uses_of", lambda _name: [])
    attribute_retire(actor=CLI, attribute_id=risk.id)
    assert tick("2026-11-23T12:00").failed == 1
    assert (run_of(dana).step, run_of(dana).reason) == ("s3", "step_error")
    assert not profile(dana).get("attributes")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"attribute": ""}, "Step 2 updates an attribute but has none. Choose one."),
        ({"attribute": "email"}, "which leads to a person's mail"),
        ({"attribute": "birth_date"}, "which leads to a person's mail"),
        ({"attribute": "first_name"}, "no attribute “first_name” of your own"),
        ({"value": ""}, "has no value for “Risk group”"),
        ({"value": "Medium"}, "the value for “Risk group” is none of its choices"),
        ({"value": 7}, "is no text"),
        ({"attribute": "a1c", "value": "High"}, "the value for “A1c” is no number"),
        ({"attribute": "a1c", "value": 70}, "is not within 3.0 to 15.0"),
    ],
)
def test_what_cannot_be_written_is_said_before_activation(change, says):
    attribute_create(actor=CLI, wanted=Wanted("A1c", "number", numbers=range_for("3.0", "15", "0.1")))
    (said,) = problems(SET | change)
    assert says in said
    if change.get("attribute") != "":
        with pytest.raises(DefinitionBroken):
            services.journey_submit(actor=CLI, journey=made(SEND, SET | change))


def test_the_level_of_the_attribute_is_that_of_the_journey():
    steps = {"trigger": {"kind": "manual"}, "steps": [SEND, SET]}
    assert context.level_of(parse(steps)) == Level.HEALTH
    steps["steps"].pop()
    assert context.level_of(parse(steps)) == Level.PUBLIC


def test_what_a_journey_knows_is_not_written_where_it_is_protected_less():
    attribute_create(actor=CLI, wanted=Wanted("Seat", "text", level=Level.IDENTIFIER))
    seat = SET | {"attribute": "seat", "value": "A4"}
    assert problems(seat) == []
    booked = parse({"trigger": {"kind": "appointment"}, "steps": [SEND, seat]})
    (said,) = selectors.problems(booked)
    assert "would write what this journey knows (health) into “Seat” (identifier)" in said.text


def test_an_attribute_that_a_journey_writes_is_not_retired(risk):
    made(SEND, SET)
    with pytest.raises(InUse) as refused:
        attribute_retire(actor=CLI, attribute_id=risk.id)
    assert [(use.kind, use.name, use.searches) for use in refused.value.uses] == [("Journey", "Sort", False)]


def test_a_marketer_adds_the_step_tries_it_and_reads_it(at, signed_in):
    attribute_create(actor=CLI, wanted=Wanted("Last seen", "date"))
    attribute_create(actor=CLI, wanted=Wanted("A1c", "number", searchable=False))
    attribute_create(actor=CLI, wanted=Wanted("Smoker", "yes_no"))
    with at("2026-11-22T12:00"):
        journey = made(SEND)
        client = signed_in("max")
        base = f"/journeys/{journey.pk}/edit/"

        def draft() -> selectors.OpenedJourney:
            return selectors.by_id(journey.pk)

        def post(**values: str):
            return client.post(f"{base}step/s2/", {"revision": draft().row.revision, **values})

        assert "Update an attribute" in client.get(base).content.decode()
        client.post(f"{base}change/", {"revision": draft().row.revision, "do": "add update_attribute main 9"})
        fresh = client.get(f"{base}?step=s2").content.decode()
        assert 'name="attribute"' in fresh
        assert 'name="value"' not in fresh
        for attribute, typed, stored, title in (
            ("risk_group", "Low", "Low", "Set “Risk group” to “Low”"),
            ("smoker", "false", False, "Set “Smoker” to no"),
            ("last_seen", "2026-11-20", "2026-11-20", "Set “Last seen” to Nov 20, 2026"),
            ("a1c", "7.5", 7.5, "Set “A1c” to 7.5"),
            ("a1c", "7", 7, "Set “A1c” to 7"),
        ):
            post(attribute=attribute, value="")
            assert post(attribute=attribute, value=typed).status_code == 302
            assert draft().draft.steps[1].value == stored
            assert title in client.get(base).content.decode()
        wrong = post(attribute="a1c", value="high")
        assert wrong.status_code == 422
        assert "Give a number, as 7 or 7.5." in wrong.content.decode()
        assert post(attribute="risk_group", value="7").status_code == 302
        assert draft().draft.steps[1].value == "", "the value of another attribute is none of this one"
        post(attribute="risk_group", value="High")
        for page in ("try/", "", "activate/"):
            assert "Set “Risk group” to “High”" in client.get(f"/journeys/{journey.pk}/{page}").content.decode()
