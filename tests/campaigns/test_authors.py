"""Whoever wrote the text or chose the people last does not approve the campaign, even as an administrator."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.campaigns import services
from apps.content import selectors as templates
from apps.content import services as content
from apps.core import actors, clock
from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.segments import selectors as segments
from apps.segments import services as segment_services
from tests.campaigns.conftest import SPEC

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


def submitted(cast: Any) -> int:
    campaign = services.campaign_save(actor=staff(cast.max), name="Flu", spec=SPEC)
    services.campaign_submit(actor=staff(cast.max), campaign_id=campaign.pk)
    return campaign.pk


def test_the_author_of_the_text_is_refused_and_told_why(clinic: Any, cast: Any, signed_in: Any) -> None:
    edit_text(staff(cast.ada), "Get your flu shot with us")
    number = submitted(cast)
    with pytest.raises(Refused, match="You edited the template “Flu shot” last"):
        services.campaign_approve(actor=staff(cast.ada), campaign_id=number)
    assert "You edited the template" in signed_in("ada").get(f"/campaigns/{number}/approval/").content.decode()
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
    with pytest.raises(Refused, match="You edited the segment “Inner” last"):
        services.campaign_approve(actor=staff(cast.ada), campaign_id=number)


def test_a_notice_is_not_published_by_whoever_edited_it(db: None, cast: Any) -> None:
    from apps.content import blocks
    from apps.content.starters import all_starters

    data = blocks.dump(all_starters()["portal_notice"].design)
    own = content.template_create(actor=staff(cast.max), name="Our notice", data=data, kind="notice")
    before = templates.system_message("portal_notice")
    with pytest.raises(Refused, match="somebody else publishes it"):
        content.template_publish(actor=staff(cast.max), template_id=own.pk)
    assert templates.system_message("portal_notice") is before
    content.template_publish(actor=staff(cast.ada), template_id=own.pk)
