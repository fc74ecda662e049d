"""From a step to a message: what was frozen, what delivery is told at the moment of sending."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.appointments.services import Doubt, appointments_hold
from apps.contacts.models import Appointment
from apps.contacts.person import selectors as contact_selectors
from apps.content import services as content
from apps.content.merging import merge, render
from apps.content.models import Template
from apps.content.selectors import template_named
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.models import OutboxMessage, ReadyMessage
from apps.delivery.models.outbox import PAUSED_UNTIL
from apps.delivery.outbox import story
from apps.delivery.policy.routing import Refusal
from apps.delivery.send.sources import Claimed, Draft, source_of
from apps.journeys import presets, selectors, services
from apps.journeys.models import Journey, JourneyRun
from apps.mail.compiled import Envelope
from apps.references import selectors as references
from apps.references.models import Noun
from tests.delivery.conftest import providers as demo_providers
from tests.journeys.conftest import CLI, activate, book, local, outbox, person, reminder, tick
from tests.refusals import refused

pytestmark = pytest.mark.django_db(transaction=True)
providers = demo_providers


def asked(message: OutboxMessage, now: str = "2026-12-07T09:01") -> Draft | Refusal:
    """What journeys answer when delivery claims the message."""
    claimed = Claimed(
        id=message.pk,
        kind=message.kind,
        source_id=message.source_id,
        node=message.node,
        visit=message.visit,
        person_id=message.person_id,
        purpose=Purpose(message.purpose),
        level=Level(message.level),
        attempts=0,
    )
    people = contact_selectors.open_people(actor=CLI, purpose="scene", ids=[message.person_id])
    source = source_of("journey")
    assert source is not None
    return source.drafts(claimed=[claimed], people=people, now=local(now))[message.pk]


@pytest.fixture
def message(clinic, at) -> OutboxMessage:
    """Dana's first reminder, handed to delivery."""
    with at("2026-11-22T12:00"):
        reminder()
        book(person(), "2026-12-10T14:30", provider="Dr. Ng", location="Room 4")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    return outbox()[0]


