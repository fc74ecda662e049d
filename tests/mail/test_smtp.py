"""The client against real servers: polite ones, weak ones, and those that hang, drop or lie."""

import asyncio
import ssl
from dataclasses import replace

import pytest

from apps.mail.smtp import Dialogue, Login, Mail, Timeouts, Unreachable, UnsafeAddress, connect, probe
from apps.mail.smtp_replies import Cause, Fault, Next, Phase
from apps.mail.tls import TlsClass, Trust
from tests.delivery.servers import NOW, Inbox, authority_in, certificate, polite, scripted

QUICK = Timeouts(connect=2, greeting=0.3, hello=0.3, starttls=2, command=0.3, body=0.3, quit=0.3)
BODY = b"Subject: Hello\r\n\r\n.one leading dot\r\nplain\r\n..two\r\n.\r\nlast\r\n"
MAIL = Mail("b+1@bounce.clinic.test", "pat@goodmail.test", BODY)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An authority, what trusts it, and server contexts good and expired."""
    folder = tmp_path_factory.mktemp("ca")
    authority, root = authority_in(folder)
    return {
        "how": Dialogue("clinic.test", Trust(extra_roots=root), QUICK),
        "good": certificate(folder, authority, ["mx.goodmail.test"]),
        "old": certificate(folder, authority, ["mx.goodmail.test"], expired=True),
    }


async def one(host, how, mail=MAIL):
    connection = await connect(host, how)
    result = await connection.send(mail)
    await connection.quit()
    return connection, result


def test_a_message_arrives_as_it_was_with_the_evidence_of_its_way(world):
    async def scene():
        inbox = Inbox()
        async with polite(inbox, tls=world["good"]) as host:
            connection, result = await one(host, world["how"], replace(MAIL, minimum=TlsClass.WEBPKI))
        assert result.sent
        assert inbox.got == [("b+1@bounce.clinic.test", "pat@goodmail.test", BODY)]
        seen = connection.evidence(result)
        assert seen["mx"] == "mx.goodmail.test"
        assert seen["ip"] == "127.0.0.1"
        assert seen["code"] == 250
        assert seen["tls"]["tls_class"] == TlsClass.WEBPKI
        assert seen["tls"]["version"] == "TLSv1.3"
        assert seen["tls"]["names"] == ("mx.goodmail.test",)
        assert len(seen["tls"]["fingerprint"]) == 64
        assert "SIZE=" in inbox.commands[0]

    asyncio.run(scene())


def test_one_connection_carries_many_messages_one_after_the_other(world):
    async def scene():
        inbox = Inbox(rcpt_answers={"gone@goodmail.test": "550 5.1.1 user unknown"})
        async with polite(inbox, tls=world["good"]) as host:
            connection = await connect(host, world["how"])
            ends = []
            for i in range(5):
                who = "gone@goodmail.test" if i == 2 else f"p{i}@goodmail.test"
                ends.append((await connection.send(replace(MAIL, recipient=who))).outcome.cause)
            await connection.quit()
        assert ends == [Cause.NONE, Cause.NONE, Cause.HARD, Cause.NONE, Cause.NONE]
        assert [r for _, r, _ in inbox.got] == [f"p{i}@goodmail.test" for i in (0, 1, 3, 4)]
        assert connection.carried == 5

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("tls", "name", "expected", "words"),
    [
        ("good", "mx.goodmail.test", TlsClass.WEBPKI, ""),
        ("old", "mx.goodmail.test", TlsClass.OPPORTUNISTIC, "expired"),
        ("good", "mx.other.test", TlsClass.OPPORTUNISTIC, "does not name"),
        (None, "mx.goodmail.test", TlsClass.NONE, "does not offer TLS"),
    ],
)
def test_the_class_is_measured_and_a_weak_connection_carries_nothing_that_needs_more(world, tls, name, expected, words):
    async def scene():
        inbox = Inbox()
        async with polite(inbox, tls=world[tls] if tls else None, name=name) as host:
            connection = await connect(host, world["how"])
            assert connection.tls.tls_class is expected
            assert words in connection.tls.fault
            result = await connection.send(replace(MAIL, minimum=TlsClass.WEBPKI))
            if expected < TlsClass.WEBPKI:
                assert result.fault is Fault.TLS_TOO_WEAK
                assert inbox.commands == [], "not even the address was named"
                assert (await connection.send(MAIL)).sent, "but a public message may still go"
            else:
                assert result.sent
            await connection.quit()

    asyncio.run(scene())


def test_an_unknown_authority_is_only_opportunistic(world):
    async def scene():
        async with polite(Inbox(), tls=world["good"]) as host:
            seen = await probe(host, replace(world["how"], trust=Trust()))
        assert seen.tls_class is TlsClass.OPPORTUNISTIC
        assert "issuer is unknown" in seen.fault

    asyncio.run(scene())


def test_a_probe_measures_without_naming_a_mailbox(world):
    async def scene():
        inbox = Inbox()
        async with polite(inbox, tls=world["good"]) as host:
            assert (await probe(host, world["how"])).tls_class is TlsClass.WEBPKI
        assert inbox.commands == []

    asyncio.run(scene())


def test_a_pinned_certificate_is_authenticated_and_another_is_distrusted(world):
    async def scene():
        async with polite(Inbox(), tls=world["old"]) as host:
            seen = await probe(host, world["how"])
            for pin in (seen.fingerprint, seen.key_fingerprint):
                trust = Trust(pins={"mx.goodmail.test": frozenset({pin})})
                assert (await probe(host, replace(world["how"], trust=trust))).tls_class is TlsClass.AUTHENTICATED
        async with polite(Inbox(), tls=world["good"]) as host:
            trust = replace(world["how"].trust, pins={"mx.goodmail.test": frozenset({"00" * 32})})
            seen = await probe(host, replace(world["how"], trust=trust))
            assert seen.tls_class is TlsClass.OPPORTUNISTIC
            assert "pinned" in seen.fault

    asyncio.run(scene())


def test_tls_before_1_2_is_no_tls(world, tmp_path):
    async def scene():
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority, root = authority_in(tmp_path)
        issued = authority.server(["mx.goodmail.test"], NOW)
        path = tmp_path / "s.pem"
        path.write_bytes(issued.certificate + issued.key)
        old.load_cert_chain(path)
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        async with polite(Inbox(), tls=old) as host:
            seen = await probe(host, Dialogue("clinic.test", Trust(extra_roots=root), QUICK))
        assert seen.tls_class is TlsClass.NONE
        assert "TLS 1.2" in seen.fault

    with pytest.warns(DeprecationWarning, match="TLSv1"):
        asyncio.run(scene())


@pytest.mark.parametrize("address", ["a@b.test>\r\nRCPT TO:<c@d.test", "a b@c.test", "a@b.test\0", "a<b@c.test"])
def test_no_address_breaks_out_of_its_command(world, address):
    async def scene():
        inbox = Inbox()
        async with polite(inbox) as host:
            connection = await connect(host, world["how"])
            with pytest.raises(UnsafeAddress):
                await connection.send(replace(MAIL, recipient=address))
            with pytest.raises(UnsafeAddress):
                await connection.send(replace(MAIL, return_path=address))
            await connection.quit()
        assert inbox.commands == []

    asyncio.run(scene())


# ---- servers that are not polite --------------------------------------------------------------


def speaking(*answers, hello=b"250-odd.test\r\n250 PIPELINING\r\n", then=None):
    """A script: greet, answer EHLO, then send each answer after reading what belongs to it."""

    async def script(reader, writer):
        writer.write(b"220 odd.test\r\n")
        await reader.readline()
        writer.write(hello)
        for lines, answer in answers:
            for _ in range(lines):
                await reader.readline()
            writer.write(answer)
            await writer.drain()
        if then is not None:
            await then(reader, writer)

    return script


async def hang(reader, writer):
    await reader.read(-1)


OK3 = (3, b"250 2.1.0 OK\r\n250 2.1.5 OK\r\n354 go\r\n")


@pytest.mark.parametrize(
    ("script", "phase", "fault", "next_step"),
    [
        (speaking(then=hang), Phase.MAIL, Fault.TIMEOUT, Next.RETRY_LATER),
        (speaking(), Phase.MAIL, Fault.DROPPED, Next.RETRY_LATER),
        (speaking((3, b"250 OK\r\n")), Phase.RCPT, Fault.DROPPED, Next.RETRY_LATER),
        (speaking((3, b"250 OK\r\n250 OK\r\n"), then=hang), Phase.DATA, Fault.TIMEOUT, Next.RETRY_LATER),
        (speaking(OK3), Phase.BODY, Fault.DROPPED, Next.DOUBTFUL),
        (speaking(OK3, then=hang), Phase.BODY, Fault.TIMEOUT, Next.DOUBTFUL),
        (speaking(OK3, (1, b"what?\r\n")), Phase.BODY, Fault.NOT_SMTP, Next.DOUBTFUL),
        (speaking((3, b"250 " + b"x" * 100_000 + b"\r\n")), Phase.MAIL, Fault.NOT_SMTP, Next.RETRY_LATER),
    ],
)
def test_a_server_that_hangs_or_drops_ends_in_a_clear_outcome(script, phase, fault, next_step, world):
    async def scene():
        async with scripted(script) as host:
            connection = await connect(host, world["how"])
            result = await connection.send(MAIL)
        assert (result.phase, result.fault, result.outcome.next) == (phase, fault, next_step)
        assert not result.usable
        again = await connection.send(MAIL)
        assert again.fault is Fault.DROPPED
        assert again.outcome.next is Next.RETRY_LATER

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("script", "phase", "next_step"),
    [
        (speaking((3, b"421 4.3.2 closing\r\n")), Phase.MAIL, Next.RETRY_SOON),
        (speaking((3, b"250 OK\r\n421 4.7.28 unusual rate of mail\r\n")), Phase.RCPT, Next.RETRY_LATER),
        (speaking(OK3, (1, b"552 5.3.4 too big\r\n")), Phase.BODY, Next.GIVE_UP),
    ],
)
def test_a_refusal_and_a_hang_up_is_still_a_refusal(script, phase, next_step, world):
    async def scene():
        async with scripted(script) as host:
            connection = await connect(host, world["how"])
            result = await connection.send(MAIL)
        assert (result.phase, result.outcome.next) == (phase, next_step)
        assert result.reply is not None

    asyncio.run(scene())


def test_a_server_that_waits_for_a_body_nobody_gets_receives_an_empty_one(world):
    """RFC 2920: RCPT refused, DATA accepted."""
    seen = []

    async def script(reader, writer):
        writer.write(b"220 odd.test\r\n")
        await reader.readline()
        writer.write(b"250-odd.test\r\n250 PIPELINING\r\n")
        for _ in range(3):
            seen.append(await reader.readline())
        writer.write(b"250 OK\r\n550 5.1.1 unknown\r\n354 go\r\n")
        seen.append(await reader.readline())
        writer.write(b"554 no recipients\r\n")
        for _ in range(4):
            seen.append(await reader.readline())
        writer.write(b"250 reset\r\n250 OK\r\n250 OK\r\n354 go\r\n")
        while (line := await reader.readline()) != b".\r\n":
            seen.append(line)
        writer.write(b"250 taken\r\n")

    async def scene():
        async with scripted(script) as host:
            connection = await connect(host, world["how"])
            assert (await connection.send(MAIL)).outcome.suppresses
            assert (await connection.send(MAIL)).sent
        assert seen[3] == b".\r\n"
        assert seen[4] == b"RSET\r\n"

    asyncio.run(scene())


def test_without_pipelining_nothing_is_said_too_early(world):
    spoken = []

    async def script(reader, writer):
        writer.write(b"220 odd.test\r\n")
        await reader.readline()
        writer.write(b"250 odd.test\r\n")
        for answer in (b"250 OK\r\n", b"250 OK\r\n", b"354 go\r\n"):
            spoken.append(await reader.readline())
            assert not reader._buffer, "the next command came before the answer"
            writer.write(answer)
        while (await reader.readline()) != b".\r\n":
            pass
        writer.write(b"250 taken\r\n")

    async def scene():
        async with scripted(script) as host:
            connection = await connect(host, world["how"])
            assert (await connection.send(MAIL)).sent
        assert [line[:4] for line in spoken] == [b"MAIL", b"RCPT", b"DATA"]

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("greeting", "phase", "fault", "code"),
    [
        (b"554 5.7.1 go away\r\n", Phase.CONNECT, None, 554),
        (b"421 4.3.2 later\r\n", Phase.CONNECT, None, 421),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Phase.CONNECT, Fault.NOT_SMTP, None),
        (b"", Phase.CONNECT, Fault.DROPPED, None),
    ],
)
def test_no_dialogue_at_all(greeting, phase, fault, code, world):
    async def script(reader, writer):
        writer.write(greeting)

    async def scene():
        async with scripted(script) as host:
            with pytest.raises(Unreachable) as failed:
                await connect(host, world["how"])
        assert (failed.value.phase, failed.value.fault) == (phase, fault)
        assert (failed.value.reply.code if failed.value.reply else None) == code
        assert failed.value.result(host).outcome.next in (Next.RETRY_LATER, Next.RETRY_SOON)

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("answer", "fault", "code"),
    [(None, Fault.TIMEOUT, None), (b"421 4.3.2 closing\r\n", None, 421), (b"", Fault.DROPPED, None)],
)
def test_a_server_that_greets_and_then_never_or_badly_answers(answer, fault, code, world):
    async def script(reader, writer):
        writer.write(b"220 mx.goodmail.test ESMTP\r\n")
        assert (await reader.readline()).startswith(b"EHLO")
        if answer is None:
            await hang(reader, writer)
        else:
            writer.write(answer)

    async def scene():
        async with scripted(script) as host:
            with pytest.raises(Unreachable) as failed:
                await connect(host, world["how"])
        assert (failed.value.phase, failed.value.fault) == (Phase.HELLO, fault)
        assert (failed.value.reply.code if failed.value.reply else None) == code
        assert failed.value.result(host).outcome.next in (Next.RETRY_LATER, Next.RETRY_SOON)

    asyncio.run(scene())


def test_a_port_nobody_listens_on_and_a_silent_one(world):
    async def scene():
        async with scripted(hang) as host:
            with pytest.raises(Unreachable) as failed:
                await connect(host, world["how"])
            assert failed.value.fault is Fault.TIMEOUT
        with pytest.raises(Unreachable) as failed:
            await connect(host, world["how"])
        assert failed.value.fault is Fault.REFUSED

    asyncio.run(scene())


def test_commands_smuggled_before_the_handshake_end_the_connection(world):
    async def script(reader, writer):
        writer.write(b"220 odd.test\r\n")
        await reader.readline()
        writer.write(b"250-odd.test\r\n250 STARTTLS\r\n")
        await reader.readline()
        writer.write(b"220 go\r\n250 smuggled\r\n")
        await writer.drain()
        await reader.read(-1)

    async def scene():
        async with scripted(script) as host:
            with pytest.raises(Unreachable) as failed:
                await connect(host, world["how"])
        assert failed.value.fault is Fault.NOT_SMTP

    asyncio.run(scene())


def test_options_are_used_only_when_offered(world):
    seen = []

    def script_with(hello):
        async def script(reader, writer):
            writer.write(b"220 odd.test\r\n")
            await reader.readline()
            writer.write(hello)
            for _ in range(3):
                seen.append((await reader.readline()).decode())
            writer.write(b"250 OK\r\n250 OK\r\n354 go\r\n")
            while (await reader.readline()) != b".\r\n":
                pass
            writer.write(b"250 taken\r\n")

        return script

    words = (b"SIZE 1000", b"8BITMIME", b"SMTPUTF8", b"DSN", b"REQUIRETLS")
    everything = b"250-odd\r\n" + b"".join(b"250-%s\r\n" % w for w in words) + b"250 PIPELINING\r\n"
    nothing = b"250-odd\r\n250-SIZE 1000\r\n250 PIPELINING\r\n"
    wide = Mail("b@clinic.test", "jürgen@müller.test", "ü\r\n".encode(), requiretls=True)

    async def scene():
        async with scripted(script_with(everything)) as host:
            result = await (await connect(host, world["how"])).send(wide)
            assert result.sent
            assert result.requiretls
        assert seen[0] == "MAIL FROM:<b@clinic.test> SIZE=4 SMTPUTF8 BODY=8BITMIME REQUIRETLS RET=HDRS\r\n"
        assert seen[1] == "RCPT TO:<jürgen@müller.test> NOTIFY=FAILURE,DELAY\r\n"
        async with scripted(script_with(nothing)) as host:
            connection = await connect(host, world["how"])
            for mail, fault in (
                (wide, Fault.NEEDS_UTF8),
                (replace(wide, recipient="a@b.test"), Fault.NEEDS_8BIT),
                (replace(MAIL, data=b"x" * 1001), Fault.TOO_LARGE),
            ):
                result = await connection.send(mail)
                assert result.fault is fault
                assert result.outcome.next is Next.GIVE_UP
                assert not result.outcome.suppresses
            result = await connection.send(replace(MAIL, requiretls=True))
            assert result.sent
            assert not result.requiretls

    asyncio.run(scene())


def test_a_relay_password_never_crosses_an_unverified_connection(world):
    async def scene():
        async with polite(Inbox(), tls=world["old"], auth_required=False) as host:
            with pytest.raises(Unreachable) as failed:
                await connect(host, replace(world["how"], login=Login("carelane", "secret")))
            assert failed.value.fault is Fault.TLS_TOO_WEAK
        assert "secret" not in repr(Login("carelane", "secret"))

    asyncio.run(scene())
