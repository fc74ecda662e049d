"""A campaign whose template speaks two languages: the plan counts readers, each gets theirs, the report says so."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from apps.campaigns import plans, selectors, services
from apps.campaigns.models import Campaign
from apps.campaigns.report import people_behind, report_of
from apps.campaigns.services import sending, testing
from apps.contacts import services as contacts
from apps.content import services as content
from apps.content import variants
from apps.content.selectors import draft_data, template_named
from apps.core import actors, clock
from apps.delivery.models import OutboxMessage
from apps.delivery.send.sources import Draft
from tests.refusals import refused

from .conftest import CLI, SPEC, profile
from .test_sending_flow import ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def readers(clinic: SimpleNamespace) -> SimpleNamespace:
    """Besides the others of the clinic: Ana reads Spanish, Binh Vietnamese."""
    for key, language in (("ana", "es"), ("binh", "vi")):
        person = contacts.contact_create(actor=CLI, profile=profile(key.capitalize(), language=language))
        setattr(clinic, key, person.id)
    return clinic


@pytest.fixture
def approved(readers: SimpleNamespace, cast: SimpleNamespace) -> Campaign:
    max_, rita = actors.staff(cast.max.pk, "marketer"), actors.staff(cast.rita.pk, "reviewer")
    made = services.campaign_save(actor=max_, name="Flu shots", spec=SPEC)
    services.campaign_submit(actor=max_, campaign_id=made.pk, planned=15)
    services.campaign_approve(actor=rita, campaign_id=made.pk)
    return Campaign.objects.get(pk=made.pk)


def test_the_plan_counts_readers_by_language_and_says_who_falls_back(approved, readers, signed_in):
    plan = plans.plan_of(actor=CLI, campaign=selectors.opened(approved))
    assert plan.readers["es"] == 1
    assert plan.readers["other"] == 1
    assert sum(plan.readers.values()) == plan.going
    page = signed_in("rita").get(f"/campaigns/{approved.pk}/approval/").content.decode()
    assert "Which language do they get?" in page
    assert "1 person reads another language" in page
    assert "?language=es" in page, "the reviewer reads the Spanish mail too"


def test_each_person_gets_their_language_and_the_report_says_so(approved, readers, cast, signed_in):
    max_ = actors.staff(cast.max.pk, "marketer")
    sending.campaign_send(actor=max_, campaign_id=approved.pk)
    sending.campaign_feed_all(actor=max_, campaign_id=approved.pk)
    drafts = {who: ask(approved, getattr(readers, who)) for who in ("ana", "binh", "tls")}
    assert all(isinstance(draft, Draft) for draft in drafts.values())
    assert {who: draft.compiled.language for who, draft in drafts.items()} == {"ana": "es", "binh": "en", "tls": "en"}
    for who, draft in drafts.items():
        OutboxMessage.objects.filter(source_id=approved.pk, person_id=getattr(readers, who)).update(
            state="sent", route="tls", skeleton_id=draft.skeleton_id, finished_at=clock.now()
        )
    assert report_of(approved).languages == {"en": 2, "es": 1}
    assert people_behind(approved, "language:es") == [readers.ana]
    client = signed_in("max")
    assert b"Which language did they get?" in client.get(f"/campaigns/{approved.pk}/").content
    assert b"Got it in Spanish" in client.get(f"/campaigns/{approved.pk}/people/language/es/").content


def test_another_translation_voids_the_approval_of_what_is_submitted_later(approved, readers, cast):
    """The skeleton that was approved holds both languages: another Spanish text is another message."""
    template = template_named("Flu shot")
    words = {**draft_data(template)}
    words["variants"] = {"es": {**words["variants"]["es"], "subject": "Otra nota"}}
    content.template_save(actor=CLI, template_id=template.pk, version=None, edit=lambda _data: words)
    content.template_publish(actor=CLI, template_id=template.pk)
    max_ = actors.staff(cast.max.pk, "marketer")
    again = services.campaign_save(actor=max_, name="Flu shots", spec={**SPEC, "brand": None}, campaign_id=approved.pk)
    services.campaign_submit(actor=max_, campaign_id=again.pk, planned=15)
    again.refresh_from_db()
    assert again.skeleton_id != approved.skeleton_id
    with refused("campaign.not_approved"):
        sending.campaign_send(actor=max_, campaign_id=again.pk)


def test_a_test_goes_out_in_both_languages(approved, cast):
    testing.campaign_test(actor=CLI, campaign_id=approved.pk, address="max@clinic.test")
    assert OutboxMessage.objects.filter(kind="test").count() == 2


def test_the_plan_says_that_a_translation_is_older_until_somebody_has_looked(approved, signed_in):
    """The campaign was approved with both texts; then the English one is changed and taken over, the Spanish is not."""
    template = template_named("Flu shot")
    words = {**draft_data(template), "subject": "A new note from your care team"}
    content.template_save(actor=CLI, template_id=template.pk, version=None, edit=lambda _data: words)
    client = signed_in("max")
    warning = b"A translation is older than the main text"
    assert warning not in client.get(f"/campaigns/{approved.pk}/plan/").content, "what was approved is of one piece"
    made = services.campaign_save(actor=CLI, name="Flu shots again", spec=SPEC)
    assert warning in client.get(f"/campaigns/{made.pk}/plan/").content
    content.template_save(
        actor=CLI, template_id=template.pk, version=None, edit=lambda data: variants.up_to_date(data, "es")
    )
    assert warning not in client.get(f"/campaigns/{made.pk}/plan/").content
