"""The whole way: a message leaves, its mailbox turns out to be dead, and the next message stays here."""

from __future__ import annotations

import threading

import pytest
from django.test import Client

from apps.contacts.models import Suppression
from apps.contacts.person import search_values
from apps.contacts.services import consent_record
from apps.core import actors, clock
from apps.core.purposes import Purpose
from apps.delivery import services
from apps.delivery.models import OutboxMessage
from apps.delivery.returns import services as inbound
from apps.delivery.returns.receiver import Receiver
from apps.demo.mail import Servers, transport_map
from apps.mail.mx import Host
from apps.tracking import undoing
from apps.tracking.links import unsubscribe_url
from tests.delivery.conftest import background
from tests.delivery.servers import free_ports


@pytest.fixture
def world(tmp_path, settings, transactional_db, monkeypatch):
    """The demo's providers, and our receiver where they report to; ``came`` is set when a report was taken."""
    came = threading.Event()
    # Four for the providers, one for us.
    first = free_ports(5)
    port = first + 4
    take = inbound.mail_receive

    def noted(**given):
        try:
            return take(**given)
        finally:
            came.set()

    monkeypatch.setattr(inbound, "mail_receive", noted)

    async def start():
        servers = Servers(
            tmp_path, clock.now, base_port=first, inbound=Host("localhost", "127.0.0.1", port), report_delay=0.0
        )
        receiver = Receiver(smtp=f"127.0.0.1:{port}")
        await servers.start()
        await receiver.start()

        class Both:
            async def stop(self):
                await servers.stop()
                await receiver.stop()

        return Both()

    with background(start):
        settings.TRANSPORT_MAP = transport_map(first)
        settings.MAIL_ROOTS = settings.MAIL_ANCHORS = str(tmp_path / "demo-ca" / "root.pem")
        yield came


def test_a_late_bounce_stops_the_next_message(world, people, letters, item):
    services.settings_change(actor=actors.COMMAND_LINE, version=0, sending_domain="clinic.test")
    (dana,) = people("late-dana@goodmail.test")
    services.enqueue(actor=actors.COMMAND_LINE, items=[item.campaign(dana)])
    dispatcher = actors.system("dispatcher")
    assert services.dispatch(actor=dispatcher, seconds=8, lanes=2).sent == 1
    assert world.wait(10), "the provider's report did not come"
    row = OutboxMessage.objects.get()
    assert (row.state, row.reason) == ("bounced", "hard")
    assert dict(Suppression.objects.values_list("scope", "reason")) == {"all": "hard_bounce"}

    services.enqueue(actor=actors.COMMAND_LINE, items=[item.campaign(dana, source_id=8)])
    assert services.dispatch(actor=dispatcher, seconds=8, lanes=2).held == 1
    assert OutboxMessage.objects.get(source_id=8).reason == "suppressed"


def test_an_unsubscribe_stops_the_next_message_and_undo_lets_it_go(world, people, letters, item):
    services.settings_change(actor=actors.COMMAND_LINE, version=0, sending_domain="clinic.test")
    (dana,) = people("dana@goodmail.test")
    consent_record(
        actor=actors.COMMAND_LINE,
        person_id=dana.id,
        purpose="marketing",
        state="granted",
        on=clock.now().astimezone(clock.clinic_zone()).date(),
        method="paper",
    )
    url = unsubscribe_url(mailbox=search_values.mailbox("dana@goodmail.test"), person=dana.id, message=1)
    address = "/r/u/" + url.rpartition("/")[2]
    dispatcher = actors.system("dispatcher")

    Client().post(address, {"List-Unsubscribe": "One-Click"})
    services.enqueue(actor=actors.COMMAND_LINE, items=[item.campaign(dana, purpose=Purpose.MARKETING)])
    services.enqueue(actor=actors.COMMAND_LINE, items=[item.campaign(dana, source_id=8)])
    done = services.dispatch(actor=dispatcher, seconds=8, lanes=2)
    # Marketing stays here; treatment still goes.
    assert (done.held, done.sent) == (1, 1)
    assert OutboxMessage.objects.get(source_id=7).reason == "suppressed"

    Client().post(address, {"step": "undo", "ticket": undoing.ticket(clock.now())})
    services.enqueue(actor=actors.COMMAND_LINE, items=[item.campaign(dana, 9, purpose=Purpose.MARKETING)])
    assert services.dispatch(actor=dispatcher, seconds=8, lanes=2).sent == 1
