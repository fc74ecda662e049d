"""Other ways in: segments, records, by hand; and what a condition asks on the way."""

from __future__ import annotations

from datetime import date

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.services import NewEvent
from apps.journeys import selectors, services
from apps.journeys.definition import DefinitionBroken, to_json
from apps.journeys.models import Journey, JourneyMember, JourneyRun, JourneyVersion
from apps.journeys.parse import parse
from apps.journeys.presets import APPOINTMENT_REMINDER_JOURNEY as READY
from apps.segments import services as segments
from apps.segments import usages as segment_usages
from tests.journeys.conftest import CLI, activate, book, outbox, person, reminder, run_of, tick
from tests.refusals import refused

pytestmark = pytest.mark.django_db(transaction=True)

WOMEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}


def made(name: str, steps: list[dict], **changes) -> Journey:
    """A journey of these steps, not active yet. It may send the texts of the ready-made reminder."""
    services.journey_from_preset(actor=CLI, preset=READY)
    return services.journey_create(actor=CLI, name=name, definition={"format": 1, "steps": steps} | changes)


SEND = {"id": "s1", "type": "send", "template": "Appointment reminder", "purpose": "treatment"}


def test_who_enters_a_segment_comes_in_and_who_was_in_it_before_may_be_left_out(clinic, at):
    with at("2026-11-22T12:00"):
        segments.segment_save(actor=CLI, name="Women", rule=WOMEN)
        ann = person("Ann", sex="F")
        journey = made("Welcome", [SEND], trigger={"kind": "segment", "segment": "Women"})
        activate(journey, take_in=False)
        bea, cal = person("Bea", sex="F"), person("Cal", sex="M")
    assert tick("2026-11-22T12:01").entered == 1
    assert {run.person_id for run in JourneyRun.objects.all()} == {bea}
    assert {member.person_id for member in JourneyMember.objects.all()} == {ann, bea}
    contacts.contact_update(actor=CLI, person_id=cal, profile={"first_name": "Cal", "sex": "F"}, version=1)
    assert tick("2026-11-22T12:02").entered == 1
    assert tick("2026-11-22T12:03").entered == 0


def test_leaving_and_entering_again_walks_again_unless_never_is_chosen(clinic, at):
    with at("2026-11-22T12:00"):
        segments.segment_save(actor=CLI, name="Women", rule=WOMEN)
        trigger = {"kind": "segment", "segment": "Women"}
        for name, reentry in (("Again", "after_exit"), ("Once", "never")):
            journey = made(name, [SEND], trigger=trigger, reentry=reentry)
            activate(journey)
        ann = person("Ann", sex="F")
    tick("2026-11-22T12:01")
    contacts.contact_update(actor=CLI, person_id=ann, profile={"first_name": "Ann", "sex": "M"}, version=1)
    tick("2026-11-22T12:02")
    contacts.contact_update(actor=CLI, person_id=ann, profile={"first_name": "Ann", "sex": "F"}, version=2)
    tick("2026-11-22T12:03")
    rounds = {selectors.by_id(run.journey_id).name: run.round for run in JourneyRun.objects.all()}
    assert rounds == {"Again": 2, "Once": 1}
    assert len(outbox()) == 3


def test_a_recorded_event_of_the_right_class_lets_in(clinic, at):
    with at("2026-11-22T12:00"):
        trigger = {"kind": "event", "event": "encounter", "groups": ["class:wellness"]}
        wait = {
            "id": "s2",
            "type": "wait_until",
            "field": "event.start",
            "days": 7,
            "direction": "after",
            "at": "08:00",
        }
        journey = made("After the visit", [wait, SEND], trigger=trigger, key="event")
        activate(journey)
        ann, bea = person("Ann"), person("Bea")
        contacts.events_record(
            actor=CLI,
            events=[
                NewEvent(ann, "encounter", date(2026, 11, 22), "e1", groups=("class:wellness",)),
                NewEvent(bea, "encounter", date(2026, 11, 22), "e2", groups=("class:emergency",)),
            ],
        )
    assert tick("2026-11-22T12:01").entered == 1
    assert run_of(ann).due_at.isoformat() == "2026-11-29T13:00:00+00:00"


