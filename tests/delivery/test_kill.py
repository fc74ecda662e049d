"""Kill -9 in the middle of a send: nothing lost, nobody gets it twice, and few are in doubt."""

import asyncio
import random
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from apps.core import actors, clock
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import services
from apps.delivery.models import Attempt, OutboxMessage, ReadyMessage, Slot
from apps.delivery.outbox import story
from apps.delivery.outbox.services import control
from apps.delivery.send import slots
from apps.delivery.send.slots import Fenced
from tests.delivery.conftest import background, campaign_item
from tests.delivery.servers import Inbox
from tests.sizes import grown, seed

SYSTEM = actors.system("dispatcher")
LANES = 8
ROOT = Path(__file__).resolve().parents[2]
# After how many messages of 240 the worker is killed.
MOMENTS = [60, *random.Random(seed(60)).choices(range(20, 200), k=grown(0, 400))]


class Slow(Inbox):
    """Takes a moment for each message, and calls out when some have come."""

    def __init__(self, enough):
        super().__init__()
        self.enough, self.reached = enough, threading.Event()

    async def handle_DATA(self, server, session, envelope):
        await asyncio.sleep(0.01)
        answer = await super().handle_DATA(server, session, envelope)
        if len(self.got) >= self.enough:
            self.reached.set()
        return answer


class Mailbox:
    """A server on loopback with `inbox`."""

    def __init__(self, inbox):
        self.inbox = inbox

    async def start(self):
        from aiosmtpd.smtp import SMTP

        loop = asyncio.get_running_loop()
        self.server = await loop.create_server(
            lambda: SMTP(self.inbox, hostname="mx.bulk.test", loop=loop), "127.0.0.1", 0
        )
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def stop(self):
        self.server.close()


@pytest.mark.proof
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_loses_nothing_and_doubts_little(people, letters, settings, moment):
    total = 240
    readers = people(*(f"r{n}@bulk.test" for n in range(total)), relation="subscriber")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p, purpose=Purpose.B2B) for p in readers])
    inbox = Slow(enough=moment)
    with background(Mailbox(inbox).start) as server:
        transport = f"bulk.test=mx.bulk.test@127.0.0.1:{server.port}"
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.worker", connection.settings_dict["NAME"], transport],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            assert inbox.reached.wait(30), worker.communicate(timeout=5)[1].decode()[-2000:]
        finally:
            worker.kill()
            worker.communicate()
        before = Counter(OutboxMessage.objects.values_list("state", flat=True))
        assert 0 < before["sent"] < total
        assert Attempt.objects.exists(), "it was killed with messages in its hands"

        # While its lease lasts nobody touches what it held.
        assert services.recover(actor=SYSTEM) == (0, 0)
        with clock.frozen(clock.now() + slots.LEASE + timedelta(seconds=1)):
            doubtful, again = services.recover(actor=SYSTEM)
            assert services.recover(actor=SYSTEM) == (0, 0)
        assert 0 < doubtful <= LANES
        assert not Attempt.objects.exists()
        assert before["sent"] + doubtful + ReadyMessage.objects.count() == total
        assert again > 0

        settings.TRANSPORT_MAP = transport
        with clock.frozen(clock.now() + slots.LEASE + timedelta(seconds=2)):
            done = services.dispatch(actor=SYSTEM, seconds=20, lanes=LANES)
        assert done.sent == total - before["sent"] - doubtful
    arrived = Counter(recipient for _, recipient, _ in inbox.got)
    assert max(arrived.values()) == 1, "nobody got it twice"
    states = dict(OutboxMessage.objects.values_list("person_id", "state"))
    lost = [p.id for p in readers if states[p.id] == "sent" and not arrived[p.email]]
    assert lost == []
    assert Counter(states.values()) == {"sent": total - doubtful, "doubtful": doubtful}


@pytest.mark.django_db
def test_a_person_decides_about_a_doubtful_message(people, providers, letters):
    one, two = people("a@goodmail.test", "b@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p) for p in (one, two)])
    OutboxMessage.objects.update(state="doubtful", reason="network")
    ReadyMessage.objects.all().delete()
    assert services.dispatch(actor=SYSTEM, seconds=5).sent == 0, "nobody but a person sends it again"
    first, second = OutboxMessage.objects.order_by("id")
    services.doubtful_resend(actor=actors.COMMAND_LINE, message_id=first.pk, send=True)
    services.doubtful_resend(actor=actors.COMMAND_LINE, message_id=second.pk, send=False)
    assert services.dispatch(actor=SYSTEM, seconds=5).sent == 1
    assert [m.state for m in OutboxMessage.objects.order_by("id")] == ["sent", "failed"]


@pytest.mark.django_db
def test_what_waited_in_a_restored_backup_is_decided_by_a_person(people, providers, letters):
    """A letter of its own may have left after the backup; a campaign's messages wait with the campaign."""
    one, two = people("a@goodmail.test", "b@goodmail.test")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p) for p in (one, two)])
    letter = OutboxMessage.objects.get(person_id=one.id)
    OutboxMessage.objects.filter(pk=letter.pk).update(kind="reply", source_id=None)
    ReadyMessage.objects.filter(pk=letter.pk).update(kind="reply", source_id=None)
    assert control.hold_after_restore(actor=actors.COMMAND_LINE) == {"messages_in_doubt": 1}
    letter.refresh_from_db()
    assert (letter.state, story.reason_words(letter.reason)[:29]) == ("doubtful", "It waited when a backup was m")
    assert list(ReadyMessage.objects.values_list("kind", flat=True)) == ["campaign"]
    assert control.hold_after_restore(actor=actors.COMMAND_LINE) == {"messages_in_doubt": 0}
    services.doubtful_resend(actor=actors.COMMAND_LINE, message_id=letter.pk, send=True)
    assert ReadyMessage.objects.filter(kind="reply").exists()


