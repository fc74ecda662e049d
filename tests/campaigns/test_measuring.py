"""The plan measures mail servers nobody looked at by itself; the list shows the level the plan will have."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.core.cache import cache

from apps.campaigns import plans
from apps.campaigns.spec import Spec
from apps.core.actors import COMMAND_LINE as CLI
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.jobs import waking

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_measured():
    cache.delete("campaign-measuring:7")
    yield
    cache.delete("campaign-measuring:7")


def test_measuring_begins_once_and_tells_how_far_it_is(monkeypatch) -> None:
    woken = []
    monkeypatch.setattr(waking, "wake_now", lambda _task, campaign_id, **_how: woken.append(campaign_id) or True)
    assert plans.measuring(7) is None
    assert plans.measure_begin(actor=CLI, campaign_id=7)
    assert plans.measure_begin(actor=CLI, campaign_id=7), "a second page waits for the same worker"
    assert woken == [7]
    assert plans.measuring(7) == ("running", 0)

    def measured(*, actor, campaign, say):
        say(3)
        assert plans.measuring(7) == ("running", 3)
        return 5

    monkeypatch.setattr(plans, "measure_unknown", measured)
    plans.measure_in_background(actor=None, campaign=SimpleNamespace(id=7))
    assert plans.measuring(7) == ("done", 5)


def test_without_a_broker_the_button_is_left(monkeypatch) -> None:
    monkeypatch.setattr(waking, "wake_now", lambda *_task, **_how: False)
    assert not plans.measure_begin(actor=CLI, campaign_id=7)
    assert plans.measuring(7) is None


def campaign(level: Level, **spec: object) -> SimpleNamespace:
    return SimpleNamespace(row=SimpleNamespace(level=level), stored=Spec(**spec))


def test_everybody_is_health_information_in_the_list_as_in_the_plan(db) -> None:
    levels = plans.list_levels(
        [
            campaign(Level.PUBLIC, everybody=True, purpose=Purpose.MARKETING.value),
            campaign(Level.PUBLIC, everybody=True, purpose=Purpose.B2B.value),
            campaign(Level.PUBLIC),
            campaign(Level.PROTECTED, everybody=True, purpose=Purpose.TREATMENT.value),
        ]
    )
    assert levels == [Level.HEALTH, Level.PUBLIC, Level.PUBLIC, Level.PROTECTED]
