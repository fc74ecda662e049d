"""Old clicks go, their counts stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.core import actors
from apps.tracking.models import Click, ClickTotal
from apps.tracking.services import retention

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 3, 50, tzinfo=UTC)


def click(days: int, *, machine: bool | None = False, campaign: int = 7, target: int = 1) -> None:
    at = NOW - timedelta(days=days)
    settled = None if machine is None else at
    Click.objects.create(
        message=1, person=1, target=target, campaign=campaign, sent_at=at, at=at, settled_at=settled, machine=machine
    )


def clear() -> int:
    return retention.clicks_clear(actor=actors.system("beat"), now=NOW)


def test_old_clicks_become_counts_and_young_or_unsettled_ones_stay(settings) -> None:
    settings.KEEP_CLICKS_DAYS = 30
    for days in (29, 30, 31, 40, 50):
        click(days)
    click(45, machine=True)
    click(45, machine=None)
    click(45, target=2)
    assert clear() == 5
    assert Click.objects.count() == 3
    totals = {(row.campaign, row.target, row.machine): row.count for row in ClickTotal.objects.all()}
    assert totals == {(7, 1, False): 3, (7, 1, True): 1, (7, 2, False): 1}
    assert AuditEntry.objects.get(action="click.clear").codes == {"count": 5}


def test_a_second_night_adds_up_and_an_empty_one_writes_nothing(settings, monkeypatch) -> None:
    settings.KEEP_CLICKS_DAYS = 30
    monkeypatch.setattr(retention, "BATCH", 2)
    for days in (31, 32, 33):
        click(days)
    assert clear() == 3
    click(60)
    assert clear() == 1
    assert clear() == 0
    assert ClickTotal.objects.get().count == 4
