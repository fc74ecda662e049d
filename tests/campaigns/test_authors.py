"""Whoever wrote the text, the sender or the choice of people does not approve it, even as an administrator."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.campaigns import services
from apps.content import selectors as templates
from apps.content import services as content
from apps.content.models import Brand
from apps.core import actors, clock
from apps.core.actors import Actor
from apps.segments import selectors as segments
from apps.segments import services as segment_services
from tests.campaigns.conftest import SPEC
from tests.refusals import refused

pytestmark = pytest.mark.django_db


def staff(user: Any) -> Actor:
    return actors.staff(user.pk, user.role)


def edit_text(actor: Actor, subject: str) -> None:
    template = templates.template_named("Flu shot")
    assert template is not None
    content.template_save(
        actor=actor,
        template_id=template.pk,
        version=template.version,
        edit=lambda data: {**data, "subject": subject},
    )


def submitted(cast: Any, name: str = "Flu", template: str = "Flu shot", brand: str = "") -> int:
    spec = {**SPEC, "template": template, "brand": brand}
    campaign = services.campaign_save(actor=staff(cast.max), name=name, spec=spec)
    services.campaign_submit(actor=staff(cast.max), campaign_id=campaign.pk)
    return campaign.pk


def test_the_author_of_the_text_is_refused_and_told_why(clinic: Any, cast: Any, signed_in: Any) -> None:
    edit_text(staff(cast.ada), "Get your flu shot with us")
    number = submitted(cast)
    with refused("approval.own_work", "You edited the template “Flu shot”"):
        services.campaign_approve(actor=staff(cast.ada), campaign_id=number)
    assert "You edited the template" in signed_in("ada").get(f"/campaigns/{number}/approval/").content.decode()
    services.campaign_approve(actor=staff(cast.rita), campaign_id=number)


def test_a_colleagues_comma_shakes_no_author_off(clinic: Any, cast: Any) -> None:
    edit_text(staff(cast.ada), "Get your flu shot with us")
    edit_text(staff(cast.max), "Get your flu shot with us!")
    number = submitted(cast)
    with refused("approval.own_work", "You edited the template “Flu shot”, and nobody else approved that yet"):
        services.campaign_approve(actor=staff(cast.ada), campaign_id=number)
    services.campaign_approve(actor=staff(cast.rita), campaign_id=number)


def test_what_somebody_else_approved_counts_no_more(clinic: Any, cast: Any) -> None:
    """Ada's words went out with Rita's approval; what Max adds afterwards is Max's."""
    edit_text(staff(cast.ada), "Get your flu shot with us")
    services.campaign_approve(actor=staff(cast.rita), campaign_id=submitted(cast))
    with clock.frozen(clock.now() + timedelta(hours=1)):
        edit_text(staff(cast.max), "Get your flu shot")
        services.campaign_approve(actor=staff(cast.ada), campaign_id=submitted(cast, "Flu again"))
    with clock.frozen(clock.now() + timedelta(hours=2)):
        edit_text(staff(cast.ada), "Flu shots, this time by Ada")
        edit_text(staff(cast.max), "Flu shots, this time by Ada and Max")
        with refused("approval.own_work"):
            services.campaign_approve(actor=staff(cast.ada), campaign_id=submitted(cast, "Flu a third time"))


def test_the_approval_of_a_newer_text_says_nothing_about_an_older_one(clinic: Any, cast: Any) -> None:
    """Ada's text waits in one campaign; Max writes it anew for another, which Rita approves."""
    edit_text(staff(cast.ada), "Ada's words")
    first = submitted(cast)
    with clock.frozen(clock.now() + timedelta(hours=1)):
        edit_text(staff(cast.max), "Max's words")
        services.campaign_approve(actor=staff(cast.rita), campaign_id=submitted(cast, "Second"))
        with refused("approval.own_work"):
            services.campaign_approve(actor=staff(cast.ada), campaign_id=first)


def brand() -> Brand:
    return Brand.objects.get(is_default=True)


