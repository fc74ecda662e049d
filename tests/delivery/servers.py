"""Mail servers for the tests: aiosmtpd for polite ones, raw sockets for those that hang, drop or lie."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import random
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.smtp import SMTP

from apps.demo.authority import Authority, create
from apps.mail.mx import Host

NOW = dt.datetime.now(dt.UTC)


def free_ports(count: int = 4) -> int:
    """The first of `count` neighboring ports that nobody uses: other sessions test on this machine too."""
    while True:
        base = random.randrange(20_000, 32_000)
        with contextlib.ExitStack() as held:
            try:
                for number in range(count):
                    taken = held.enter_context(socket.socket())
                    taken.bind(("127.0.0.1", base + number))
            except OSError:
                continue
        return base


@dataclass
class Inbox:
    """An aiosmtpd handler that keeps what arrives and answers as told."""

    got: list[tuple[str, str, bytes]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    rcpt_answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 2.0.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.commands.append(f"RCPT {address} {' '.join(options)}".strip())
        answer = self.rcpt_answers.get(address)
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.commands.append(f"MAIL {address} {' '.join(options)}".strip())
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_DATA(self, server, session, envelope):
        self.got.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.original_content))
        return self.data_answer


def certificate(folder: Path, authority: Authority, names, *, expired=False) -> ssl.SSLContext:
    """A server context with a certificate of `authority`."""
    issued = authority.server(list(names), NOW, expired=expired)
    path = folder / f"{names[0]}{'-old' if expired else ''}.pem"
    path.write_bytes(issued.certificate + issued.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def authority_in(folder: Path) -> tuple[Authority, str]:
    """A fresh authority and the path of its root."""
    made = create("tests", NOW)
    path = folder / "root.pem"
    path.write_bytes(made.root_pem)
    return made, str(path)


@contextlib.asynccontextmanager
async def polite(inbox, *, tls=None, name="mx.goodmail.test", **options):
    """A real SMTP server on loopback; yields its `Host`."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(inbox, hostname="mx.test", tls_context=tls, enable_SMTPUTF8=False, loop=loop, **options),
        "127.0.0.1",
        0,
    )
    try:
        yield Host(name, "127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()


@contextlib.asynccontextmanager
async def scripted(script, *, name="mx.odd.test"):
    """A server that follows `script(reader, writer)`; yields its `Host`."""
    tasks = set()

    async def run(reader, writer):
        tasks.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await script(reader, writer)
        writer.close()

    server = await asyncio.start_server(run, "127.0.0.1", 0)
    try:
        yield Host(name, "127.0.0.1", server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in tasks:
            task.cancel()
