"""From an approved campaign to mail at the providers: each person exactly once, protected as planned."""

from __future__ import annotations

import json
import re
import time
from datetime import date, timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from apps.campaigns import plans, selectors, services
from apps.campaigns.models import Campaign, State
from apps.campaigns.report import report_of
from apps.campaigns.services import sending
from apps.campaigns.source import CampaignSource
from apps.contacts import services as contacts
from apps.contacts.person import selectors as contact_selectors
from apps.content.merging import merge
from apps.core import actors, clock
from apps.core.purposes import Purpose
from apps.delivery.models import OutboxMessage, ReadyMessage
from apps.delivery.policy.routing import Held, Refusal
from apps.delivery.send.sources import Claimed, Draft
from apps.mail.compiled import Envelope
from tests.delivery.conftest import providers as demo_providers

from .conftest import CLI, SPEC, profile

pytestmark = pytest.mark.django_db
providers = demo_providers


@pytest.fixture
def started(clinic: SimpleNamespace, cast: SimpleNamespace) -> Campaign:
    max_, rita = actors.staff(cast.max.pk, "marketer"), actors.staff(cast.rita.pk, "reviewer")
    made = services.campaign_save(actor=max_, name="Flu shots", spec=SPEC)
    services.campaign_submit(actor=max_, campaign_id=made.pk, planned=13)
    services.campaign_approve(actor=rita, campaign_id=made.pk)
    sending.campaign_send(actor=max_, campaign_id=made.pk)
    sending.campaign_feed_all(actor=max_, campaign_id=made.pk)
    return Campaign.objects.get(pk=made.pk)


def ask(campaign: Campaign, person_id: int) -> Draft | Refusal:
    message = OutboxMessage.objects.get(source_id=campaign.pk, person_id=person_id)
    claimed = Claimed(
        id=message.pk,
        kind="campaign",
        source_id=campaign.pk,
        node="",
        visit=0,
        person_id=person_id,
        purpose=Purpose(message.purpose),
        level=message.level,
        attempts=0,
    )
    people = contact_selectors.open_people(actor=CLI, purpose="scene", ids=[person_id])
    return CampaignSource().drafts(claimed=[claimed], people=people, now=clock.now())[message.pk]


def test_a_draft_is_merged_with_the_persons_facts_and_our_links(started: Campaign, clinic: SimpleNamespace) -> None:
    draft = ask(started, clinic.tls)
    assert isinstance(draft, Draft)
    assert draft.facts["first_name"] == "Tls"
    assert draft.list_unsubscribe_url is not None
    assert "/r/u/" in draft.list_unsubscribe_url
    envelope = Envelope(
        to_address="tls@goodmail.test",
        date=clock.now(),
        message_id="scene@clinic.test",
        list_unsubscribe_url=draft.list_unsubscribe_url,
        portal_url=draft.portal_url,
        link=draft.link,
    )
    whole = merge(draft.compiled, draft.facts, envelope).message
    assert b"List-Unsubscribe:" in whole
    assert b"Flu shots" not in whole, "the campaign's name is nobody's business"


