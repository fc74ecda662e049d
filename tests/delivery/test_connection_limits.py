"""What a server allows on one connection costs nobody an attempt: new connection, at once."""

from __future__ import annotations

import asyncio

import pytest
from aiosmtpd.smtp import SMTP

from apps.core import actors
from apps.core.purposes import Purpose
from apps.delivery import services
from apps.delivery.models import OutboxMessage, ReadyMessage
from tests.delivery.conftest import background, campaign_item
from tests.delivery.servers import Inbox

SYSTEM = actors.system("dispatcher")
pytestmark = pytest.mark.django_db(transaction=True)


class Limited(Inbox):
    """Takes `most` messages on a connection, then gives `answer` to MAIL (and hangs up, where it says 421)."""

    def __init__(self, most, answer):
        super().__init__()
        self.most, self.answer = most, answer
        self.refused, self.counts = 0, {}

    async def handle_MAIL(self, server, session, envelope, address, options):
        taken = self.counts.setdefault(session.peer, 0)
        if taken >= self.most:
            self.refused += 1
            return self.answer
        self.counts[session.peer] += 1
        envelope.mail_from = address
        return "250 2.1.0 OK"


class Server:
    def __init__(self, inbox):
        self.inbox = inbox

    async def start(self):
        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(lambda: SMTP(self.inbox, hostname="mx.bulk.test"), "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        self.server.close()


def sent_over(inbox, settings, people, count):
    """What one run over one lane did with `count` messages for this server."""
    readers = people(*(f"r{n}@bulk.test" for n in range(count)), relation="subscriber")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p, purpose=Purpose.B2B) for p in readers])
    with background(Server(inbox).start) as server:
        settings.TRANSPORT_MAP = f"bulk.test=mx.bulk.test@127.0.0.1:{server.port}"
        return services.dispatch(actor=SYSTEM, seconds=20, lanes=1)


@pytest.mark.parametrize(
    "answer",
    [
        "452 4.5.3 Too many recipients: Too many messages sent",
        "421 too many messages in this connection",
        "421 4.7.0 Try again on a new connection",
        "451 4.3.0 No more of this",
        "550 5.7.1 Too many messages per session",
    ],
)
def test_the_end_of_a_connection_is_a_new_connection_and_no_attempt(people, letters, settings, answer):
    inbox = Limited(3, answer)
    done = sent_over(inbox, settings, people, 8)
    assert (done.sent, done.retried, done.failed) == (8, 0, 0)
    assert len(inbox.got) == 8
    assert sorted(inbox.counts.values()) == [2, 3, 3]
    assert inbox.refused == 2
    assert set(OutboxMessage.objects.values_list("attempts", flat=True)) == {1}


def test_the_same_answer_on_a_fresh_connection_counts(people, letters, settings):
    inbox = Limited(0, "421 4.3.2 Not now")
    done = sent_over(inbox, settings, people, 2)
    assert (done.sent, done.retried) == (0, 2)
    assert ReadyMessage.objects.count() == 2


def test_an_answer_about_the_message_is_none_about_the_connection(people, letters, settings):
    inbox = Limited(2, "550 5.1.8 Sender address rejected")
    done = sent_over(inbox, settings, people, 3)
    assert (done.sent, done.failed) == (2, 1)
    assert inbox.refused == 1


def test_we_say_quit_before_anybody_must(people, letters, settings):
    settings.MESSAGES_PER_CONNECTION = 3
    inbox = Limited(4, "452 4.5.3 Too many messages sent")
    assert sent_over(inbox, settings, people, 8).sent == 8
    assert inbox.refused == 0
    assert sorted(inbox.counts.values()) == [2, 3, 3]
