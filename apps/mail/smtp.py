"""The SMTP client: one message in flight on a connection, and the evidence of how it travelled.

RFC 5321 (dialogue, timeouts), RFC 2920 (PIPELINING), RFC 3207 (STARTTLS), RFC 1870 (SIZE), RFC 6152
(8BITMIME), RFC 6531 (SMTPUTF8), RFC 3461 (DSN), RFC 8689 (REQUIRETLS), RFC 4954 (AUTH, for relays).

MAIL, RCPT and DATA of one message go out together; the next MAIL never leaves before the last answer has
come, so that a process killed at any moment leaves at most one message per connection in doubt.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apps.core.errors import Refused
from apps.mail.mx import Host, LookupFault, addresses
from apps.mail.smtp_replies import (
    Fault,
    Next,
    Phase,
    Reply,
    ReplyOutcome,
    is_about_connection,
    of_fault,
    of_reply,
    provider_of,
)
from apps.mail.tls import TRUSTED_LOCALLY, TlsClass, TlsEvidence, Trust, fault_of
from apps.mail.wire import Ended, Wire

__all__ = ["Connection", "Dialogue", "Mail", "Result", "TlsClass", "Unreachable", "connect", "probe"]

_UNSAFE_ADDRESS = re.compile(r"[\x00-\x20<>\x7f]")


class UnsafeAddress(Refused):
    """An address with a blank, bracket, CR, LF or NUL; it never reaches a command line."""


class NotWhole(UnsafeAddress):
    """A mail that is not what was made for its recipient; nothing of it is written."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds for each phase, shorter than RFC 5321's section 4.5.3.2 where nobody needs the minutes."""

    connect: float = 30.0
    greeting: float = 60.0
    hello: float = 60.0
    starttls: float = 60.0
    command: float = 120.0
    body: float = 600.0
    quit: float = 5.0


@dataclass(frozen=True)
class Login:
    """A relay's account; used only on a connection that is web-PKI or better."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Dialogue:
    """How we speak: our name, what we trust, how long we wait."""

    helo: str
    trust: Trust = field(default_factory=Trust)
    timeouts: Timeouts = field(default_factory=Timeouts)
    login: Login | None = None
    implicit_tls: bool = False
    per_connection: int = 90
    """Messages handed over a connection before we say QUIT. OpenSMTPD takes 100, Exim 1,000."""


@dataclass(frozen=True)
class Mail:
    """One message to one recipient. `data` has CRLF line ends and is not dot-stuffed yet.

    `whole` says, just before the first command, whether this is still what was made for that recipient.
    """

    return_path: str
    recipient: str
    data: bytes
    minimum: TlsClass = TlsClass.NONE
    requiretls: bool = False
    whole: Callable[[Mail], bool] | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"Mail({len(self.data)} bytes)"


@dataclass(frozen=True)
class Result:
    """How one attempt ended. `reply` is the deciding one; `usable` says that the connection may go on."""

    outcome: ReplyOutcome
    phase: Phase
    reply: Reply | None = None
    fault: Fault | None = None
    usable: bool = True
    requiretls: bool = False
    worn: bool = False
    """Whether the answer ends a connection that has carried messages, and says nothing about this one: it goes over
    a new connection at once, and no attempt was made (RFC 5321 section 4.2.2)."""

    @property
    def sent(self) -> bool:
        """Whether the server took the message."""
        return self.outcome.next is Next.SENT


class Unreachable(Exception):
    """No dialogue came about; the fields say how it ended."""

    def __init__(self, phase: Phase, *, reply: Reply | None = None, fault: Fault | None = None) -> None:
        super().__init__(f"{phase.value} {fault.value if fault else reply}")
        self.phase, self.reply, self.fault = phase, reply, fault

    def result(self, host: Host) -> Result:
        """The attempt's end for every message that wanted to go this way."""
        outcome = (
            of_reply(self.phase, self.reply, provider=provider_of(host.name))
            if self.reply is not None
            else of_fault(self.phase, self.fault or Fault.DROPPED)
        )
        return Result(outcome, self.phase, self.reply, self.fault, usable=False)


