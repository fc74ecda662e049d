"""The receiver of inbound mail: LMTP for the MX in front (Postfix), SMTP on loopback for the demo and tests.

One recipient a transaction: LMTP owes an answer for each, and a mail for two people is two facts. A mail is
answered 250 only when it is committed; when the database is away it is 451, and the MX tries again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import socket
import stat
from pathlib import Path
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections

from apps.core import actors
from apps.delivery.returns import services as inbound
from apps.delivery.returns.destinations import NotHere, network_of

log = logging.getLogger(__name__)
ACTOR = actors.system("receiver")
_NAME = "carelane"
GREETING = f"220 {_NAME} {_NAME}".encode()
"""What the receiver says first, by which the status page knows that it is ours."""
_IDLE = 60.0
_SLOTS = 4


class _Lmtp(LMTP):
    # Systems that return mail write longer lines than RFC 5321 allows; losing their reports helps nobody.
    line_length_limit = 256 * 1024


class _Smtp(SMTP):
    line_length_limit = 256 * 1024


class Handler:
    """What the server asks for each command. Logs hold no address and no text."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(_SLOTS)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        try:
            await self._run(inbound.accept, address)
        except NotHere as not_here:
            return f"{not_here.code} {not_here.words}"
        except DatabaseError:
            return "451 4.3.0 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.original_content or b""
        (recipient,) = envelope.rcpt_tos
        try:
            peer = str(session.peer[0]) if isinstance(session.peer, tuple) else ""
            done = await self._run(_receive, recipient, raw, envelope.mail_from or "", network_of(peer, raw))
        except NotHere as not_here:
            return f"{not_here.code} {not_here.words}"
        except DatabaseError as error:
            log.warning("A mail was put off: %s", type(error).__name__)
            return "451 4.3.0 Try again later"
        log.info("Mail taken: %s %s%s", done.kind, done.verdict, "" if done.new else " (known, or changed nothing)")
        return "250 2.0.0 OK"

    async def handle_exception(self, error: Exception) -> str:
        # The text of an exception may hold what was in the mail: its type only.
        log.error("A mail could not be taken: %s", type(error).__name__)
        return "451 4.3.0 Try again later"

    async def _run(self, work: Any, *given: Any) -> Any:
        async with self._slots:
            return await sync_to_async(_with_fresh_connection, thread_sensitive=False)(work, *given)


def _with_fresh_connection(work: Any, *given: Any) -> Any:
    close_old_connections()
    try:
        return work(*given)
    finally:
        close_old_connections()


def _receive(recipient: str, raw: bytes, sender: str, network: str) -> inbound.Received:
    return inbound.mail_receive(actor=ACTOR, recipient=recipient, raw=raw, sender=sender, network=network)


class Receiver:
    """The listening sockets. ``start`` and ``stop`` in a running loop."""

    def __init__(self, *, lmtp: str = "", smtp: str = "") -> None:
        self.places: list[tuple[str, type[SMTP], str]] = [("LMTP", _Lmtp, lmtp), ("SMTP", _Smtp, smtp)]
        self._servers: list[asyncio.Server] = []
        self._handler: Handler | None = None

    async def start(self) -> list[str]:
        """Begin to listen; returns where. Raises ``OSError`` when a place is taken, ``ValueError`` for a bad one."""
        loop = asyncio.get_running_loop()
        self._handler = Handler()
        listening = []
        for name, protocol, place in self.places:
            if not place:
                continue

            def factory(protocol: type[SMTP] = protocol) -> SMTP:
                return protocol(
                    self._handler,
                    hostname=_NAME,
                    ident=_NAME,
                    data_size_limit=inbound.MAX_MAIL,
                    enable_SMTPUTF8=True,
                    timeout=_IDLE,
                    loop=loop,
                )

            if place.startswith("/"):
                server = await self._on_socket(loop, factory, Path(place))
            else:
                host, port = address_of(place)
                server = await loop.create_server(factory, host, port)
            self._servers.append(server)
            listening.append(f"{name} on {place}")
        return listening

    async def _on_socket(self, loop: asyncio.AbstractEventLoop, factory: Any, path: Path) -> asyncio.Server:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
        found = socket.socket(socket.AF_UNIX)
        found.bind(str(path))
        # The MX runs as another user: its group may write (set the folder's group to it), nobody else.
        os.chmod(path, 0o660)
        return await loop.create_unix_server(factory, sock=found)

    async def stop(self) -> None:
        """Stop listening; what is being taken is finished."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for _, _, place in self.places:
            if place.startswith("/"):
                Path(place).unlink(missing_ok=True)


def address_of(place: str) -> tuple[str, int]:
    """Host and port of ``host:port``. Only loopback and private addresses: an MX stands in front."""
    host, _, port = place.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not port.isdecimal() or not 0 <= int(port) < 65536:
        raise ValueError(f"{place} is not host:port")
    try:
        if ipaddress.ip_address(host).is_global:
            raise ValueError(f"{place} is a public address: put an MX in front")
    except ValueError as error:
        if "MX" in str(error):
            raise
    return host, int(port)
