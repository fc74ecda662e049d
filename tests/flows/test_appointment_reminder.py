"""Dana books a visit, is reminded in her own mailbox, clicks, and hears no second reminder; Bo does not answer."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import timedelta

import pytest
from django.test import Client

from apps.contacts import services as contacts
from apps.core import clock
from apps.delivery import services as delivery
from apps.journeys import selectors
from apps.journeys.models import Journey
from apps.tracking import services as tracking
from tests.delivery.conftest import providers as demo_providers
from tests.journeys.conftest import CLI, at, book, clinic, local, person, reminder, run_of, tick, trail  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)
providers = demo_providers


def arrived(providers, mailbox: str) -> list[email.message.EmailMessage]:
    return [
        email.message_from_bytes(each.raw, policy=email.policy.SMTP)
        for each in providers.store.all()
        if each.mailbox == mailbox
    ]


def dispatch(text: str) -> delivery.Dispatched:
    with clock.frozen(local(text)):
        return delivery.dispatch(actor=CLI, seconds=20, lanes=2)


def test_from_booking_to_the_mailbox_and_back_by_a_click(clinic, at, providers):  # noqa: F811
    with at("2026-11-22T12:00"):
        delivery.settings_change(actor=CLI, version=0, sending_domain="clinic.test")
        reminder()
        dana, bo = person(birth_date="1980-02-03"), person("Bo", birth_date="1975-01-01")
        for each in (dana, bo):
            book(each, "2026-12-10T14:30", provider="Dr. Ng")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    assert dispatch("2026-12-07T09:01").sent == 2

    (mail,) = arrived(providers, "dana@goodmail.test")
    words = mail.get_body(("plain",)).get_content()
    assert "2:30" in words
    assert "Dr. Ng" in words
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    links = re.findall(r"/r/c/[\w-]+", words + mail.get_body(("html",)).get_content())
    assert links, "the reminder has no tracked link to answer by"
    with at("2026-12-07T11:00"):
        assert Client(HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0").get(links[0]).status_code == 302
    with clock.frozen(local("2026-12-07T11:00") + timedelta(minutes=3)):
        assert tracking.clicks_settle(actor=CLI)["people"] == 1
    tick("2026-12-07T11:05")
    assert trail(run_of(dana))[-1] == ("s3", "yes", "signal", 1)

    tick("2026-12-08T09:00")
    assert dispatch("2026-12-08T09:01").sent == 1
    assert len(arrived(providers, "dana@goodmail.test")) == 1
    assert len(arrived(providers, "bo@goodmail.test")) == 2
    numbers = selectors.figures(Journey.objects.get())
    assert (numbers.sent, numbers.on_the_way, numbers.total("finished")) == (3, 0, 2)


def test_canceled_after_the_step_but_before_it_left_nothing_leaves(clinic, at, providers):  # noqa: F811
    with at("2026-11-22T12:00"):
        delivery.settings_change(actor=CLI, version=0, sending_domain="clinic.test")
        reminder()
        appointment = book(person(birth_date="1980-02-03"), "2026-12-10T14:30")
    tick("2026-11-22T12:01")
    tick("2026-12-07T09:00")
    with at("2026-12-07T09:00"):
        contacts.appointment_cancel(actor=CLI, appointment_id=appointment)
    done = dispatch("2026-12-07T09:01")
    assert (done.sent, done.held) == (0, 1)
    assert providers.store.all() == []
