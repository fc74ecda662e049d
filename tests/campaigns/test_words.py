"""A marketer on the first day reads a plan and a report, and understands every word of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from apps.campaigns import services
from apps.campaigns.views.preparing import route_words
from apps.core import actors
from apps.core.levels import Level
from apps.delivery.policy.routing import HELD_HINTS, HELD_WORDS, ROUTE_HINTS, Held, RouteName

from .conftest import SPEC


def test_every_reason_and_every_way_is_explained() -> None:
    assert set(HELD_HINTS) == set(HELD_WORDS) == set(Held)
    assert set(ROUTE_HINTS) == set(RouteName)
    for hint in (*HELD_HINTS.values(), *ROUTE_HINTS.values()):
        assert len(hint) <= 100, hint


def test_no_more_is_promised_than_is_checked() -> None:
    assert route_words(RouteName.TLS, Level.HEALTH)["label"] == "Verified TLS"
    assert route_words(RouteName.TLS, Level.IDENTIFIER)["label"] == "TLS where possible"
    assert route_words(RouteName.PORTAL, Level.PUBLIC)["label"] == "Portal"


@pytest.mark.django_db
def test_the_plan_explains_its_words_where_they_stand(
    clinic: SimpleNamespace, cast: SimpleNamespace, signed_in: Any
) -> None:
    made = services.campaign_save(actor=actors.staff(cast.max.pk, "marketer"), name="Flu shots", spec=SPEC)
    page = signed_in("max").get(f"/campaigns/{made.pk}/plan/").content.decode().replace("&#x27;", "'")
    assert "The mailbox is suppressed" in page
    for hint in (HELD_HINTS[Held.SUPPRESSED], HELD_HINTS[Held.MINOR], ROUTE_HINTS[RouteName.PORTAL]):
        assert hint in page
