"""A marketer at a hospital with a million people: the page says that it counts, and shows the plan when it is there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache

from apps.audit.models import AuditEntry
from apps.campaigns import doorbell, plans, selectors, services, tasks
from apps.campaigns.models import Campaign
from apps.core import actors
from apps.delivery.models import MailDomain
from apps.delivery.services import settings_change
from apps.users import services as users

from .conftest import CLI, SPEC

pytestmark = pytest.mark.django_db


@pytest.fixture
def flu(clinic: SimpleNamespace, cast: SimpleNamespace) -> Campaign:
    return services.campaign_save(actor=actors.staff(cast.max.pk, "marketer"), name="Flu shots", spec=SPEC)


@pytest.fixture
def rung(flu: Campaign, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A worker that is asked, and works when the scene says so."""
    asked: list[int] = []
    monkeypatch.setattr(plans, "MANY", 0)
    monkeypatch.setattr(doorbell, "ring_draw", lambda campaign_id, _actor: asked.append(campaign_id) or True)
    yield asked
    plans.forget_plan(flu.pk)


def test_the_page_waits_for_the_worker_and_then_shows_the_plan(flu: Campaign, rung: list[int], signed_in: Any) -> None:
    client = signed_in("max")
    base = f"/campaigns/{flu.pk}"
    assert "Counting the people" in client.get(f"{base}/plan/").content.decode()
    assert "Counting the people" in client.get(f"{base}/approval/").content.decode()
    assert "Counting the people" in client.get(f"{base}/plan/drawing/?for=approval").content.decode()
    assert rung == [flu.pk], "one worker, however often somebody looks"
    plans.draw_in_background(actor=CLI, campaign=selectors.opened(flu))
    done = client.get(f"{base}/plan/drawing/?for=approval")
    assert (done.status_code, done["HX-Redirect"]) == (204, f"{base}/approval/")
    assert "Ask for approval of 5 messages" in client.get(f"{base}/approval/").content.decode()
    assert "How will it be protected?" in client.get(f"{base}/plan/").content.decode()
    client.post(f"{base}/submit/")
    assert Campaign.objects.get(pk=flu.pk).reviews.get().audience == 13


@pytest.mark.parametrize("task", ["draw", "measure"])
def test_the_trail_names_who_asked_for_the_plan(
    flu: Campaign, clinic: SimpleNamespace, signed_in: Any, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    """A worker opens the guardians of minors, and people to learn their mail servers, because Max looks at a page."""
    monkeypatch.setattr(plans, "MANY", 0)
    bell = getattr(tasks, task)
    rung: list[tuple[list[int], dict[str, int]]] = []
    monkeypatch.setattr(bell, "apply_async", lambda *, args, kwargs, **_how: rung.append((args, kwargs)))
    MailDomain.objects.all().delete()
    monkeypatch.setattr(plans, "measure", lambda **_given: {})
    max_ = signed_in("max")
    if task == "draw":
        max_.get(f"/campaigns/{flu.pk}/plan/")
    else:
        max_.post(f"/campaigns/{flu.pk}/plan/measuring/")
    assert rung == [([flu.pk], {"asked_by": max_.staff.pk})]
    ((args, kwargs),) = rung
    before = AuditEntry.objects.latest("pk").pk
    bell(*args, **kwargs)
    opened = AuditEntry.objects.filter(pk__gt=before, purpose__startswith="plan")
    assert {(entry.actor_kind, entry.actor_id) for entry in opened} == {("staff", str(max_.staff.pk))}
    before = AuditEntry.objects.latest("pk").pk
    plans.forget_plan(flu.pk)
    users.user_disable(actor=CLI, user=max_.staff)
    bell(*args, **kwargs)
    opened = AuditEntry.objects.filter(pk__gt=before, purpose__startswith="plan")
    assert {entry.actor_kind for entry in opened} == {"system"}, "whoever has no access any more asks for nothing"
    plans.forget_plan(flu.pk)
    cache.delete(f"campaign-measuring:{flu.pk}")


def test_another_purpose_is_another_plan(flu: Campaign, rung: list[int], signed_in: Any, cast: Any) -> None:
    plans.draw_in_background(actor=CLI, campaign=selectors.opened(flu))
    client = signed_in("max")
    client.post(
        f"/campaigns/{flu.pk}/purpose/", {"purpose": "operations", "remuneration": "none", "version": flu.version}
    )
    assert "Counting the people" in client.get(f"/campaigns/{flu.pk}/plan/").content.decode()


def test_another_delivery_policy_is_another_plan(flu: Campaign, rung: list[int], signed_in: Any) -> None:
    """A reviewer approves by ways that would be taken now, not by those of three minutes ago."""
    plans.draw_in_background(actor=CLI, campaign=selectors.opened(flu))
    client = signed_in("max")
    assert "How will it be protected?" in client.get(f"/campaigns/{flu.pk}/plan/").content.decode()
    settings_change(actor=CLI, version=0, policy={"minimum": {"2": 3}})
    assert "Counting the people" in client.get(f"/campaigns/{flu.pk}/plan/").content.decode()


def test_what_went_wrong_is_said_once_and_tried_again(
    flu: Campaign, rung: list[int], signed_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(**_given: object) -> None:
        raise ValueError

    monkeypatch.setattr(plans, "plan_of", breaks)
    with pytest.raises(ValueError):
        plans.draw_in_background(actor=CLI, campaign=selectors.opened(flu))
    client = signed_in("max")
    assert "could not be drawn" in client.get(f"/campaigns/{flu.pk}/plan/").content.decode()
    assert "Counting the people" in client.get(f"/campaigns/{flu.pk}/plan/").content.decode()


def test_without_a_broker_it_is_drawn_at_once(flu: Campaign, signed_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MANY", 0)
    monkeypatch.setattr(doorbell, "ring_draw", lambda _campaign_id, _actor: False)
    plans.forget_plan(flu.pk)
    assert "How will it be protected?" in signed_in("max").get(f"/campaigns/{flu.pk}/plan/").content.decode()


def test_few_people_are_counted_at_once(flu: Campaign, signed_in: Any) -> None:
    assert "How will it be protected?" in signed_in("max").get(f"/campaigns/{flu.pk}/plan/").content.decode()
