"""A marketer at a hospital with a million people: the page says that it counts, and shows the plan when it is there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache

from apps.approvals.models import ApprovalEntry
from apps.audit.models import AuditEntry
from apps.campaigns import plans, selectors, services, tasks
from apps.campaigns.models import Campaign
from apps.core import actors
from apps.delivery.models import MailDomain
from apps.delivery.services import settings_change
from apps.jobs import waking
from apps.users import services as users

from .conftest import CLI, SPEC

pytestmark = pytest.mark.django_db


@pytest.fixture
def flu(clinic: SimpleNamespace, cast: SimpleNamespace) -> Campaign:
    return services.campaign_save(actor=actors.staff(cast.max.pk, "marketer"), name="Flu shots", spec=SPEC)


@pytest.fixture
def woken(flu: Campaign, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A worker that is asked, and works when the scene says so."""
    asked: list[int] = []
    monkeypatch.setattr(plans, "MANY", 0)
    monkeypatch.setattr(waking, "wake_now", lambda _task, campaign_id, *_by, **_how: asked.append(campaign_id) or True)
    yield asked
    plans.forget_plan(flu.pk)


def test_the_page_waits_for_the_worker_and_then_shows_the_plan(flu: Campaign, woken: list[int], signed_in: Any) -> None:
    client = signed_in("max")
    base = f"/campaigns/{flu.pk}"
    assert "Counting the people" in client.get(f"{base}/plan/").content.decode()
    assert "Counting the people" in client.get(f"{base}/approval/").content.decode()
    assert "Counting the people" in client.get(f"{base}/plan/drawing/?for=approval").content.decode()
    assert woken == [flu.pk], "one worker, however often somebody looks"
    plans.draw_in_background(actor=CLI, campaign=selectors.opened(flu))
    done = client.get(f"{base}/plan/drawing/?for=approval")
    assert (done.status_code, done["HX-Redirect"]) == (204, f"{base}/approval/")
    assert "Ask for approval of 5 messages" in client.get(f"{base}/approval/").content.decode()
    assert "How will it be protected?" in client.get(f"{base}/plan/").content.decode()
    client.post(f"{base}/submit/")
    assert ApprovalEntry.objects.get(kind="campaign", subject=flu.pk).audience == 13


@pytest.mark.parametrize("task", ["draw", "measure"])
def test_the_trail_names_who_asked_for_the_plan(
    flu: Campaign, clinic: SimpleNamespace, signed_in: Any, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    """A worker opens the guardians of minors, and people to learn their mail servers, because Max looks at a page."""
    monkeypatch.setattr(plans, "MANY", 0)
    asked: list[tuple[str, tuple[int, ...]]] = []
    monkeypatch.setattr(waking, "wake_now", lambda name, *ids, **_how: asked.append((name, ids)) or True)
    MailDomain.objects.all().delete()
    monkeypatch.setattr(plans, "measure", lambda **_given: {})
    max_ = signed_in("max")
    if task == "draw":
        max_.get(f"/campaigns/{flu.pk}/plan/")
    else:
        max_.post(f"/campaigns/{flu.pk}/plan/measuring/")
    assert asked == [(f"apps.campaigns.tasks.{task}", (flu.pk, max_.staff.pk))]
    before = AuditEntry.objects.latest("pk").pk
    getattr(tasks, task)(*asked[0][1])
    opened = AuditEntry.objects.filter(pk__gt=before, purpose__startswith="plan")
    assert {(entry.actor_kind, entry.actor_id) for entry in opened} == {("staff", str(max_.staff.pk))}
    before = AuditEntry.objects.latest("pk").pk
    plans.forget_plan(flu.pk)
    users.user_disable(actor=CLI, user=max_.staff)
    getattr(tasks, task)(*asked[0][1])
    opened = AuditEntry.objects.filter(pk__gt=before, purpose__startswith="plan")
    assert {entry.actor_kind for entry in opened} == {"system"}, "whoever has no access any more asks for nothing"
    plans.forget_plan(flu.pk)
    cache.delete(f"campaign-measuring:{flu.pk}")


def test_another_purpose_is_another_plan(flu: Campaign, woken: list[int], signed_in: Any, cast: Any) -> None:
    plans.draw_in_background(actor=CLI, campaign=selectors.opened(flu))
    client = signed_in("max")
    client.post(
        f"/campaigns/{flu.pk}/purpose/", {"purpose": "operations", "remuneration": "none", "version": flu.version}
    )
    assert "Counting the people" in client.get(f"/campaigns/{flu.pk}/plan/").content.decode()


def test_another_delivery_policy_is_another_plan(flu: Campaign, woken: list[int], signed_in: Any) -> None:
    """A reviewer approves by ways that would be taken now, not by those of three minutes ago."""
    plans.draw_in_background(actor=CLI, campaign=selectors.opened(flu))
    client = signed_in("max")
    assert "How will it be protected?" in client.get(f"/campaigns/{flu.pk}/plan/").content.decode()
    settings_change(actor=CLI, version=0, policy={"minimum": {"2": 3}})
    assert "Counting the people" in client.get(f"/campaigns/{flu.pk}/plan/").content.decode()


def test_what_went_wrong_is_said_once_and_tried_again(
    flu: Campaign, woken: list[int], signed_in: Any, monkeypatch: pytest.MonkeyPatch
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
    monkeypatch.setattr(waking, "wake_now", lambda *_task, **_how: False)
    plans.forget_plan(flu.pk)
    assert "How will it be protected?" in signed_in("max").get(f"/campaigns/{flu.pk}/plan/").content.decode()


def test_few_people_are_counted_at_once(flu: Campaign, signed_in: Any) -> None:
    assert "How will it be protected?" in signed_in("max").get(f"/campaigns/{flu.pk}/plan/").content.decode()