def test_whoever_edited_the_sender_is_refused_until_somebody_else_approved_it(clinic: Any, cast: Any) -> None:
    facts = {**brand().opened, "name": "Heart center"}
    heart = content.brand_save(actor=staff(cast.ada), data={**facts, "from_name": "Ada's clinic"})
    content.brand_save(actor=actors.COMMAND_LINE, brand=heart, data=facts)
    number = submitted(cast, brand="Heart center")
    with refused("approval.own_work", "You edited the brand “Heart center”"):
        services.campaign_approve(actor=staff(cast.ada), campaign_id=number)
    services.campaign_approve(actor=staff(cast.rita), campaign_id=number)
    services.campaign_approve(actor=staff(cast.ada), campaign_id=submitted(cast, "Next", "Newsletter", "Heart center"))


def test_in_a_clinic_of_two_the_administrator_keeps_the_sender_and_approves(clinic: Any, cast: Any) -> None:
    content.brand_save(actor=staff(cast.ada), brand=brand(), data={**brand().opened, "phone": "859-555-0123"})
    services.campaign_approve(actor=staff(cast.ada), campaign_id=submitted(cast))


def test_whoever_chose_the_templates_brand_is_refused_although_the_text_is_approved(clinic: Any, cast: Any) -> None:
    services.campaign_approve(actor=staff(cast.rita), campaign_id=submitted(cast))
    heart = content.brand_save(actor=actors.COMMAND_LINE, data={**brand().opened, "name": "Heart center"})
    template = templates.template_named("Flu shot")
    assert template is not None
    with clock.frozen(clock.now() + timedelta(hours=1)):
        content.template_brand(actor=staff(cast.ada), template_id=template.pk, brand=heart)
        number = submitted(cast, "Flu again")
        with refused("approval.own_work"):
            services.campaign_approve(actor=staff(cast.ada), campaign_id=number)
        services.campaign_approve(actor=staff(cast.rita), campaign_id=number)


def test_an_edit_that_is_not_in_this_campaign_does_not_count(clinic: Any, cast: Any) -> None:
    number = submitted(cast)
    with clock.frozen(clock.now() + timedelta(hours=1)):
        edit_text(staff(cast.ada), "For another time")
    services.campaign_approve(actor=staff(cast.ada), campaign_id=number)