@pytest.mark.django_db
def test_a_slow_worker_is_shut_out_when_another_has_its_slot(people, letters):
    lease = slots.acquire()
    with clock.frozen(clock.now() + slots.LEASE + timedelta(seconds=1)):
        other = slots.acquire()
        assert (other.slot, other.fence) == (lease.slot, lease.fence + 1)
        with pytest.raises(Fenced):
            slots.renew(lease, clock.now())
        slots.renew(other, clock.now())
        slots.release(lease)
        assert Slot.objects.get(pk=other.slot).lease_until > clock.now(), "a late release harms nobody"


@pytest.mark.django_db
def test_all_slots_held_means_nothing_is_begun(people, letters, settings):
    while slots.acquire():
        pass
    assert Slot.objects.count() == slots.SLOTS
    (reader,) = people("a@bulk.test")
    services.enqueue(actor=SYSTEM, items=[campaign_item(reader, level=Level.PUBLIC)])
    assert services.dispatch(actor=SYSTEM, seconds=1) == services.Dispatched()


@pytest.mark.django_db
def test_a_server_that_hangs_holds_up_nobody_else(people, letters, settings, monkeypatch):
    from dataclasses import replace

    from apps.delivery import selectors
    from apps.delivery.send import dispatcher
    from apps.mail.smtp import Timeouts

    real = selectors.dialogue
    monkeypatch.setattr(selectors, "dialogue", lambda s: replace(real(s), timeouts=Timeouts(body=2.0, quit=0.2)))
    monkeypatch.setattr(dispatcher, "CLAIM_SECONDS", 0.2)
    ended = []

    class Hanging(Inbox):
        async def handle_DATA(self, server, session, envelope):
            await asyncio.sleep(30)

    class Quick(Inbox):
        async def handle_DATA(self, server, session, envelope):
            ended.append(envelope.rcpt_tos[0])
            return await super().handle_DATA(server, session, envelope)

    slow = people("s1@slow.test", relation="subscriber")
    fast = people(*(f"f{n}@fast.test" for n in range(300)), relation="subscriber")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p, purpose=Purpose.B2B) for p in slow + fast[:150]])
    services.enqueue(actor=SYSTEM, items=[campaign_item(p, purpose=Purpose.B2B) for p in fast[150:]])
    monkeypatch.setattr(dispatcher, "_LARGEST", 100)
    with background(Mailbox(Hanging()).start) as one, background(Mailbox(Quick()).start) as two:
        settings.TRANSPORT_MAP = f"slow.test=127.0.0.1:{one.port},fast.test=127.0.0.1:{two.port}"
        done = services.dispatch(actor=SYSTEM, seconds=20, lanes=3)
    assert (done.sent, done.doubtful) == (300, 1)
    assert len(ended) == len(set(ended)) == 300
    assert OutboxMessage.objects.get(person_id=slow[0].id).state == "doubtful"
    assert not Attempt.objects.exists()


@pytest.mark.django_db
def test_a_fault_of_ours_in_one_message_stops_no_lane(people, letters, settings, monkeypatch):
    from apps.mail.smtp import Connection

    real = Connection.send

    async def send(self, mail):
        if "bad" in mail.recipient:
            raise RuntimeError("a bug")
        return await real(self, mail)

    monkeypatch.setattr(Connection, "send", send)
    readers = people("bad@fast.test", "a@fast.test", "b@fast.test", "c d@fast.test", relation="subscriber")
    services.enqueue(actor=SYSTEM, items=[campaign_item(p, purpose=Purpose.B2B) for p in readers])
    with background(Mailbox(Inbox()).start) as server:
        settings.TRANSPORT_MAP = f"fast.test=127.0.0.1:{server.port}"
        done = services.dispatch(actor=SYSTEM, seconds=20, lanes=1)
    assert (done.sent, done.doubtful, done.failed) == (2, 1, 1)
