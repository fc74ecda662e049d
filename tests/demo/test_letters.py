"""The demo's inbox and portal are not empty."""

from __future__ import annotations

import pytest

from apps.delivery import selectors
from apps.delivery.models import OutboxMessage
from apps.demo import data, letters, staff, world
from apps.inbox.models import StaffTask
from apps.portal.models import Conversation, SecureMessage

pytestmark = pytest.mark.django_db


def test_letters_wait_some_are_read_answered_and_one_was_not_for_its_reader(noon) -> None:
    staff.create_missing()
    made = data.load(now=noon, size=300)
    assert made["letters"] == letters.HOW_MANY
    assert SecureMessage.objects.filter(read_at__isnull=True).exists()
    assert Conversation.objects.filter(state="closed").count() == 1
    assert Conversation.objects.filter(unread__gt=0).count() >= 3
    assert StaffTask.objects.filter(state="open").count() == 1
    assert letters.load(now=noon) == 0


def test_the_notices_of_letters_come_from_the_clinics_own_domain(noon) -> None:
    """The sender is there before the first letter, as `demo` makes it; a second look changes nothing."""
    staff.create_missing()
    assert world.sender() == {"sending domains": 1, "brands": 1}
    data.load(now=noon, size=300)
    notices = OutboxMessage.objects.filter(kind="notice")
    assert notices.exists()
    for each in notices:
        kept = selectors.message_data(actor=letters.ACTOR, message=each, parts=("content", "record"))
        assert "care@riverbend.test" in str(kept), sorted(kept)
    assert world.sender() == {"sending domains": 0, "brands": 0}


def test_without_staff_nobody_answers_and_the_rest_is_there(noon) -> None:
    data.load(now=noon, size=300)
    assert Conversation.objects.filter(state="closed").count() == 0
    assert Conversation.objects.count() == len(letters.REPLIES)