class Connection:
    """An open dialogue with one mail server. Not for use by two tasks at once."""

    def __init__(self, wire: Wire, host: Host, how: Dialogue, tls: TlsEvidence, extensions: dict[str, str]) -> None:
        self._wire = wire
        self.host = host
        self.tls = tls
        self.extensions = extensions
        self._how = how
        self._provider = provider_of(host.name)
        self._dirty = False
        self.usable = True
        self.carried = 0
        """Messages whose MAIL the server took."""
        self._pipelining = "PIPELINING" in extensions
        self._dsn = "DSN" in extensions
        self._size_limit = _number(extensions.get("SIZE", ""))
        transport = wire.transport
        peer = transport.get_extra_info("peername") if transport is not None else None
        self.peer = str(peer[0]) if peer else ""
        # The same for every message that this connection carries.
        self._seen: dict[str, Any] = {"mx": host.name, "ip": self.peer, "tls": tls.to_json()}

    async def send(self, mail: Mail) -> Result:
        """Send one message and wait for the last answer.

        Nothing is written unless this very connection is as well protected as the message needs.
        Raises `UnsafeAddress` for an address that could break the command line, `NotWhole` for a mail that is not what
        was made for its recipient.
        """
        if self.tls.tls_class < mail.minimum:
            return Result(
                of_fault(Phase.MAIL, Fault.TLS_TOO_WEAK),
                Phase.MAIL,
                fault=Fault.TLS_TOO_WEAK,
                usable=self.usable,
            )
        if not self.usable or self._wire.lost:
            self.usable = False
            worn = self.carried > 0
            return Result(of_fault(Phase.MAIL, Fault.DROPPED), Phase.MAIL, fault=Fault.DROPPED, usable=False, worn=worn)
        if mail.whole is not None and not mail.whole(mail):
            raise NotWhole("message.not_whole", "The message is not what was made for its recipient. It did not leave.")
        commands = self._commands(mail)
        if isinstance(commands, Fault):
            return Result(of_fault(Phase.MAIL, commands), Phase.MAIL, fault=commands, usable=self.usable)
        requiretls = mail.requiretls and "REQUIRETLS" in self.extensions
        result = await self._talk(commands, mail.data, requiretls)
        if self.carried and is_about_connection(result.phase, result.reply, result.fault):
            result = replace(result, worn=True)
        self.carried += result.phase is not Phase.MAIL
        self.usable = result.usable
        if result.worn:
            await self.quit()
        elif not result.usable:
            self._wire.close()
        return result

    @property
    def spent(self) -> bool:
        """Whether it has carried as many messages as we put on one connection."""
        return self.carried >= self._how.per_connection

    def _commands(self, mail: Mail) -> list[bytes] | Fault:
        for address in (mail.return_path, mail.recipient):
            if _UNSAFE_ADDRESS.search(address) or len(address) > 320:
                raise UnsafeAddress(
                    "address.malformed", "The address has characters that mail servers do not allow. Correct it."
                )
        size = len(mail.data)
        if self._size_limit and size > self._size_limit:
            return Fault.TOO_LARGE
        options = f" SIZE={size}" if "SIZE" in self.extensions else ""
        if not (mail.return_path.isascii() and mail.recipient.isascii()):
            if "SMTPUTF8" not in self.extensions:
                return Fault.NEEDS_UTF8
            options += " SMTPUTF8"
        if not mail.data.isascii():
            if "8BITMIME" not in self.extensions:
                return Fault.NEEDS_8BIT
            options += " BODY=8BITMIME"
        if mail.requiretls and "REQUIRETLS" in self.extensions:
            options += " REQUIRETLS"
        rcpt = ""
        if self._dsn:
            # Headers only: a bounce must not carry a patient's text back through strangers (B-353).
            options += " RET=HDRS"
            rcpt = " NOTIFY=FAILURE,DELAY"
        return [
            f"MAIL FROM:<{mail.return_path}>{options}\r\n".encode(),
            f"RCPT TO:<{mail.recipient}>{rcpt}\r\n".encode(),
            b"DATA\r\n",
        ]

    async def _talk(self, commands: list[bytes], data: bytes, requiretls: bool) -> Result:
        wire, wait = self._wire, self._how.timeouts
        phases: Sequence[Phase] = (Phase.MAIL, Phase.RCPT, Phase.DATA)
        reset = 1 if self._dirty else 0
        replies: list[Reply] = []
        try:
            if self._pipelining:
                wire.write(b"".join([b"RSET\r\n"] * reset + commands))
                replies = (await wire.replies(3 + reset, wait.command))[reset:]
            else:
                if reset:
                    wire.write(b"RSET\r\n")
                    await wire.replies(1, wait.command)
                for command in commands:
                    wire.write(command)
                    replies += await wire.replies(1, wait.command)
                    if not _goes_on(len(replies) - 1, replies[-1]):
                        break
        except Ended as end:
            came = (replies + end.replies)[reset if self._pipelining else 0 :]
            return self._cut(end.fault, came, phases)
        self._dirty = False
        for i, reply in enumerate(replies):
            if not _goes_on(i, reply):
                usable = reply.code != 421
                if usable and len(replies) == 3 and replies[2].code == 354:
                    # RFC 2920 section 3.1: the server waits for a body though nobody is to get it.
                    usable = await self._empty_body()
                self._dirty = True
                return self._answered(phases[i], reply, usable=usable)
        wire.write(_stuffed(data))
        try:
            (reply,) = await wire.replies(1, wait.body)
        except Ended as end:
            return self._cut(end.fault, [], (Phase.BODY,))
        return self._answered(Phase.BODY, reply, usable=reply.code != 421, requiretls=requiretls)

    async def _empty_body(self) -> bool:
        self._wire.write(b".\r\n")
        try:
            await self._wire.replies(1, self._how.timeouts.command)
        except Ended:
            return False
        return True

    def _answered(self, phase: Phase, reply: Reply, *, usable: bool, requiretls: bool = False) -> Result:
        outcome = of_reply(phase, reply, provider=self._provider)
        return Result(outcome, phase, reply, usable=usable, requiretls=requiretls)

    def _cut(self, fault: Fault, came: list[Reply], phases: Sequence[Phase]) -> Result:
        """The dialogue broke. A refusal that came before still counts: 421 and a close is common."""
        for i, reply in enumerate(came[: len(phases)]):
            if not _goes_on(i, reply) and phases[i] is not Phase.BODY:
                return self._answered(phases[i], reply, usable=False)
        phase = phases[min(len(came), len(phases) - 1)]
        return Result(of_fault(phase, fault), phase, fault=fault, usable=False)

    async def quit(self) -> None:
        """Say goodbye; a server that does not answer is left."""
        if not self._wire.lost and self.usable:
            self._wire.write(b"QUIT\r\n")
            with contextlib.suppress(Ended):
                await self._wire.replies(1, self._how.timeouts.quit)
        self.usable = False
        self._wire.close()

    def evidence(self, result: Result) -> dict[str, Any]:
        """What is kept with the message: server, protection, answer. JSON without empty values."""
        return self._seen | result_json(result)


