"""The demo's providers, reached by the real client: what each offers, and what each mailbox does."""

import asyncio
import datetime as dt
import email
import email.policy
from contextlib import asynccontextmanager

import pytest

from apps.delivery.policy.retries import wait_before
from apps.demo.mail import Habit, Servers, empties, habit_of, key_kind, transport_map
from apps.mail.mx import Host, find, parse_map
from apps.mail.smtp import Dialogue, Mail, connect, probe
from apps.mail.smtp_replies import Cause, Next
from apps.mail.tls import TlsClass, Trust
from tests.delivery.servers import Inbox, free_ports, polite

DATA = b"From: Clinic <news@clinic.test>\r\nSubject: Hello\r\n\r\nGood day\r\n"


class Clock:
    def __init__(self):
        self.at = dt.datetime.now(dt.UTC)

    def __call__(self):
        return self.at


@asynccontextmanager
async def running(home, inbound=None):
    servers = Servers(home, Clock(), base_port=free_ports(), inbound=inbound, report_delay=0)
    await servers.start()
    try:
        yield servers
    finally:
        await servers.stop()


def how(home):
    return Dialogue("clinic.test", Trust(extra_roots=str(home / "demo-ca" / "root.pem")))


async def host(servers, domain):
    return (await find(domain, transport=parse_map(transport_map(servers.base_port)))).hosts[0]


async def send(servers, home, address):
    connection = await connect(await host(servers, address.partition("@")[2]), how(home))
    result = await connection.send(Mail("b+7@bounce.clinic.test", address, DATA))
    await connection.quit()
    return result


def test_each_provider_is_as_well_protected_as_it_says(tmp_path):
    async def scene():
        async with running(tmp_path) as servers:
            seen = {
                name: (await probe(await host(servers, f"{name}mail.test"), how(tmp_path))).tls_class
                for name in ("good", "plain", "old", "key")
            }
        assert seen == {
            "good": TlsClass.WEBPKI,
            "plain": TlsClass.NONE,
            "old": TlsClass.OPPORTUNISTIC,
            "key": TlsClass.OPPORTUNISTIC,
        }

    asyncio.run(scene())


def test_nobody_trusts_the_demo_authority_without_being_told(tmp_path):
    async def scene():
        async with running(tmp_path) as servers:
            seen = await probe(await host(servers, "goodmail.test"), Dialogue("clinic.test"))
        assert seen.tls_class is TlsClass.OPPORTUNISTIC

    asyncio.run(scene())


def test_colleagues_of_the_clinic_get_their_mail(tmp_path):
    """A test send goes to whoever asks for it: to max@riverbend.test, in the demo."""

    async def scene():
        async with running(tmp_path) as servers:
            assert (await send(servers, tmp_path, "max@riverbend.test")).sent
            assert [one.mailbox for one in servers.store.all()] == ["max@riverbend.test"]

    asyncio.run(scene())


def test_what_arrived_is_kept_with_its_trace(tmp_path):
    async def scene():
        async with running(tmp_path) as servers:
            assert (await send(servers, tmp_path, "bcdf1@goodmail.test")).sent
            (arrived,) = servers.store.all()
            assert arrived.mailbox == "bcdf1@goodmail.test"
            assert servers.store.get(arrived.id).raw.endswith(DATA)
            message = email.message_from_bytes(arrived.raw, policy=email.policy.default)
            assert message["Delivered-To"] == "bcdf1@goodmail.test"
            assert "TLSv1.3" in message["Received"]
            assert message["Subject"] == "Hello"
        assert (tmp_path / "demo-mail").stat().st_mode & 0o077 == 0
        assert servers.store.get("../../etc/passwd") is None

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("mailbox", "expected", "cause"),
    [
        ("gone-1@goodmail.test", Next.GIVE_UP, Cause.HARD),
        ("full-1@goodmail.test", Next.RETRY_LATER, Cause.FULL),
        ("spam-1@plainmail.test", Next.GIVE_UP, Cause.POLICY),
        ("grey-1@goodmail.test", Next.RETRY_SOON, Cause.GREYLIST),
    ],
)
def test_each_habit_gives_its_answer(tmp_path, mailbox, expected, cause):
    async def scene():
        async with running(tmp_path) as servers:
            result = await send(servers, tmp_path, mailbox)
            assert (result.outcome.next, result.outcome.cause) == (expected, cause)
            assert result.outcome.suppresses == (cause is Cause.HARD)
            if cause is Cause.GREYLIST:
                servers.handlers["goodmail.test"].clock.at += dt.timedelta(minutes=1)
                assert (await send(servers, tmp_path, mailbox)).sent

    asyncio.run(scene())


def test_a_full_mailbox_has_room_at_the_next_try_or_is_given_up(tmp_path):
    """What the demo sends is through after one more try, even when its mail servers were started again meanwhile."""
    names = [f"full-{number}@goodmail.test" for number in range(12)]
    assert {empties(name) for name in names} == {True, False}

    async def scene():
        async with running(tmp_path) as servers:
            assert {(await send(servers, tmp_path, name)).outcome.next for name in names} == {Next.RETRY_LATER}
            wait = wait_before((await send(servers, tmp_path, names[0])).outcome, 1)
        async with running(tmp_path) as servers:
            for handler in servers.handlers.values():
                handler.clock.at += wait
            for name in names:
                result = await send(servers, tmp_path, name)
                assert result.sent is empties(name)
                if not result.sent:
                    assert (result.outcome.next, result.outcome.cause) == (Next.GIVE_UP, Cause.FULL)

    asyncio.run(scene())


def test_a_late_report_goes_to_the_return_path(tmp_path):
    async def scene():
        inbox = Inbox()
        async with (
            polite(inbox) as receiver,
            running(tmp_path, Host(receiver.name, receiver.address, receiver.port)) as servers,
        ):
            assert (await send(servers, tmp_path, "late-1@goodmail.test")).sent
            for _ in range(100):
                if inbox.got:
                    break
                await asyncio.sleep(0.01)
        ((sender, recipient, raw),) = inbox.got
        assert (sender, recipient) == ("<>", "b+7@bounce.clinic.test")
        report = email.message_from_bytes(raw, policy=email.policy.default)
        assert report.get_content_type() == "multipart/report"
        status = report.get_payload(1).get_payload(1)
        assert status["Action"] == "failed"
        assert status["Status"] == "5.1.1"
        assert "Good day" not in raw.decode(), "headers only"

    asyncio.run(scene())


def test_habits_follow_from_the_name_and_are_rare():
    names = [f"p{n:04d}@goodmail.test" for n in range(2000)]
    habits = [habit_of(name) for name in names]
    assert habits == [habit_of(name.upper()) for name in names]
    assert 0.9 < habits.count(Habit.TAKES) / 2000 < 0.99
    assert {habits.count(h) > 5 for h in (Habit.REPORTS, Habit.FULL, Habit.GREYLISTS)} == {True}
    kinds = [key_kind(f"p{n}@keymail.test") for n in range(200)]
    assert min(kinds.count("pgp"), kinds.count("smime"), kinds.count("")) > 5
    assert key_kind("p1@goodmail.test") == ""