def test_a_person_whose_record_no_longer_fits_is_held(
    clinic: SimpleNamespace, cast: SimpleNamespace, noon: Any
) -> None:
    from apps.segments import services as segments

    segments.segment_save(
        actor=CLI, name="Women", rule={"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
    )
    max_, rita = actors.staff(cast.max.pk, "marketer"), actors.staff(cast.rita.pk, "reviewer")
    made = services.campaign_save(actor=max_, name="Flu shots", spec={**SPEC, "segment": "Women"})
    services.campaign_submit(actor=max_, campaign_id=made.pk)
    services.campaign_approve(actor=rita, campaign_id=made.pk)
    sending.campaign_send(actor=max_, campaign_id=made.pk)
    sending.campaign_feed_all(actor=max_, campaign_id=made.pk)
    record = contact_selectors.open_person(actor=CLI, purpose="scene", person_id=clinic.pgp)
    contacts.contact_update(
        actor=CLI, person_id=clinic.pgp, profile={**record.profile, "sex": "M"}, version=record.version
    )
    answer = ask(made, clinic.pgp)
    assert isinstance(answer, Refusal)
    assert answer.code is Held.RULE_MISMATCH
    assert isinstance(ask(made, clinic.tls), Draft)


def test_nothing_of_a_stopped_campaign_is_merged(started: Campaign, clinic: SimpleNamespace) -> None:
    sending.campaign_cancel(actor=CLI, campaign_id=started.pk)
    answer = ask(started, clinic.tls)
    assert isinstance(answer, Refusal)
    assert answer.code is Held.STOPPED


def test_the_providers_get_what_the_plan_said(template: None, cast: SimpleNamespace, providers: Any, noon: Any) -> None:
    """The whole road on real connections: measure, plan, approve, send; each person exactly once."""
    from apps.segments import services as segments

    names = ["Ana", "Berta", "Carla", "Dina"]
    for name in names:
        contacts.contact_create(actor=CLI, profile=profile(name))
    contacts.contact_create(actor=CLI, profile=profile("Weak", email="weak@plainmail.test"))
    segments.segment_save(actor=CLI, name="Everyone", rule={"match": "all", "rules": []})
    max_, rita = actors.staff(cast.max.pk, "marketer"), actors.staff(cast.rita.pk, "reviewer")
    made = services.campaign_save(actor=max_, name="Flu shots", spec=SPEC)
    opened = selectors.opened(made)
    assert plans.measure_unknown(actor=max_, campaign=opened) == 2
    plan = plans.plan_of(actor=max_, campaign=opened)
    assert plan.unmeasured == 0
    assert plan.routes == {"tls": 4, "pgp": 0, "smime": 0, "portal": 1}
    services.campaign_submit(actor=max_, campaign_id=made.pk, planned=plan.audience)
    services.campaign_approve(actor=rita, campaign_id=made.pk)
    out = StringIO()
    call_command("campaign_send", "Flu shots", "--json", "--wait", "30", stdout=out)
    assert json.loads(out.getvalue()) == {"queued": 0, "sent": 5, "failed": 0, "doubtful": 0}

    row = Campaign.objects.get(pk=made.pk)
    report = report_of(row)
    assert (row.state, report.sent, report.secured) == (State.DONE, 5, 5)
    assert report.routes == plan.routes
    arrived = providers.store.all()
    assert sorted(each.mailbox for each in arrived) == sorted(
        [f"{name.lower()}@goodmail.test" for name in names] + ["weak@plainmail.test"]
    )
    for each in arrived:
        # The weak mailbox gets a notice without a word of health. The word alone: "flu" may stand inside a signature.
        assert bool(re.search(rb"\bflu\b", each.raw.lower())) is (not each.mailbox.startswith("weak"))


def test_the_command_does_not_wait_for_servers_that_are_asked_again_later(started: Campaign) -> None:
    """A server that did not answer is tried again in a quarter of an hour: whoever waits is told, and not kept."""
    waiting = ReadyMessage.objects.filter(source_id=started.pk)
    number, due = waiting.count(), clock.now() + timedelta(minutes=15)
    OutboxMessage.objects.filter(pk__in=waiting.values("pk")).update(attempts=1)
    waiting.update(not_before=due)
    out, errors, began = StringIO(), StringIO(), time.monotonic()
    call_command("campaign_send", "Flu shots", "--json", "--wait", "60", stdout=out, stderr=errors)
    assert time.monotonic() - began < 30
    assert json.loads(out.getvalue()) == {"queued": number, "sent": 0, "failed": 0, "doubtful": 0}
    shown = due.astimezone(clock.clinic_zone())
    assert f"did not take {number} messages yet" in errors.getvalue()
    assert f"{shown:%Y-%m-%d %H:%M}" in errors.getvalue()


def test_a_revocation_one_second_before_the_send_counts(
    clinic: SimpleNamespace, cast: SimpleNamespace, noon: Any
) -> None:
    """B-180: not only when the segment was counted, at the moment of sending."""
    max_, rita = actors.staff(cast.max.pk, "marketer"), actors.staff(cast.rita.pk, "reviewer")
    made = services.campaign_save(
        actor=max_, name="Offer", spec={**SPEC, "purpose": "marketing", "remuneration": "paid"}
    )
    services.campaign_submit(actor=max_, campaign_id=made.pk)
    services.campaign_approve(actor=rita, campaign_id=made.pk)
    contacts.consent_record(
        actor=CLI, person_id=clinic.tls, purpose="marketing", state="denied", on=date(2026, 11, 20), method="phone"
    )
    with pytest.raises(Exception, match="Nobody would get"):
        sending.campaign_send(actor=max_, campaign_id=made.pk)
    assert Campaign.objects.get(pk=made.pk).state == State.APPROVED