def test_a_childs_reminder_goes_to_the_guardian_who_may_stop_it(clinic, at):
    """It was held for ever: the footer's link had nobody's mailbox to name."""
    with at("2026-11-22T12:00"):
        reminder()
        mother = person("Dana")
        book(person("Lena", email=None, birth_date="2018-05-01", guardian_id=mother), "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    (letter,) = outbox()
    draft = asked(letter)
    assert isinstance(draft, Draft)
    assert draft.list_unsubscribe_url is not None
    envelope = Envelope(
        to_address="dana@goodmail.test",
        date=local("2026-12-07T09:01"),
        message_id="scene@clinic.test",
        list_unsubscribe_url=draft.list_unsubscribe_url,
        portal_url=draft.portal_url,
        link=draft.link,
    )
    shown = render(merge(draft.compiled, draft.facts, envelope).message)
    assert draft.list_unsubscribe_url in shown.text


def test_the_draft_says_her_own_appointment_on_the_clinic_s_clock(message):
    draft = asked(message)
    assert isinstance(draft, Draft)
    assert draft.level >= Level.HEALTH
    envelope = Envelope(
        to_address="dana@goodmail.test",
        to_name="Dana Quist",
        date=local("2026-12-07T09:01"),
        message_id="x@clinic.test",
        zone=draft.zone,
        list_unsubscribe_url=draft.list_unsubscribe_url,
        link=draft.link,
    )
    merged = merge(draft.compiled, draft.facts, envelope)
    text = render(merged.head + merged.entity).text
    assert "2:30" in text
    assert "Dr. Ng" in text
    assert "Harbor Clinic" in merged.subject


def test_a_message_is_about_the_run_s_appointment_not_the_next_one(clinic, at):
    with at("2026-11-22T12:00"):
        reminder()
        dana = person()
        book(dana, "2026-12-10T14:30")
        book(dana, "2026-12-10T08:00")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    starts = {asked(each).facts["appointment"]["start"] for each in outbox()}
    assert len(starts) == 2


@pytest.mark.parametrize("what", ["cancelled", "moved", "begun", "removed"])
def test_what_happened_after_the_step_was_decided_stops_the_message(message, at, what):
    now = "2026-12-07T09:01"
    appointment = Appointment.objects.get()
    with at(now):
        if what == "cancelled":
            contacts.appointment_cancel(actor=CLI, appointment_id=appointment.pk)
        elif what == "moved":
            contacts.appointment_move(actor=CLI, appointment_id=appointment.pk, start=local("2026-12-20T10:00"))
        elif what == "removed":
            services.run_remove(actor=CLI, run=JourneyRun.objects.get())
    if what == "moved":
        tick("2026-12-07T09:02")
    if what == "begun":
        now = "2026-12-10T14:30"
    assert isinstance(asked(message, now), Refusal)


def test_the_text_is_frozen_until_the_journey_is_activated_again(message):
    before = asked(message).skeleton_id
    template = template_named(presets.APPOINTMENT_REMINDER)

    def edit(data: dict) -> dict:
        return {**data, "subject": "Quite another subject"}

    content.template_save(actor=CLI, template_id=template.pk, version=template.version, edit=edit)
    content.template_publish(actor=CLI, template_id=template.pk)
    assert asked(message).skeleton_id == before
    journey = Journey.objects.get()
    assert selectors.stale_templates(journey) == [presets.APPOINTMENT_REMINDER]
    version = activate(journey)
    assert version.number == 2
    assert selectors.stale_templates(Journey.objects.get()) == []


def test_activating_the_same_again_is_refused(clinic, at):
    with at("2026-11-22T12:00"):
        journey = reminder()
        with refused("journey.active"):
            activate(journey)


def test_a_template_in_a_journey_says_so_and_cannot_be_deleted(message):
    template = template_named(presets.APPOINTMENT_REMINDER)
    assert [use.kind for use in references.used_by(Noun.TEMPLATE, template.pk)] == ["Journey"]
    with pytest.raises(Refused, match="used by"):
        content.template_archive(actor=CLI, template_id=template.pk)


def test_pausing_keeps_what_waits_in_the_outbox(message):
    journey = Journey.objects.get()
    services.journey_pause(actor=CLI, journey=journey)
    message.ready.refresh_from_db()
    assert message.ready.not_before == PAUSED_UNTIL
    services.journey_resume(actor=CLI, journey=journey)
    message.ready.refresh_from_db()
    assert message.ready.not_before != PAUSED_UNTIL


def run(name: str, *arguments: str) -> dict:
    out = StringIO()
    call_command(name, *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_commands_walk_the_same_road(clinic, at, cast):
    with at("2026-11-22T12:00"):
        book(person(), "2026-12-10T14:30")
        run("journey_approve", "Appointment reminder", "--as", "rita@clinic.test")
        made = run("journey_activate", "Appointment reminder", "--as", "max@clinic.test")
    assert made == {"journey": "Appointment reminder", "state": "active", "version": 1, "entered": 1}
    assert run("journey_tick", "--now", "2026-11-22T12:01")["waiting"] == 1
    moved = run("journey_tick", "--now", "2026-12-07T09:00", "--wait", "0")
    assert (moved["sent"], moved["waiting"]) == (1, 1)
    assert run("journey_tick", "--now", "2026-12-08T14:00:00+00:00", "--wait", "0")["finished"] == 1


def test_a_tick_as_if_it_were_next_month_hands_the_reminder_over_now(clinic, at, cast, providers):
    """Without a worker, and without waiting for the day that was only played."""
    with at("2026-11-22T12:00"):
        book(person(), "2026-12-10T14:30")
        run("journey_approve", "Appointment reminder", "--as", "rita@clinic.test")
        run("journey_activate", "Appointment reminder", "--as", "max@clinic.test")
        assert run("journey_tick", "--now", "2026-12-07T09:00", "--wait", "0")["sent"] == 1
        assert [each.not_before for each in ReadyMessage.objects.all()] == [local("2026-11-22T12:00")]
        assert providers.store.all() == []
        assert run("send_outbox")["sent"] == 1
        # A day later nobody has read it: the second one leaves with the tick.
        assert run("journey_tick", "--now", "2026-12-08T09:01")["sent"] == 1
        assert [each.mailbox for each in providers.store.all()] == ["dana@goodmail.test"] * 2
        assert not ReadyMessage.objects.exists()


def test_a_command_refuses_in_words(clinic, capsys):
    with pytest.raises(SystemExit) as stop:
        run("journey_activate", "No such journey")
    assert stop.value.code == 1
    with pytest.raises(SystemExit) as stop:
        run("journey_tick", "--now", "tomorrow")
    assert stop.value.code == 2


def test_the_trail_tells_who_activated_what(message):
    entry = AuditEntry.objects.get(action="journey.activate")
    assert (entry.actor_kind, entry.codes["version"], entry.codes["entered"]) == ("command", 1, 0)
    assert Template.objects.count() == 2


DOUBT = Doubt("the status is none that is known")


@pytest.fixture
def doubted(clinic, at) -> int:
    """Dana's visit, about which an import was in doubt before the first reminder was due."""
    with at("2026-11-22T12:00"):
        reminder()
        visit = book(person(), "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    with at("2026-12-01T12:00"):
        appointments_hold(actor=CLI, doubts={visit: DOUBT})
    tick("2026-12-07T09:00")
    return visit


def test_a_reminder_that_falls_due_while_the_visit_is_in_doubt_goes_out_when_it_is_confirmed(doubted, at, signed_in):
    run = JourneyRun.objects.get()
    assert (outbox(), run.state, run.reason) == ([], "waiting", "visit_in_doubt")
    client = signed_in("max")
    pages = [
        client.get(f"/journeys/{run.journey_id}/").content.decode(),
        client.get(f"/journeys/{run.journey_id}/people/{run.pk}/").content.decode(),
        signed_in("nora").get(f"/contacts/{run.person_id}/tab/messages/").content.decode(),
    ]
    assert "1 person is not told before care staff say what is right" in pages[0]
    assert all("visit is in doubt" in page for page in pages)
    assert "Appointment reminder" in pages[2]
    tick("2026-12-07T15:00")
    assert outbox() == []
    with at("2026-12-08T10:00"):
        contacts.appointment_confirm(actor=CLI, appointment_id=doubted)
    tick("2026-12-08T10:01")
    (message,) = outbox()
    assert isinstance(asked(message, "2026-12-08T10:02"), Draft)
    assert JourneyRun.objects.get().reason == ""
    # The second one comes a day later, as after any other first one, not at the same moment.
    tick("2026-12-09T10:02")
    assert len(outbox()) == 2


@pytest.mark.parametrize("how", ["cancelled", "too late"])
def test_a_reminder_of_a_visit_in_doubt_ends_when_it_is_canceled_or_nobody_says_in_time(doubted, at, how):
    if how == "cancelled":
        with at("2026-12-08T10:00"):
            contacts.appointment_cancel(actor=CLI, appointment_id=doubted)
        tick("2026-12-08T10:01")
        assert JourneyRun.objects.get().state == "left"
    else:
        tick("2026-12-10T14:30")
        with at("2026-12-10T15:00"):
            contacts.appointment_confirm(actor=CLI, appointment_id=doubted)
        tick("2026-12-10T15:01")
        assert JourneyRun.objects.get().reason == "date_passed"
    assert outbox() == []


@pytest.mark.parametrize("then", ["confirmed", "cancelled"])
def test_a_message_on_its_way_out_is_held_while_the_visit_is_in_doubt(message, at, cast, providers, then):
    (visit,) = Appointment.objects.values_list("pk", flat=True)
    with at("2026-12-07T09:01"):
        appointments_hold(actor=CLI, doubts={visit: DOUBT})
        found = asked(message)
        assert isinstance(found, Refusal)
        assert "in doubt" in str(found)
        run("send_outbox")
        message.refresh_from_db()
        assert (message.state, message.reason, story.reason_words(message.reason)) == (
            "held",
            "visit_in_doubt",
            "The visit is in doubt",
        )
    tick("2026-12-07T09:02")
    message.refresh_from_db()
    assert message.state == "held"
    with at("2026-12-07T09:03"):
        settle = contacts.appointment_confirm if then == "confirmed" else contacts.appointment_cancel
        settle(actor=CLI, appointment_id=visit)
    tick("2026-12-07T09:04")
    with at("2026-12-07T09:05"):
        run("send_outbox")
    message.refresh_from_db()
    assert (message.state, message.reason) == (("sent", "") if then == "confirmed" else ("held", "stopped"))
    assert AuditEntry.objects.filter(action="message.release").count() == 1
