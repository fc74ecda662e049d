"""What a visitor of the demo finds done: made once, through the services, with a trail."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime

import pytest

from apps.campaigns import selectors as campaigns
from apps.campaigns.models import CampaignRecipient
from apps.content.models import Brand, Template
from apps.core import clock
from apps.delivery.models import HygieneRun
from apps.demo import data, guests, history, staff, world
from apps.demo.mail import transport_map
from apps.imports.models import ImportJob
from apps.journeys.models import Journey
from apps.segments.models import Segment
from tests.delivery.servers import free_ports

pytestmark = pytest.mark.django_db
SITE = "http://127.0.0.1:8000/demo/clinic/"


@pytest.fixture
def made(noon: datetime, settings, tmp_path) -> dict[str, int]:
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    staff.create_missing()
    data.load(now=noon, size=300)
    return world.load(now=noon, site=SITE)


def test_a_visitor_finds_something_in_every_list(made: dict[str, int], noon: datetime) -> None:
    found = {campaign.name: campaign.state for campaign in campaigns.everyone()}
    assert sorted(found.values()) == ["draft", "in_review", "rejected", "scheduled", "sending"]
    assert all(segment.count for segment in Segment.objects.all())
    assert ImportJob.objects.get().state == "done"
    assert ImportJob.objects.get().rejected == 1
    assert Journey.objects.get().state == "active"
    assert Brand.objects.get().is_default
    assert Template.objects.filter(kind="template").count() >= 4
    assert guests.awaited()


def test_the_campaign_waits_for_the_worker_like_any_other(made: dict[str, int]) -> None:
    campaign = guests.campaign()
    assert campaign is not None
    assert campaign.fed == 0
    assert CampaignRecipient.objects.filter(campaign=campaign, held="").count() == campaign.to_feed
    assert CampaignRecipient.objects.filter(campaign=campaign).exclude(held="").exists()


def test_a_second_start_changes_nothing(made: dict[str, int], noon: datetime) -> None:
    assert sum(world.load(now=noon, site=SITE).values()) == 0


def test_a_start_that_was_interrupted_among_the_newsletters_starts_again(
    made: dict[str, int], noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(history, "providers", lambda now: nullcontext({"now": now}))
    monkeypatch.setattr(history, "_issue", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        history.load(now=noon)
    assert history.load(now=noon) == 1
    assert history.load(now=noon) == 0


@pytest.mark.django_db(transaction=True)
def test_what_went_out_before_leaves_no_list_of_hygiene_empty(settings, tmp_path) -> None:
    """By today's clock, because what rests is woken by what was written down later."""
    settings.CARELANE_HOME = tmp_path
    settings.DEMO_MAIL_PORT = free_ports()
    settings.TRANSPORT_MAP = transport_map(settings.DEMO_MAIL_PORT)
    settings.MAIL_ROOTS = settings.MAIL_ANCHORS = str(tmp_path / "demo-ca" / "root.pem")
    now = clock.now()
    staff.create_missing()
    data.load(now=now, size=1_000)
    world.load(now=now, site=SITE)
    assert history.load(now=now) == 2
    first, last = HygieneRun.objects.order_by("pk")
    assert first.counts["rested"]
    assert all(last.counts[name] for name in ("dead", "unengaged", "rested", "woken", "typo", "role", "disposable"))
    done = [campaign for campaign in campaigns.everyone() if campaign.state == "done"]
    assert len(done) == len(history.ISSUES) + 1
    assert history.load(now=now) == 0