def result_json(result: Result) -> dict[str, Any]:
    """The answer's part of the evidence, also for attempts that reached no server."""
    found: dict[str, Any] = {"phase": result.phase.value, "cause": result.outcome.cause.value}
    if result.reply is not None:
        found |= {"code": result.reply.code, "response": result.reply.text[:1000]}
    if result.fault is not None:
        found["fault"] = result.fault.value
    if result.requiretls:
        found["requiretls"] = True
    return found


def _goes_on(index: int, reply: Reply) -> bool:
    """Whether the reply to MAIL, RCPT (2xx) or DATA (354) lets the message go on."""
    return reply.code == 354 if index == 2 else reply.code // 100 == 2


def _stuffed(data: bytes) -> bytes:
    """Dot-stuffed, ended by CRLF and the final dot (RFC 5321 section 4.5.2)."""
    if b"\r\n." in data:
        data = data.replace(b"\r\n.", b"\r\n..")
    if data.startswith(b"."):
        data = b"." + data
    return data + (b".\r\n" if data.endswith(b"\r\n") or not data else b"\r\n.\r\n")


def _number(text: str) -> int:
    # What the server says: digits of other scripts, or five thousand of them, are no number to Python.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


async def connect(host: Host, how: Dialogue) -> Connection:
    """The best protected connection the server can give; raises `Unreachable`.

    Tried verified first; a certificate that fails leads to a second connection without verification,
    a handshake that fails to a third without TLS. Each is measured as what it is.
    """
    fault = ""
    for step in ("verified", "unverified"):
        try:
            return await _open(host, how, step, fault)
        except ssl.SSLError as e:
            fault = fault_of(e)
            if not isinstance(e, ssl.SSLCertVerificationError):
                # The handshake itself failed, so another without verification would fail likewise.
                break
    if how.implicit_tls:
        raise Unreachable(Phase.STARTTLS, fault=Fault.TLS_FAILED)
    return await _open(host, how, "plain", fault)