def test_whoever_chose_the_people_is_refused_also_through_a_nested_segment(clinic: Any, cast: Any) -> None:
    segment_services.segment_save(
        actor=staff(cast.ada),
        name="Inner",
        rule={"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]},
    )
    everyone = segments.by_name("Everyone")
    rule = {"match": "all", "rules": [{"segment": "Inner", "op": "in"}]}
    segment_services.segment_save(actor=staff(cast.max), name="Everyone", rule=rule, segment_id=everyone.id)
    number = submitted(cast)
    with refused("approval.own_work", "You edited the segment “Inner”"):
        services.campaign_approve(actor=staff(cast.ada), campaign_id=number)


def test_a_segment_keeps_its_authors_until_somebody_else_approved_it(clinic: Any, cast: Any) -> None:
    everyone = segments.by_name("Everyone")

    def save(user: Any, description: str) -> None:
        rule = everyone.rule.to_document()
        segment_services.segment_save(
            actor=staff(user), name="Everyone", rule=rule, segment_id=everyone.id, description=description
        )

    save(cast.ada, "All of them")
    save(cast.max, "All of them.")
    number = submitted(cast)
    with refused("approval.own_work", "You edited the segment “Everyone”"):
        services.campaign_approve(actor=staff(cast.ada), campaign_id=number)
    services.campaign_approve(actor=staff(cast.rita), campaign_id=number)
    save(cast.max, "Everybody")
    services.campaign_approve(actor=staff(cast.ada), campaign_id=submitted(cast, "Next", "Newsletter"))


def copied_text(cast: Any) -> int:
    template = templates.template_named("Flu shot")
    assert template is not None
    edit_text(staff(cast.ada), "Ada's words")
    copy = content.template_duplicate(actor=staff(cast.max), template_id=template.pk)
    copy = content.template_duplicate(actor=staff(cast.max), template_id=copy.pk)
    return submitted(cast, template=copy.name)


def copied_segment(cast: Any) -> int:
    rule = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
    mine = segment_services.segment_save(actor=staff(cast.ada), name="Women", rule=rule)
    segment_services.segment_duplicate(actor=staff(cast.max), segment_id=mine.pk)
    campaign = services.campaign_save(actor=staff(cast.max), name="Flu", spec={**SPEC, "segment": "Women (copy)"})
    return services.campaign_submit(actor=staff(cast.max), campaign_id=campaign.pk).pk


def copied_campaign(cast: Any) -> int:
    mine = services.campaign_save(actor=staff(cast.ada), name="Flu", spec=SPEC)
    copy = services.campaign_duplicate(actor=staff(cast.max), campaign_id=mine.pk)
    return services.campaign_submit(actor=staff(cast.max), campaign_id=copy.pk).pk


@pytest.mark.parametrize("copied", [copied_text, copied_segment, copied_campaign])
def test_a_colleagues_copy_is_nobody_elses_work(clinic: Any, cast: Any, copied: Any) -> None:
    """Max presses "Duplicate" and submits; what he copied is Ada's."""
    number = copied(cast)
    with refused("approval.own_work"):
        services.campaign_approve(actor=staff(cast.ada), campaign_id=number)
    services.campaign_approve(actor=staff(cast.rita), campaign_id=number)


def test_what_ada_does_to_the_original_afterwards_is_not_in_the_copy(clinic: Any, cast: Any) -> None:
    template = templates.template_named("Flu shot")
    assert template is not None
    copy = content.template_duplicate(actor=staff(cast.max), template_id=template.pk)
    with clock.frozen(clock.now() + timedelta(hours=1)):
        edit_text(staff(cast.ada), "For another time")
        services.campaign_approve(actor=staff(cast.ada), campaign_id=submitted(cast, template=copy.name))


def test_a_refused_approval_approves_no_part(clinic: Any, cast: Any) -> None:
    """The segment moved since: neither the text nor the sender counts as looked at."""
    edit_text(staff(cast.ada), "Ada's words")
    number = submitted(cast)
    rule = {"match": "all", "rules": [{"field": "sex", "op": "is", "value": "F"}]}
    everyone = segments.by_name("Everyone").id
    segment_services.segment_save(actor=staff(cast.max), name="Everyone", rule=rule, segment_id=everyone)
    with pytest.raises(services.Changed):
        services.campaign_approve(actor=staff(cast.rita), campaign_id=number)
    services.campaign_submit(actor=staff(cast.max), campaign_id=number)
    with refused("approval.own_work"):
        services.campaign_approve(actor=staff(cast.ada), campaign_id=number)


def test_a_notice_is_not_published_by_whoever_edited_it(db: None, cast: Any) -> None:
    from apps.content import blocks
    from apps.content.presets import all_presets

    data = blocks.dump(all_presets()["portal_notice"].design)
    own = content.template_create(actor=staff(cast.max), name="Our notice", data=data, kind="notice")
    before = templates.system_message("portal_notice")
    with refused("approval.own_work"):
        content.template_publish(actor=staff(cast.max), template_id=own.pk)
    assert templates.system_message("portal_notice") is before
    edit_notice(staff(cast.ada), own.pk, "News for you")
    with refused("approval.own_work"):
        content.template_publish(actor=staff(cast.max), template_id=own.pk)
    content.template_publish(actor=staff(cast.rita), template_id=own.pk)
    with clock.frozen(clock.now() + timedelta(hours=1)):
        edit_notice(staff(cast.max), own.pk, "A message for you")
        content.template_publish(actor=staff(cast.ada), template_id=own.pk)


def edit_notice(actor: Actor, number: int, subject: str) -> None:
    content.template_save(actor=actor, template_id=number, version=None, edit=lambda data: {**data, "subject": subject})
