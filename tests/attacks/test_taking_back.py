"""Somebody finds an old mail and tries to subscribe its reader again by the page that takes an unsubscribe back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.contacts import services as contacts
from apps.contacts.models import Suppression
from apps.contacts.person import search_values
from apps.core import actors, clock
from apps.tracking import links, undoing
from apps.vault import tokens
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


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


DANA = {"first_name": "Dana", "last_name": "Quist", "email": "dana@goodmail.test", "relation": "patient"}


@pytest.mark.parametrize("step", ["stop", "stop_all"])
def test_who_complained_and_then_left_is_not_brought_back_by_staff(signed_in: Any, noon: Any, step: str) -> None:
    """The complaint stopped mail already, so that leaving made no second row of it: the wish counts all the same."""
    dana = contacts.contact_create(actor=CLI, profile=DANA)
    mailbox = search_values.mailbox(DANA["email"])
    contacts.suppress(actor=CLI, address=DANA["email"], scope="commercial", reason="complaint")
    url = links.unsubscribe_url(mailbox=mailbox, person=dana.id, message=0)
    Client().post("/" + url.split("/", 3)[3], {"step": step})
    nora = signed_in("nora")
    lift = f"/contacts/{dana.id}/suppression/", {"act": "lift", "reason": "We would like to write"}
    page = nora.post(*lift, follow=True).content.decode()
    assert "Record their new consent first" in page
    assert stopped(mailbox)
    contacts.consent_record(
        actor=CLI, person_id=dana.id, purpose="marketing", state="granted", on=noon.date(), method="paper"
    )
    nora.post(*lift)
    assert not stopped(mailbox)


def test_what_stops_reminders_asks_for_a_consent_too(noon: Any) -> None:
    dana = contacts.contact_create(actor=CLI, profile=DANA)
    contacts.suppress(actor=CLI, address=DANA["email"], scope="reminders", reason="unsubscribed")
    with refused("mailbox.unsubscribed"):
        contacts.unsuppress(actor=CLI, person_id=dana.id, reason="we would like to remind")
    contacts.consent_record(
        actor=CLI, person_id=dana.id, purpose="treatment", state="granted", on=noon.date(), method="phone"
    )
    assert contacts.unsuppress(actor=CLI, person_id=dana.id, reason="asked for it") == 1


@pytest.mark.parametrize("reason", ["hard_bounce", "staff"])
def test_what_the_person_did_not_choose_is_lifted_as_ever(noon: Any, reason: str) -> None:
    dana = contacts.contact_create(actor=CLI, profile=DANA)
    contacts.suppress(actor=CLI, address=DANA["email"], scope="all", reason=reason)
    assert contacts.unsuppress(actor=CLI, person_id=dana.id, reason="the mailbox is back") == 1