def test_a_condition_is_asked_of_the_opened_record_when_the_person_gets_there(clinic, at):
    condition = {
        "id": "s2",
        "type": "condition",
        "rule": {"match": "all", "rules": [{"segment": "Women", "op": "in"}]},
        "then": [SEND],
    }
    with at("2026-11-22T12:00"):
        segments.segment_save(actor=CLI, name="Women", rule=WOMEN)
        journey = made(
            "Ask", [{"id": "s3", "type": "wait", "amount": 1, "unit": "hours"}, condition], trigger={"kind": "manual"}
        )
        activate(journey)
        ann, cal = person("Ann", sex="F"), person("Cal", sex="M")
        for each in (ann, cal):
            services.run_add(actor=CLI, journey=journey, person_id=each)
        with refused("run.under_way"):
            services.run_add(actor=CLI, journey=journey, person_id=ann)
    tick("2026-11-22T13:00")
    assert [message.person_id for message in outbox()] == [ann]


def test_a_segment_in_a_journey_says_so(clinic, at):
    with at("2026-11-22T12:00"):
        segment = segments.segment_save(actor=CLI, name="Women", rule=WOMEN)
        made("Welcome", [SEND], trigger={"kind": "segment", "segment": "Women"})
    assert [usage.name for usage in segment_usages.uses_of(segment.pk)] == ["Welcome"]


def test_what_is_booked_already_comes_in_at_activation_or_not(clinic, at):
    with at("2026-11-22T12:00"):
        dana = person()
        book(dana, "2026-12-10T14:30")
        cancelled = book(dana, "2026-12-11T14:30")
        contacts.appointment_cancel(actor=CLI, appointment_id=cancelled)
        journey = reminder(take_in=True)
    assert JourneyRun.objects.filter(journey=journey).count() == 1
    assert tick("2026-11-22T12:01").entered == 0


def test_only_from_now_on(clinic, at):
    with at("2026-11-22T12:00"):
        book(person(), "2026-12-10T14:30")
        reminder(take_in=False)
        book(person("Bo"), "2026-12-10T14:30")
    assert tick("2026-11-22T12:01").entered == 1


def test_a_new_version_is_walked_by_new_people_and_the_old_one_to_its_end(clinic, at):
    with at("2026-11-22T12:00"):
        journey = reminder()
        dana = person()
        book(dana, "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    with at("2026-11-23T12:00"):
        data = to_json(selectors.by_id(journey.pk).draft)
        data["steps"][0]["days"] = 5
        services.draft_save(actor=CLI, journey=journey, revision=journey.revision, definition=parse(data))
        activate(journey)
        bo = person("Bo")
        book(bo, "2026-12-10T14:30")
    tick("2026-11-23T12:01")
    assert run_of(dana).due_at.day == 7
    assert run_of(bo).due_at.day == 5
    assert tick("2026-12-05T09:00").sent == 1
    assert tick("2026-12-07T09:00").sent >= 1


def test_a_version_cannot_be_changed_by_anybody(clinic, at):
    from django.db import IntegrityError

    with at("2026-11-22T12:00"):
        reminder()
    with pytest.raises(IntegrityError, match="cannot be changed"):
        JourneyVersion.objects.update(level=0)


def test_a_draft_with_faults_is_not_activated_and_every_fault_is_told(clinic, at):
    journey = services.journey_create(
        actor=CLI, name="Half", definition={"trigger": {"kind": "segment"}, "steps": [{"id": "s1", "type": "send"}]}
    )
    with pytest.raises(DefinitionBroken) as broken:
        activate(journey)
    assert {problem.step for problem in broken.value.problems} == {"", "s1"}
    assert not JourneyVersion.objects.exists()


def test_names_are_sealed_unique_and_found_whatever_the_case(clinic):
    services.journey_create(actor=CLI, name="Diabetes  check", definition={"trigger": {"kind": "manual"}, "steps": []})
    row = Journey.objects.get()
    assert b"Diabetes" not in bytes(row.sealed) + bytes(row.name_token)
    assert selectors.by_name("diabetes CHECK").name == "Diabetes check"
    with refused("journey.name_taken"):
        services.journey_create(actor=CLI, name="Diabetes check", definition={"trigger": {"kind": "manual"}})


def test_who_edited_what_is_on_the_trail(clinic):
    journey = services.journey_from_preset(actor=CLI, preset=READY)
    services.draft_save(actor=CLI, journey=journey, revision=1, name="Reminder", about="New words")
    entry = AuditEntry.objects.get(action="journey.change")
    assert entry.fields == ["name", "about"]
    assert "Reminder" not in str(entry.codes)
    with refused("journey.changed"):
        services.draft_save(actor=CLI, journey=journey, revision=1, name="Other")
