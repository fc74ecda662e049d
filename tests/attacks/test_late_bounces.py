"""Somebody keeps an old message with its headers, and sends "this mailbox does not exist" to its return path."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.delivery.models import InboundMail, InboundTally, OutboxMessage
from tests.delivery.conftest import people
from tests.delivery.test_inbound import arf, domain, dsn, letter, scopes, sent, take

pytestmark = pytest.mark.django_db
__all__ = ["domain", "people", "sent"]


@pytest.fixture
def left(noon: Any, sent: Any) -> Any:
    OutboxMessage.objects.filter(pk=sent.row.pk).update(finished_at=noon)
    return sent


def test_years_later_it_ends_nobodys_mail(noon: Any, left: Any) -> None:
    with clock.frozen(noon + timedelta(days=700)):
        assert not take(left.path, dsn()).new
    assert scopes() == {}
    assert OutboxMessage.objects.get(pk=left.row.pk).state == "sent"
    assert InboundTally.objects.get().what == "late"
    assert InboundMail.objects.get().sorting == "late"


@pytest.mark.parametrize("days", [0, 5, 14])
def test_within_two_weeks_it_is_believed(noon: Any, left: Any, days: int) -> None:
    with clock.frozen(noon + timedelta(days=days)):
        assert take(left.path, dsn()).new
    assert scopes() == {"all": "hard_bounce"}


def test_a_complaint_and_a_letter_come_whenever_they_like(noon: Any, left: Any) -> None:
    with clock.frozen(noon + timedelta(days=700)):
        assert take(left.path, letter()).new
        assert take("complaints@clinic.test", arf(left.path)).new
    assert scopes() == {"commercial": "complaint"}
