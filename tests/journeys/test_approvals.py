"""Two people before a journey writes to patients: exactly what was approved runs, and any change voids it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from apps.approvals.models import ApprovalEntry
from apps.content import services as content
from apps.content.selectors import template_named
from apps.core import actors
from apps.journeys import approvals, presets, selectors, services
from apps.journeys.definition import to_json
from apps.journeys.models import Journey, JourneyState
from apps.journeys.parse import parse
from apps.organizations.services import organization_change
from apps.segments import services as segments
from tests.journeys.conftest import CLI
from tests.refusals import refused

pytestmark = pytest.mark.django_db
WOMEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
MEN = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "M"}]}


def staff(user) -> actors.Actor:
    return actors.staff(user.pk, user.role)


@pytest.fixture
def asked(clinic, cast) -> Journey:
    """Max prepared the reminder and asks for approval."""
    journey = services.journey_from_preset(actor=staff(cast.max), preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    services.journey_submit(actor=staff(cast.max), journey=journey)
    return journey


def state(journey: Journey) -> str:
    return approvals.standing(Journey.objects.get(pk=journey.pk)).state


def test_a_marketer_alone_does_not_switch_a_journey_on(asked, cast):
    with refused("journey.not_approved", "waits for approval"):
        services.journey_activate(actor=staff(cast.max), journey=asked)
    with refused("approval.not_allowed"):
        services.journey_approve(actor=staff(cast.max), journey=asked)
    assert Journey.objects.get().state == JourneyState.DRAFT


def test_a_second_person_approves_and_it_runs(asked, cast):
    services.journey_approve(actor=staff(cast.rita), journey=asked)
    assert services.journey_activate(actor=staff(cast.max), journey=asked).number == 1
    assert Journey.objects.get().state == JourneyState.ACTIVE


def test_an_administrator_who_prepared_it_does_not_approve_it(clinic, cast):
    journey = services.journey_from_preset(actor=staff(cast.ada), preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    services.journey_submit(actor=staff(cast.max), journey=journey)
    with refused("approval.own_work"):
        services.journey_approve(actor=staff(cast.ada), journey=journey)


@pytest.mark.parametrize("principal", [actors.COMMAND_LINE, actors.system("beat")])
def test_only_a_person_by_name_decides(asked, principal):
    with refused("approval.not_allowed"):
        services.journey_approve(actor=principal, journey=asked)


def test_a_changed_step_voids_the_approval(asked, cast):
    services.journey_approve(actor=staff(cast.rita), journey=asked)
    data = to_json(selectors.by_id(asked.pk).draft)
    data["steps"][0]["days"] = 2
    services.draft_save(actor=staff(cast.max), journey=asked, revision=asked.revision, definition=parse(data))
    assert state(asked) == "changed"
    with refused("journey.not_approved", "changed since"):
        services.journey_activate(actor=staff(cast.max), journey=asked)


def test_a_text_published_anew_voids_the_approval(asked, cast):
    services.journey_approve(actor=staff(cast.rita), journey=asked)
    template = template_named(presets.APPOINTMENT_REMINDER)
    content.template_save(
        actor=staff(cast.max),
        template_id=template.pk,
        version=template.version,
        edit=lambda data: {**data, "subject": "Buy our vitamins"},
    )
    assert state(asked) == "approved", "a draft is not sent"
    content.template_publish(actor=staff(cast.max), template_id=template.pk)
    assert state(asked) == "changed"


def test_a_changed_segment_voids_the_approval(clinic, cast):
    segment = segments.segment_save(actor=staff(cast.max), name="Women", rule=WOMEN)
    outer = {"match": "all", "rules": [{"segment": "Women", "op": "in"}]}
    segments.segment_save(actor=staff(cast.max), name="Outer", rule=outer)
    services.journey_from_preset(actor=CLI, preset=presets.APPOINTMENT_REMINDER_JOURNEY)
    send = {"id": "s1", "type": "send", "template": "Appointment reminder", "purpose": "treatment"}
    definition = {"format": 1, "trigger": {"kind": "segment", "segment": "Outer"}, "steps": [send]}
    journey = services.journey_create(actor=staff(cast.max), name="Welcome", definition=definition)
    services.journey_submit(actor=staff(cast.max), journey=journey)
    services.journey_approve(actor=staff(cast.rita), journey=journey)
    segments.segment_save(actor=staff(cast.max), name="Women", rule=MEN, segment_id=segment.pk)
    assert state(journey) == "changed"
    services.journey_submit(actor=staff(cast.max), journey=journey)
    segments.segment_save(actor=staff(cast.ada), name="Women", rule=WOMEN, segment_id=segment.pk)
    services.journey_submit(actor=staff(cast.max), journey=journey)
    with refused("approval.own_work", "You edited the segment “Women”"):
        services.journey_approve(actor=staff(cast.ada), journey=journey)


def test_whoever_wrote_the_text_does_not_approve_the_journey(asked, cast):
    template = template_named(presets.APPOINTMENT_REMINDER)
    content.template_save(
        actor=staff(cast.ada),
        template_id=template.pk,
        version=template.version,
        edit=lambda data: {**data, "subject": "Another subject"},
    )
    content.template_save(
        actor=staff(cast.max), template_id=template.pk, version=None, edit=lambda data: {**data, "subject": "Another"}
    )
    content.template_publish(actor=staff(cast.ada), template_id=template.pk)
    services.journey_submit(actor=staff(cast.max), journey=asked)
    with refused("approval.own_work", "You edited the template “Appointment reminder”"):
        services.journey_approve(actor=staff(cast.ada), journey=asked)
    services.journey_approve(actor=staff(cast.rita), journey=asked)


HARBOR = {"name": "Harbor", "from_address": "care@clinic.test"}


def test_whoever_edited_the_sender_does_not_approve_the_journey(asked, cast):
    content.brand_save(actor=CLI, data=HARBOR)
    heart = content.brand_save(actor=staff(cast.ada), data={**HARBOR, "name": "Heart center"})
    template = template_named(presets.APPOINTMENT_REMINDER)
    content.template_brand(actor=CLI, template_id=template.pk, brand=heart)
    services.journey_submit(actor=staff(cast.max), journey=asked)
    with refused("approval.own_work", "You edited the brand"):
        services.journey_approve(actor=staff(cast.ada), journey=asked)
    services.journey_approve(actor=staff(cast.rita), journey=asked)
    assert approvals.why_not(staff(cast.ada), asked, selectors.by_id(asked.pk).draft) == ""


@pytest.mark.parametrize("brand", [None, HARBOR], ids=["no sender", "a sender without an address"])
def test_another_postal_address_voids_the_approval_of_a_sender_without_its_own(asked, cast, brand):
    """The law asks for the address in the mail, so it belongs to what was looked at."""
    if brand is not None:
        content.brand_save(actor=CLI, data=brand)
        services.journey_submit(actor=staff(cast.max), journey=asked)
    services.journey_approve(actor=staff(cast.rita), journey=asked)
    organization_change(actor=CLI, name="Lakeside Clinic", postal_address="9 Oak Street, Lexington, KY", phone="1")
    assert state(asked) == "changed"
    with refused("journey.not_approved", "changed since"):
        services.journey_activate(actor=staff(cast.max), journey=asked)


def test_a_sender_with_its_own_address_does_not_mind(asked, cast):
    own = {"postal_address": "7 Elm Street, Lexington, KY 40507", "phone": "859-555-0100"}
    content.brand_save(actor=CLI, data=HARBOR | own)
    services.journey_submit(actor=staff(cast.max), journey=asked)
    services.journey_approve(actor=staff(cast.rita), journey=asked)
    organization_change(actor=CLI, name="Lakeside Clinic", postal_address="9 Oak Street, Lexington, KY", phone="1")
    assert state(asked) == "approved"


def test_what_was_sent_back_says_why_and_may_be_asked_for_again(asked, cast):
    with refused("approval.without_comment"):
        services.journey_reject(actor=staff(cast.rita), journey=asked, comment=" ")
    services.journey_reject(actor=staff(cast.rita), journey=asked, comment="The second mail is too long.")
    found = approvals.standing(asked)
    assert (found.state, found.comment) == ("rejected", "The second mail is too long.")
    assert b"too long" not in bytes(ApprovalEntry.objects.latest("pk").sealed)
    services.journey_submit(actor=staff(cast.max), journey=asked)
    assert state(asked) == "waiting"


def test_a_journey_that_sends_nothing_needs_nobody(clinic, cast):
    wait = {"id": "s1", "type": "wait", "amount": 1, "unit": "hours"}
    definition = {"format": 1, "trigger": {"kind": "manual"}, "steps": [wait]}
    journey = services.journey_create(actor=staff(cast.max), name="Quiet", definition=definition)
    assert approvals.standing(journey).may_run


def test_the_pages_lead_from_asking_to_approving_to_activating(clinic, cast, signed_in):
    max_, rita = signed_in("max"), signed_in("rita")
    max_.post("/journeys/new/", {"ready": "0"})
    journey = Journey.objects.get()
    page = max_.get(f"/journeys/{journey.pk}/activate/").content.decode()
    assert "Ask for approval" in page
    assert "Activate journey" not in page
    max_.post(f"/journeys/{journey.pk}/approval/ask/")
    assert max_.post(f"/journeys/{journey.pk}/approval/approve/").status_code == 403
    assert "Approve “Appointment reminder”" in rita.get("/").content.decode()
    page = rita.get(f"/journeys/{journey.pk}/activate/").content.decode()
    assert "Approve journey" in page
    letters = [part.split('"')[0] for part in page.split('src="')[1:] if "/letters/" in part.split('"')[0]]
    assert len(letters) == 4  # two messages, each in English and Spanish
    assert "appointment" in rita.get(letters[0]).content.decode().lower()
    read = page.split('name="looked_at" value="')[1].partition('"')[0]
    kept = rita.post(f"/journeys/{journey.pk}/approval/reject/", {"comment": "", "looked_at": read})
    assert kept.status_code == 422
    assert rita.post(f"/journeys/{journey.pk}/activate/", {"take_in": "yes"}).status_code == 403
    rita.post(f"/journeys/{journey.pk}/approval/approve/", {"comment": "Good.", "looked_at": read})
    page = max_.get(f"/journeys/{journey.pk}/activate/").content.decode()
    assert "Activate journey" in page
    max_.post(f"/journeys/{journey.pk}/activate/", {"take_in": "yes"})
    assert Journey.objects.get().state == JourneyState.ACTIVE


def test_the_page_of_a_marketer_who_posts_anyway_is_refused(clinic, cast, signed_in):
    max_ = signed_in("max")
    max_.post("/journeys/new/", {"ready": "0"})
    journey = Journey.objects.get()
    answer = max_.post(f"/journeys/{journey.pk}/activate/", {"take_in": "yes"}, follow=True)
    assert "Nobody has approved this journey yet." in answer.content.decode()
    assert Journey.objects.get().state == JourneyState.DRAFT


def test_the_command_refuses_until_somebody_by_name_approved(clinic, cast, capsys):
    def run(*arguments: str) -> int:
        try:
            call_command(*arguments, stdout=StringIO())
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    assert run("journey_activate", "Appointment reminder", "--as", "max@clinic.test") == 1
    said = capsys.readouterr().err
    assert "Nobody has approved this journey yet." in said
    assert "journey_approve NAME --as EMAIL" in said
    assert run("journey_approve", "Appointment reminder") == 1
    assert "signed in by name" in capsys.readouterr().err
    assert run("journey_approve", "Appointment reminder", "--as", "max@clinic.test") == 1
    out = StringIO()
    call_command("journey_approve", "Appointment reminder", "--as", "rita@clinic.test", "--json", stdout=out)
    assert json.loads(out.getvalue())["state"] == "approved"
    assert run("journey_activate", "Appointment reminder", "--as", "max@clinic.test") == 0
