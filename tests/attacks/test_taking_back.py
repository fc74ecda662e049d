"""Somebody finds an old mail and tries to subscribe its reader again by the page that takes an unsubscribe back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.contacts.models import Suppression
from apps.core import clock
from apps.tracking import links, undoing
from apps.vault import tokens

pytestmark = pytest.mark.django_db


def ticket_of(page: bytes) -> str:
    return re.search(r'name="ticket" value="([^"]*)"', page.decode())[1]  # type: ignore[index]


@pytest.fixture
def letter(noon: Any) -> tuple[str, bytes]:
    mailbox = tokens.token128("mailbox", "dana@goodmail.test")
    url = links.unsubscribe_url(mailbox=mailbox, person=0, message=0)
    return "/" + url.split("/", 3)[3], mailbox


def stopped(mailbox: bytes) -> bool:
    return Suppression.objects.filter(mailbox=mailbox).exists()


def test_who_left_an_hour_ago_is_not_brought_back_by_a_fresh_page(letter: Any, noon: Any) -> None:
    address, mailbox = letter
    Client().post(address, {"step": "stop"})
    assert stopped(mailbox)
    with clock.frozen(noon + timedelta(hours=1)):
        finder = Client()
        # Leaving once more makes nothing young again.
        answer = finder.post(address, {"step": "stop"})
        finder.post(address, {"step": "undo", "ticket": ticket_of(answer.content)})
        assert stopped(mailbox)


@pytest.mark.parametrize("forged", ["", "x", "\u00e9", "A" * 32, "A" * 5000, "====", "\x00"])
def test_a_forged_ticket_takes_nothing_back(letter: Any, forged: str) -> None:
    address, mailbox = letter
    Client().post(address, {"step": "stop"})
    assert Client().post(address, {"step": "undo", "ticket": forged}).status_code == 200
    assert stopped(mailbox)


def test_a_ticket_of_later_or_long_ago_is_none(noon: Any) -> None:
    assert undoing.is_young(undoing.ticket(noon), noon)
    assert not undoing.is_young(undoing.ticket(noon + timedelta(seconds=5)), noon)
    assert not undoing.is_young(undoing.ticket(noon - undoing.TAKE_BACK_WITHIN), noon)