async def _open(host: Host, how: Dialogue, step: str, fault: str) -> Connection:
    """One try; raises `ssl.SSLError` when the handshake fails, `Unreachable` for everything else."""
    wire, wait = Wire(), how.timeouts
    loop = asyncio.get_running_loop()
    tls = TlsEvidence(fault=fault)
    phase = Phase.CONNECT
    last: OSError = ConnectionRefusedError()
    try:
        async with asyncio.timeout(wait.connect):
            for address in await addresses(host):
                try:
                    await loop.create_connection(lambda: wire, address, host.port)
                    break
                except OSError as e:
                    last = e
            else:
                raise last
        if how.implicit_tls and step != "plain":
            tls = await _handshake(wire, host, how, step, fault)
        await _expect(wire, 2, wait.greeting)
        phase = Phase.HELLO
        extensions = await _hello(wire, how)
        if "STARTTLS" in extensions and not how.implicit_tls and step != "plain":
            phase = Phase.STARTTLS
            wire.write(b"STARTTLS\r\n")
            (reply,) = await wire.replies(1, wait.starttls)
            if reply.code != 220:
                tls = TlsEvidence(fault="The server offers STARTTLS and then refuses it.")
            elif not wire.silent:
                raise Ended(Fault.NOT_SMTP, [])
            else:
                tls = await _handshake(wire, host, how, step, fault)
                phase = Phase.HELLO
                extensions = await _hello(wire, how)
        elif tls.tls_class is TlsClass.NONE and not fault:
            tls = TlsEvidence(fault="The server does not offer TLS.")
        if host.trusted and tls.tls_class is TlsClass.NONE:
            tls = TlsEvidence(tls_class=TlsClass.AUTHENTICATED, issuer=TRUSTED_LOCALLY)
        if how.login is not None:
            await _log_in(wire, how, how.login, tls)
    except ssl.SSLError:
        wire.close()
        raise
    except LookupFault as e:
        raise Unreachable(phase, fault=e.fault) from e
    except Ended as end:
        wire.close()
        if end.replies:
            raise Unreachable(phase, reply=end.replies[0]) from end
        raise Unreachable(phase, fault=end.fault) from end
    except _Refusing as refusing:
        wire.close()
        raise Unreachable(phase, reply=refusing.reply) from refusing
    except TimeoutError as e:
        wire.close()
        raise Unreachable(phase, fault=Fault.TIMEOUT) from e
    except OSError as e:
        wire.close()
        refused = phase is Phase.CONNECT and wire.transport is None
        raise Unreachable(phase, fault=Fault.REFUSED if refused else Fault.DROPPED) from e
    return Connection(wire, host, how, tls, extensions)


class _Refusing(Exception):
    def __init__(self, reply: Reply) -> None:
        super().__init__(repr(reply))
        self.reply = reply


async def _expect(wire: Wire, hundreds: int, seconds: float) -> Reply:
    (reply,) = await wire.replies(1, seconds)
    if reply.code // 100 != hundreds:
        raise _Refusing(reply)
    return reply


async def _hello(wire: Wire, how: Dialogue) -> dict[str, str]:
    wire.write(f"EHLO {how.helo}\r\n".encode("ascii"))
    extensions: dict[str, str] = {}
    (reply,) = await wire.replies(1, how.timeouts.hello)
    if reply.code // 100 == 2:
        return _extensions(wire.last_lines)
    if reply.code // 100 == 5:
        wire.write(f"HELO {how.helo}\r\n".encode("ascii"))
        await _expect(wire, 2, how.timeouts.hello)
        return extensions
    raise _Refusing(reply)


def _extensions(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines[1:]:
        keyword, _, value = line.strip().partition(" ")
        found[keyword.upper()] = value.strip()
    return found


async def _handshake(wire: Wire, host: Host, how: Dialogue, step: str, fault: str) -> TlsEvidence:
    verified = step == "verified"
    context = how.trust.verified if verified else how.trust.unverified
    loop = asyncio.get_running_loop()
    assert wire.transport is not None
    try:
        transport = await loop.start_tls(
            wire.transport,
            wire,
            context,
            server_hostname=host.name,
            ssl_handshake_timeout=how.timeouts.starttls,
        )
    except ssl.SSLError:
        raise
    except (ConnectionError, TimeoutError) as e:
        # Servers that cannot agree on a version often just hang up.
        raise ssl.SSLError("handshake broken off") from e
    if transport is None:
        raise ssl.SSLError("handshake broken off")
    wire.transport = transport
    tls = transport.get_extra_info("ssl_object")
    return how.trust.measure(tls, host.name, verified=verified, fault=fault)


async def _log_in(wire: Wire, how: Dialogue, login: Login, tls: TlsEvidence) -> None:
    if tls.tls_class < TlsClass.WEBPKI:
        # A password for a relay never crosses a connection that is not verified.
        raise Unreachable(Phase.STARTTLS, fault=Fault.TLS_TOO_WEAK)
    token = base64.b64encode(f"\0{login.username}\0{login.password}".encode())
    wire.write(b"AUTH PLAIN " + token + b"\r\n")
    await _expect(wire, 2, how.timeouts.command)


async def probe(host: Host, how: Dialogue) -> TlsEvidence:
    """Measure a server by EHLO, STARTTLS and QUIT, without naming any mailbox (B-283).

    Raises `Unreachable`.
    """
    connection = await connect(host, how)
    await connection.quit()
    return connection.tls
