"""A step gives everybody who gets there a tag, or takes it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.tags import definitions as tags
from apps.content import services as content
from apps.core.levels import Level
from apps.journeys import selectors, services
from apps.journeys.models import Journey
from apps.journeys.parse import parse
from apps.references import selectors as references
from apps.references.models import Noun
from tests.content.test_variants import MAIN
from tests.journeys.conftest import CLI, activate, person, run_of, tick, trail
from tests.refusals import refused

pytestmark = pytest.mark.django_db(transaction=True)

SEND = {"id": "s1", "type": "send", "template": "News"}
WAIT = {"id": "s2", "type": "wait", "amount": 1, "unit": "days"}
ADD = {"id": "s3", "type": "tag", "act": "add", "tag": "Recall"}
REMOVE = {"id": "s4", "type": "tag", "act": "remove", "tag": "New here"}


@pytest.fixture(autouse=True)
def marks(clinic):
    """The clinic has two tags, and a template."""
    template = content.template_create(actor=CLI, name="News", data={**MAIN, "subject": "News"})
    content.template_publish(actor=CLI, template_id=template.pk)
    return contacts.tags_named(actor=CLI, names=["Recall", "New here"])


def made(*steps: dict) -> Journey:
    definition = {"format": 1, "trigger": {"kind": "manual"}, "steps": list(steps)}
    return services.journey_create(actor=CLI, name="Sort", definition=definition)


def names(person_id: int) -> list[str]:
    return [tag.name for tag in tags.of_person(person_id)]


def problems(*steps: dict) -> list[str]:
    return [each.text for each in selectors.problems(parse({"trigger": {"kind": "manual"}, "steps": [SEND, *steps]}))]


def test_everybody_at_the_step_has_the_tag_and_lost_the_other(at, marks):
    with at("2026-11-22T12:00"):
        journey = made(SEND, WAIT, ADD, REMOVE)
        activate(journey)
        dana, bo = person(), person("Bo")
        contacts.tags_give(actor=CLI, pairs=[(dana, marks["New here"]), (bo, marks["New here"])])
        services.run_add(actor=CLI, journey=journey, person_id=dana)
    # Another name is no other tag.
    contacts.tag_change(actor=CLI, tag_id=marks["Recall"], name="Recall 2026")
    tick("2026-11-23T12:00")
    tick("2026-11-23T12:01")
    assert (names(dana), names(bo)) == (["Recall 2026"], ["New here"])
    assert [each[0] for each in trail(run_of(dana))][-2:] == ["s3", "s4"]
    entry = AuditEntry.objects.get(action="contact.tag", kind="journey")
    assert (entry.subject, entry.people_count) == (str(journey.pk), 1)


def test_statements_do_not_grow_with_the_people(at):
    def statements(day: int, count: int) -> int:
        with at(f"2026-11-{day}T12:00"):
            for number in range(count):
                services.run_add(actor=CLI, journey=journey, person_id=person(f"P{day}x{number}"))
        with CaptureQueriesContext(connection) as seen:
            assert tick(f"2026-11-{day + 1}T12:00").finished == count
        return len(seen)

    with at("2026-11-20T12:00"):
        journey = made(SEND, WAIT, ADD)
        activate(journey)
    assert statements(20, 2) == statements(24, 40)


def test_what_keeps_it_from_being_active(marks):
    contacts.tag_create(actor=CLI, name="HIV clinic", level=Level.PROTECTED)
    asks = {"id": "s2", "type": "condition", "rule": {"match": "all", "rules": [{"tag": "HIV clinic", "op": "has"}]}}
    assert problems(ADD) == []
    assert problems({**ADD, "tag": ""}) == ["Step 2 adds or removes a tag but has none. Choose one."]
    assert problems({**ADD, "tag": "Gone"}) == ["Step 2: there is no tag “Gone”. Choose another or add it."]
    (low,) = problems(asks, ADD)
    assert low.startswith("Step 3 would write what this journey knows (protected) into the tag “Recall” (health)")
    assert problems(asks, {**ADD, "tag": "HIV clinic"}) == []


def test_a_tag_that_a_journey_gives_is_not_deleted(marks):
    journey = made(SEND, ADD)
    assert [use.name for use in references.used_by(Noun.TAG, marks["Recall"])] == ["Sort"]
    with refused("tag.in_use"):
        contacts.tag_delete(actor=CLI, tag_id=marks["Recall"])
    services.draft_save(
        actor=CLI,
        journey=journey,
        revision=journey.revision,
        definition=parse({"trigger": {"kind": "manual"}, "steps": [SEND]}),
    )
    contacts.tag_delete(actor=CLI, tag_id=marks["Recall"])


def test_a_condition_behind_asks_the_record_as_it_is_then(at, marks):
    asks = {
        "id": "s4", "type": "condition", "rule": {"match": "all", "rules": [{"tag": "Recall", "op": "has"}]},
        "then": [{"id": "s5", "type": "tag", "act": "remove", "tag": "New here"}],
    }  # fmt: skip
    with at("2026-11-22T12:00"):
        journey = made(SEND, WAIT, ADD, asks)
        activate(journey)
        dana = person()
        contacts.tags_give(actor=CLI, pairs=[(dana, marks["New here"])])
        services.run_add(actor=CLI, journey=journey, person_id=dana)
    for minute in range(4):
        tick(f"2026-11-23T12:0{minute}")
    assert names(dana) == ["Recall"]
