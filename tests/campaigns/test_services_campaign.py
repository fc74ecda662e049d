"""A campaign is prepared by one person and approved by another, for exactly what was submitted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from apps.audit.models import AuditEntry
from apps.campaigns import selectors, services
from apps.campaigns.models import Campaign, CampaignRecipient, State
from apps.campaigns.services import sending, testing
from apps.campaigns.views import reading
from apps.contacts import services as contacts
from apps.content import selectors as content
from apps.content import services as content_services
from apps.core import actors, clock
from apps.core.actors import Actor
from apps.delivery.models import OutboxMessage, ReadyMessage
from apps.segments import selectors as segments
from apps.segments import services as segment_services
from apps.segments.services import InUse
from tests.refusals import refused

from .conftest import CLI, EVERYBODY, SPEC, profile

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita(cast: SimpleNamespace) -> Actor:
    return actors.staff(cast.rita.pk, "reviewer")


@pytest.fixture
def flu(clinic: SimpleNamespace, max_actor: Actor) -> Campaign:
    return services.campaign_save(actor=max_actor, name="Flu shots 2026", spec=SPEC)


@pytest.fixture
def approved(flu: Campaign, max_actor: Actor, rita: Actor) -> Campaign:
    services.campaign_submit(actor=max_actor, campaign_id=flu.pk, planned=13)
    return services.campaign_approve(actor=rita, campaign_id=flu.pk)


def state(campaign: Campaign) -> str:
    return Campaign.objects.get(pk=campaign.pk).state


def test_a_campaign_is_saved_sealed(flu: Campaign) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM campaigns_campaign t")
        text = cursor.fetchone()[0]
    for word in ("Flu shots", "Everyone", "Flu shot"):
        assert word.encode().hex() not in text
    opened = selectors.by_name("flu shots 2026")
    assert (opened.name, opened.spec.segment) == ("Flu shots 2026", "Everyone")
    assert "Flu shots" not in repr(opened)
    assert AuditEntry.objects.get(action="campaign.create").subject == str(flu.pk)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"segment": None}, "Choose a segment, or everybody."),
        ({"template": None}, "Choose a template."),
        ({"purpose": None}, "Choose the purpose"),
        ({"remuneration": None}, "Answer whether anybody pays"),
        ({"remuneration": "paid"}, "is marketing"),
        ({"remuneration": "refill_cost"}, "Name the drug"),
        ({"remuneration": "refill_cost", "drug": "Metformin"}, "no more than the cost"),
        ({"remuneration": "refill_cost", "purpose": "payment"}, "treatment only"),
    ],
)
def test_nothing_goes_to_review_without_every_answer(
    clinic: SimpleNamespace, max_actor: Actor, change: dict[str, Any], said: str
) -> None:
    saved = services.campaign_save(actor=max_actor, name="Flu", spec={**SPEC, **change})
    with refused("campaign.incomplete", said):
        services.campaign_submit(actor=max_actor, campaign_id=saved.pk)
    assert state(saved) == State.DRAFT


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ([], "campaign_file.not_an_object"),
        ({"segmnt": "x"}, "campaign_file.part_unknown"),
        ({"exclude": "x"}, "campaign_file.exclude_not_a_list"),
        ({"purpose": "account"}, "campaign_file.purpose_unknown"),
        ({"remuneration": "maybe"}, "campaign_file.remuneration_unknown"),
        ({"cost_statement": "perhaps"}, "campaign_file.not_true_or_false"),
        ({"segment": "Everyone", "everybody": True}, "campaign.audience_twice"),
        ({"segment": "Everyone", "exclude": ["Everyone"]}, "campaign.excludes_itself"),
        ({"segment": "Nobody knows"}, "segment.unknown"),
        ({"template": "Nobody knows"}, "template.unknown"),
        ({"brand": "Nobody knows"}, "sender.unknown"),
        ({"segment": 7.5}, "campaign_file.text_length"),
        ({"segment": 7_000_000}, "segment.unknown"),
    ],
)
def test_a_spec_that_cannot_be_used_is_refused(clinic: SimpleNamespace, spec: Any, code: str) -> None:
    with refused(code):
        services.campaign_save(actor=CLI, name="Flu", spec=spec)


def test_whoever_prepared_it_does_not_approve_it(flu: Campaign, max_actor: Actor, rita: Actor, cast: Any) -> None:
    with refused("approval.not_asked"):
        services.campaign_approve(actor=rita, campaign_id=flu.pk)
    services.campaign_submit(actor=max_actor, campaign_id=flu.pk)
    with refused("approval.not_allowed"):
        services.campaign_approve(actor=max_actor, campaign_id=flu.pk)
    with refused("approval.not_allowed"):
        services.campaign_approve(actor=CLI, campaign_id=flu.pk)
    ada = actors.staff(cast.ada.pk, "administrator")
    services.campaign_reject(actor=rita, campaign_id=flu.pk, comment="Add the telephone number.")
    services.campaign_save(actor=ada, name="Flu shots 2026", spec=SPEC, campaign_id=flu.pk)
    services.campaign_submit(actor=max_actor, campaign_id=flu.pk)
    with refused("approval.own_work"):
        services.campaign_approve(actor=ada, campaign_id=flu.pk)
    assert services.campaign_approve(actor=rita, campaign_id=flu.pk).state == State.APPROVED
    words = [review.decision for review in selectors.reviews(flu)]
    assert words == ["Approved", "Submitted", "Rejected", "Submitted"]
    assert selectors.reviews(flu)[2].comment == "Add the telephone number."


def test_a_rejection_says_why(flu: Campaign, max_actor: Actor, rita: Actor) -> None:
    services.campaign_submit(actor=max_actor, campaign_id=flu.pk)
    with refused("approval.without_comment"):
        services.campaign_reject(actor=rita, campaign_id=flu.pk, comment=" ")


def test_any_change_voids_an_approval(approved: Campaign, max_actor: Actor) -> None:
    services.campaign_save(
        actor=max_actor, name="Flu shots 2026", spec={**SPEC, "purpose": "operations"}, campaign_id=approved.pk
    )
    row = Campaign.objects.get(pk=approved.pk)
    assert (row.state, row.approval, row.approved_by, row.approved_at) == (State.DRAFT, None, "", None)
    assert selectors.reviews(row)[0].decision == "Approval voided by a change"
    with refused("campaign.not_approved"):
        sending.campaign_send(actor=max_actor, campaign_id=approved.pk)


def _change_segment(actor: Actor) -> None:
    rule = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
    segment_services.segment_save(actor=actor, name="Everyone", rule=rule, segment_id=segments.by_name("Everyone").id)


def _change_brand(actor: Actor) -> None:
    from apps.content.models import Brand

    brand = Brand.objects.get()
    content_services.brand_save(actor=CLI, brand=brand, data={**brand.opened, "from_name": "Somebody else"})


@pytest.mark.parametrize("change", [_change_segment, _change_brand])
def test_a_change_behind_its_back_voids_it_too(approved: Campaign, max_actor: Actor, change: Any) -> None:
    change(max_actor)
    with refused("approval.outdated"):
        sending.campaign_send(actor=max_actor, campaign_id=approved.pk)
    assert state(approved) == State.DRAFT
    assert not OutboxMessage.objects.exists()


@pytest.mark.parametrize("change", [_change_segment, _change_brand])
def test_the_author_learns_of_it_long_before_the_hour_of_sending(
    approved: Campaign, signed_in: Any, max_actor: Actor, change: Any
) -> None:
    max_ = signed_in("max")
    sending.campaign_send(actor=max_actor, campaign_id=approved.pk, at=clock.now() + timedelta(days=3))
    assert sending.compare(actor=CLI) == 0
    assert state(approved) == State.SCHEDULED
    change(max_actor)
    assert sending.compare(actor=CLI) == 1
    assert state(approved) == State.DRAFT
    for page in ("/", f"/campaigns/{approved.pk}/approval/"):
        assert "changed since this was submitted" in max_.get(page).content.decode()
    services.campaign_submit(actor=max_actor, campaign_id=approved.pk)
    assert "is a draft again" not in max_.get("/").content.decode()


def test_a_start_that_was_refused_says_why(approved: Campaign, signed_in: Any, max_actor: Actor) -> None:
    max_ = signed_in("max")
    at = clock.now() + timedelta(hours=1)
    sending.campaign_send(actor=max_actor, campaign_id=approved.pk, at=at)
    for number in range(40):
        contacts.contact_create(actor=CLI, profile=profile(f"Late{number}"))
    with clock.frozen(at):
        assert sending.tick(actor=CLI)["started"] == 0
        page = max_.get("/").content.decode()
    assert "is a draft again" in page
    assert "The audience grew from" in page


def test_editing_the_template_changes_nothing_that_was_approved(approved: Campaign, max_actor: Actor) -> None:
    template = content.template_named("Flu shot")
    content_services.template_save(
        actor=max_actor, template_id=template.pk, version=None, edit=lambda before: {**before, "subject": "Other"}
    )
    assert sending.campaign_send(actor=max_actor, campaign_id=approved.pk).state == State.SENDING


def test_sending_freezes_the_audience_and_queues_each_person_once(
    approved: Campaign, clinic: SimpleNamespace, max_actor: Actor
) -> None:
    started = sending.campaign_send(actor=max_actor, campaign_id=approved.pk)
    assert (started.audience, started.to_feed) == (13, 6)
    reasons = dict(CampaignRecipient.objects.filter(campaign=approved).values_list("person", "held"))
    assert reasons[clinic.dead] == "deceased"
    assert reasons[clinic.twin] == "duplicate_mailbox"
    assert reasons[clinic.tls] == ""
    contacts.contact_create(actor=CLI, profile=profile("Late"))
    queued = [sending.campaign_feed(actor=max_actor, campaign_id=approved.pk, chunk=2) for _ in range(4)]
    assert queued == [2, 2, 2, 0]
    assert OutboxMessage.objects.filter(kind="campaign", source_id=approved.pk).count() == 6
    row = Campaign.objects.get(pk=approved.pk)
    assert (row.fed, row.fed_all) == (6, True)


def test_a_crash_while_feeding_repeats_nothing_and_skips_nobody(
    approved: Campaign, max_actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending.campaign_send(actor=max_actor, campaign_id=approved.pk)
    sending.campaign_feed(actor=max_actor, campaign_id=approved.pk, chunk=2)
    real = sending.enqueue

    def dies(**given: Any) -> int:
        real(**given)
        raise RuntimeError

    monkeypatch.setattr(sending, "enqueue", dies)
    with pytest.raises(RuntimeError):
        sending.campaign_feed(actor=max_actor, campaign_id=approved.pk, chunk=2)
    monkeypatch.undo()
    sending.campaign_feed_all(actor=max_actor, campaign_id=approved.pk, chunk=2)
    people = list(OutboxMessage.objects.values_list("person_id", flat=True))
    assert len(people) == len(set(people)) == 6


def test_an_audience_that_outgrew_its_approval_goes_back(approved: Campaign, max_actor: Actor) -> None:
    contacts.contacts_create(actor=CLI, profiles=[profile(f"N{number}") for number in range(40)])
    with refused("campaign.audience_grew", "grew from 13 to 53"):
        sending.campaign_send(actor=max_actor, campaign_id=approved.pk)
    assert not CampaignRecipient.objects.exists()


def test_a_campaign_to_nobody_is_refused(approved: Campaign, clinic: SimpleNamespace, max_actor: Actor) -> None:
    for name in ("tls", "weak", "pgp", "smime", "nobirth"):
        number = getattr(clinic, name)
        contacts.consent_record(
            actor=CLI,
            person_id=number,
            purpose="treatment",
            state="denied",
            on=clock.now().astimezone(clock.clinic_zone()).date(),
            method="phone",
        )
    for number in (clinic.twin, clinic.business, clinic.ward):
        contacts.contact_erase(actor=CLI, person_id=number, reason="scene")
    with refused("campaign.nobody_left"):
        sending.campaign_send(actor=max_actor, campaign_id=approved.pk)


def test_a_schedule_starts_on_time_and_can_be_called_off(approved: Campaign, max_actor: Actor, noon: datetime) -> None:
    with refused("campaign.time_past"):
        sending.campaign_send(actor=max_actor, campaign_id=approved.pk, at=noon)
    at = noon + timedelta(hours=2)
    sending.campaign_send(actor=max_actor, campaign_id=approved.pk, at=at)
    with refused("campaign.not_changeable"):
        services.campaign_save(actor=max_actor, name="Flu shots 2026", spec=SPEC, campaign_id=approved.pk)
    sending.campaign_unschedule(actor=max_actor, campaign_id=approved.pk)
    assert state(approved) == State.APPROVED
    sending.campaign_send(actor=max_actor, campaign_id=approved.pk, at=at)
    assert sending.tick(actor=CLI)["started"] == 0
    with clock.frozen(at):
        assert sending.tick(actor=CLI) == {"started": 1, "fed": 6, "finished": 0}
    assert state(approved) == State.SENDING


def test_a_scheduled_campaign_that_changed_is_not_sent(approved: Campaign, max_actor: Actor, noon: datetime) -> None:
    at = noon + timedelta(hours=2)
    sending.campaign_send(actor=max_actor, campaign_id=approved.pk, at=at)
    _change_segment(max_actor)
    with clock.frozen(at):
        assert sending.tick(actor=CLI)["started"] == 0
    assert state(approved) == State.DRAFT


def test_after_a_restore_nothing_goes_on_by_itself(approved: Campaign, max_actor: Actor, noon: datetime) -> None:
    """It may all have gone out after the backup was made; what is still to come stays as it was."""
    sending.campaign_send(actor=max_actor, campaign_id=approved.pk, at=noon + timedelta(hours=2))
    assert sending.hold_after_restore(actor=CLI) == {"campaigns_paused": 0, "schedules_called_off": 0}
    with clock.frozen(noon + timedelta(days=1)):
        assert sending.hold_after_restore(actor=CLI) == {"campaigns_paused": 0, "schedules_called_off": 1}
        assert state(approved) == State.APPROVED
        sending.campaign_send(actor=max_actor, campaign_id=approved.pk)
        sending.campaign_feed(actor=max_actor, campaign_id=approved.pk, chunk=2)
        assert sending.hold_after_restore(actor=CLI) == {"campaigns_paused": 1, "schedules_called_off": 0}
        assert state(approved) == State.PAUSED
        assert sending.tick(actor=CLI) == {"started": 0, "fed": 0, "finished": 0}
        assert not ReadyMessage.objects.filter(not_before__lte=clock.now()).exists()


def test_pause_resume_and_stop(approved: Campaign, max_actor: Actor) -> None:
    sending.campaign_send(actor=max_actor, campaign_id=approved.pk)
    sending.campaign_feed(actor=max_actor, campaign_id=approved.pk, chunk=2)
    sending.campaign_pause(actor=max_actor, campaign_id=approved.pk)
    assert sending.campaign_feed(actor=max_actor, campaign_id=approved.pk) == 0
    assert not ReadyMessage.objects.filter(not_before__lte=clock.now()).exists()
    sending.campaign_resume(actor=max_actor, campaign_id=approved.pk)
    assert ReadyMessage.objects.filter(not_before__lte=clock.now()).count() == 2
    assert sending.campaign_cancel(actor=max_actor, campaign_id=approved.pk) == 6
    assert state(approved) == State.CANCELLED
    assert not ReadyMessage.objects.exists()
    for act, code in (
        (sending.campaign_pause, "campaign.not_being_sent"),
        (sending.campaign_resume, "campaign.not_paused"),
        (sending.campaign_cancel, "campaign.not_being_sent"),
    ):
        with refused(code):
            act(actor=max_actor, campaign_id=approved.pk)


def test_the_database_lets_nothing_leave_unapproved(flu: Campaign) -> None:
    for forbidden in ("approved", "scheduled", "sending", "done"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Campaign.objects.filter(pk=flu.pk).update(state=forbidden)


def test_a_campaign_is_copied_and_deleted_while_nothing_was_sent(approved: Campaign, max_actor: Actor) -> None:
    copy = services.campaign_duplicate(actor=max_actor, campaign_id=approved.pk)
    assert selectors.opened(copy).name == "Flu shots 2026 (copy)"
    assert copy.state == State.DRAFT
    services.campaign_submit(actor=max_actor, campaign_id=copy.pk)
    assert len(selectors.reviews(copy)) == 1
    services.campaign_delete(actor=max_actor, campaign_id=copy.pk)
    assert selectors.reviews(copy) == [], "its history goes with it"
    sending.campaign_send(actor=max_actor, campaign_id=approved.pk)
    with refused("campaign.kept"):
        services.campaign_delete(actor=max_actor, campaign_id=approved.pk)


def test_a_campaign_that_a_segment_asks_about_stays(flu: Campaign, max_actor: Actor) -> None:
    rule = {"match": "all", "rules": [{"engagement": "clicked", "campaign": "Flu shots 2026"}]}
    asking = segment_services.segment_save(actor=max_actor, name="Clicked", rule=rule)
    with refused("campaign.in_use", match="Segment “Clicked” asks about this campaign"):
        services.campaign_delete(actor=max_actor, campaign_id=flu.pk)
    segment_services.segment_delete(actor=max_actor, segment_id=asking.pk)
    services.campaign_delete(actor=max_actor, campaign_id=flu.pk)


def test_a_segment_and_a_template_in_use_say_where(flu: Campaign) -> None:
    with pytest.raises(InUse) as caught:
        segment_services.segment_delete(actor=CLI, segment_id=segments.by_name("Everyone").id)
    assert [(use.kind, use.name) for use in caught.value.usages] == [("Campaign", "Flu shots 2026")]
    with refused("template.in_use"):
        content_services.template_archive(actor=CLI, template_id=content.template_named("Flu shot").pk)


def test_the_commands_of_the_road(clinic: SimpleNamespace, cast: SimpleNamespace, tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(SPEC))

    def run(*arguments: str) -> dict[str, Any]:
        out = StringIO()
        call_command(*arguments, "--json", stdout=out)
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    assert run("campaign_save", "Flu", str(file))["missing"] == []
    plan = run("campaign_plan", "Flu", "--no-measure")
    assert set(plan) == {"audience", "routes", "held"}
    assert plan["audience"] == 13
    errors = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("campaign_approve", "Flu", stderr=errors)
    assert ended.value.code == 1
    assert "signed in by name" in errors.getvalue()
    assert run("campaign_approve", "Flu", "--as", "rita@clinic.test")["state"] == "approved"
    assert run("campaign_send", "Flu", "--wait", "0") == {"queued": 6, "sent": 0, "failed": 0, "doubtful": 0}


def test_a_test_copy_goes_to_staff_with_an_invented_person(flu: Campaign, max_actor: Actor) -> None:
    (number, *_) = testing.campaign_test(actor=max_actor, campaign_id=flu.pk, address="max@clinic.test")
    message = OutboxMessage.objects.get(pk=number)
    assert (message.kind, message.person_id, message.level) == ("test", None, 0)
    assert AuditEntry.objects.filter(action="campaign.test").exists()


def test_everybody_needs_no_segment(clinic: SimpleNamespace, max_actor: Actor) -> None:
    spec = {**SPEC, "segment": None, "everybody": True}
    saved = services.campaign_save(actor=max_actor, name="All", spec=spec)
    assert services.problems_of(selectors.opened(saved)) == []
    assert EVERYBODY["rules"] == []


def test_a_list_of_very_many_shows_the_last_and_what_waits_has_its_planned_number(
    approved: Campaign, signed_in: Any, max_actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.campaign_withdraw(actor=max_actor, campaign_id=approved.pk)
    services.campaign_submit(actor=max_actor, campaign_id=approved.pk, planned=4_321)
    assert ">4,321<" in signed_in("max").get("/campaigns/").content.decode()
    services.campaign_duplicate(actor=max_actor, campaign_id=approved.pk)
    monkeypatch.setattr(reading, "LISTED", 1)
    page = signed_in("max").get("/campaigns/").content.decode()
    assert "The 1 last changed of 2 are shown" in page
    assert ">4,321<" not in page
