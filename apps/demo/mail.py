"""The mailbox providers of the demo: real SMTP servers on loopback, each with its own habits.

    goodmail.test   STARTTLS with a certificate of the demo's authority: verified TLS
    plainmail.test  no TLS at all
    oldmail.test    STARTTLS with a certificate that expired
    keymail.test    STARTTLS with a certificate for another name; its people have PGP keys or S/MIME
                    certificates

goodmail also keeps the mailboxes of the clinic itself, so that test sends and links to colleagues arrive.
What a mailbox does follows from its name (`habit_of`), so that every answer of a mail server is to be seen:
unknown mailboxes (`gone-`), full ones (`full-`), a greylisted one (`grey-`), one that is refused for policy
(`spam-`) and one whose provider takes the mail and sends a report afterwards (`late-`); a few of the others
do the same by chance of their name. A full mailbox asks for another try; at that try some have room again, and the
others are given up, so that what the demo sends is through after a quarter of an hour. Accepted mail lies in one
maildir for each mailbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import hashlib
import os
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from enum import StrEnum
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509

from apps.demo.authority import Authority, open_folder, write_private
from apps.mail.mx import Host
from apps.mail.smtp import Dialogue, Mail, Unreachable, connect

BASE_PORT = 2601
CLINIC = "riverbend.test"
CHANCE_HABITS = {"goodmail.test", "plainmail.test"}


class Habit(StrEnum):
    """What a mailbox does with a message."""

    TAKES = "takes"
    UNKNOWN = "unknown"
    FULL = "full"
    STAYS_FULL = "stays full"
    GREYLISTS = "greylists"
    REFUSES = "refuses"
    REPORTS = "reports"


_PREFIXES = {
    "gone-": Habit.UNKNOWN,
    "full-": Habit.FULL,
    "grey-": Habit.GREYLISTS,
    "spam-": Habit.REFUSES,
    "late-": Habit.REPORTS,
}
_ANSWERS = {
    Habit.UNKNOWN: "550 5.1.1 The mailbox you tried to reach does not exist",
    Habit.FULL: "452 4.2.2 The mailbox is over quota",
    Habit.STAYS_FULL: "552 5.2.2 The mailbox is over quota",
    Habit.REFUSES: "550 5.7.1 Message refused by the recipient's policy",
    Habit.GREYLISTS: "450 4.2.0 Greylisted, please try again in one minute",
}


@dataclass(frozen=True)
class Provider:
    """One provider: its domain, the port of its server, and the certificate it shows."""

    domain: str
    port: int
    certificate: str  # good | none | expired | other name
    hosted: tuple[str, ...] = ()  # other domains whose mailboxes lie here too

    @property
    def mx(self) -> str:
        """The name of its mail server."""
        return f"mx.{self.domain}"

    @property
    def domains(self) -> tuple[str, ...]:
        """Every domain it takes mail for, its own first."""
        return (self.domain, *self.hosted)


def providers(base_port: int = BASE_PORT) -> tuple[Provider, ...]:
    """The four providers, on ports counted from `base_port`."""
    return (
        Provider("goodmail.test", base_port, "good", (CLINIC,)),
        Provider("plainmail.test", base_port + 1, "none"),
        Provider("oldmail.test", base_port + 2, "expired"),
        Provider("keymail.test", base_port + 3, "other name"),
    )


def transport_map(base_port: int = BASE_PORT) -> str:
    """The static transport map that leads to the demo's servers (see `apps.mail.mx.parse_map`)."""
    return ",".join(f"{domain}={p.mx}@127.0.0.1:{p.port}" for p in providers(base_port) for domain in p.domains)


def habit_of(address: str) -> Habit:
    """What the mailbox of this address does; the same for ever."""
    local, _, domain = address.casefold().rpartition("@")
    for prefix, habit in _PREFIXES.items():
        if local.startswith(prefix):
            return habit
    if domain not in CHANCE_HABITS:
        return Habit.TAKES
    chance = _chance(local, "habit")
    if chance < 20:
        return Habit.REPORTS
    if chance < 30:
        return Habit.FULL
    if chance < 45:
        return Habit.GREYLISTS
    return Habit.TAKES


def empties(address: str) -> bool:
    """Whether somebody makes room in this full mailbox before the next try."""
    return _chance(address.casefold().rpartition("@")[0], "room") < 500


def key_kind(address: str) -> str:
    """Which kind of key the owner of a mailbox at keymail.test has: "pgp", "smime" or ""."""
    local, _, domain = address.casefold().rpartition("@")
    if domain != "keymail.test":
        return ""
    chance = _chance(local, "key")
    return "pgp" if chance < 450 else "smime" if chance < 900 else ""


def _chance(local: str, what: str) -> int:
    """A number below 1000 that follows from the name."""
    digest = hashlib.blake2b(f"{what}\x1f{local}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 1000


# ---- what arrived ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arrived:
    """A stored message: its file name is its id, and says nothing about anybody."""

    id: str
    mailbox: str
    path: Path

    def __repr__(self) -> str:
        return f"Arrived({self.id})"

    @property
    def raw(self) -> bytes:
        """The message as the server stored it, with its Return-Path, Delivered-To and Received fields."""
        return self.path.read_bytes()

    @property
    def at(self) -> dt.datetime:
        """When it arrived."""
        return dt.datetime.fromtimestamp(int(self.id.split(".")[0]) / 1_000_000, dt.UTC)


@dataclass
class Store:
    """Maildirs below one folder, a mailbox each: DOMAIN/LOCAL/new/ID."""

    folder: Path
    _count: int = 0

    def put(self, mailbox: str, raw: bytes, now: dt.datetime) -> str:
        """Store one message; its id sorts by time."""
        self._count += 1
        name = f"{int(now.timestamp() * 1_000_000)}.{os.getpid()}_{self._count}.demo"
        local, _, domain = mailbox.casefold().rpartition("@")
        write_private(self.folder / _safe(domain) / _safe(local) / "new" / name, raw)
        return name

    def first_knock(self, mailbox: str, now: dt.datetime) -> dt.datetime:
        """When mail for this mailbox first came by; remembered, so that a restart does not make it wait again."""
        name = hashlib.blake2b(mailbox.casefold().encode(), digest_size=12).hexdigest()
        path = self.folder / ".knocks" / name
        if not path.exists():
            write_private(path, now.isoformat().encode())
        return dt.datetime.fromisoformat(path.read_text())

    def all(self) -> list[Arrived]:
        """Every message, newest first."""
        found = [
            Arrived(path.name, f"{path.parts[-3]}@{path.parts[-4]}", path)
            for path in self.folder.glob("*/*/new/*.demo")
        ]
        return sorted(found, key=lambda a: a.id, reverse=True)

    def get(self, message_id: str) -> Arrived | None:
        """One message by its id, or None."""
        if not message_id.replace(".", "").replace("_", "").isalnum():
            return None
        for path in self.folder.glob(f"*/*/new/{message_id}"):
            return Arrived(path.name, f"{path.parts[-3]}@{path.parts[-4]}", path)
        return None


def _safe(part: str) -> str:
    """A part of an address as a folder's name: nothing of it may leave the folder."""
    return "".join(c if c.isalnum() or c in "-_.+=" else "_" for c in part).lstrip(".")[:100] or "_"


# ---- the servers -------------------------------------------------------------------------------

Report = Callable[[str, str, bytes], Coroutine[Any, Any, None]]


@dataclass
class Handler:
    """The conversation of one provider (the hooks of aiosmtpd)."""

    provider: Provider
    store: Store
    clock: Callable[[], dt.datetime]
    report: Report
    grey_wait: dt.timedelta = dt.timedelta(seconds=45)
    full_wait: dt.timedelta = dt.timedelta(minutes=5)
    _reports: set[asyncio.Task[None]] = field(default_factory=set)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer pipelining too, as providers do."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Any sender is fine."""
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer as the mailbox's habit says."""
        if address.rpartition("@")[2].casefold() not in self.provider.domains:
            return "550 5.7.1 We do not relay"
        habit = habit_of(address)
        if habit in (Habit.GREYLISTS, Habit.FULL):
            wait = self.grey_wait if habit is Habit.GREYLISTS else self.full_wait
            now = self.clock()
            if now - self.store.first_knock(address, now) < wait:
                return _ANSWERS[habit]
            if habit is Habit.FULL and not empties(address):
                return _ANSWERS[Habit.STAYS_FULL]
        elif habit in _ANSWERS:
            return _ANSWERS[habit]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Store the message with the trace fields a provider adds; report later where that is the habit."""
        now = self.clock()
        content = envelope.original_content or b""
        sender = envelope.mail_from or ""
        for mailbox in envelope.rcpt_tos:
            if habit_of(mailbox) is Habit.REPORTS:
                if sender:
                    task = asyncio.create_task(self.report(sender, mailbox, content))
                    self._reports.add(task)
                    task.add_done_callback(self._reports.discard)
                continue
            self.store.put(mailbox, self._trace(session, sender, mailbox, now) + content, now)
        return "250 2.0.0 OK stored"

    def _trace(self, session: Session, sender: str, mailbox: str, now: dt.datetime) -> bytes:
        tls: Any = getattr(session, "ssl", None)
        how = "without encryption"
        if tls is not None:
            cipher = tls.get("cipher") or ("", "", 0)
            how = f"with {cipher[1]} ({cipher[0]})"
        lines = (
            f"Return-Path: <{sender}>",
            f"Delivered-To: {mailbox}",
            f"Received: from {session.host_name} ({(session.peer or ('',))[0]})",
            f"\tby {self.provider.mx} {how};",
            f"\t{format_datetime(now)}",
        )
        return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")


def delivery_report(provider: Provider, sender: str, mailbox: str, original: bytes, now: dt.datetime) -> bytes:
    """The report of a mailbox that turned out not to exist (RFC 3464, headers only as RFC 6522 allows)."""
    words = EmailMessage()
    words["From"] = f"Mail Delivery System <mailer-daemon@{provider.mx}>"
    words["To"] = sender
    words["Subject"] = "Undelivered Mail Returned to Sender"
    words["Date"] = format_datetime(now)
    words["Message-ID"] = make_msgid(domain=provider.mx)
    words["Auto-Submitted"] = "auto-replied"
    text = "Your message could not be delivered. The mailbox does not exist.\n"
    status = (
        f"Reporting-MTA: dns; {provider.mx}\n"
        f"Arrival-Date: {format_datetime(now)}\n\n"
        f"Final-Recipient: rfc822; {mailbox}\n"
        "Action: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 The mailbox you tried to reach does not exist\n"
    )
    head = original.split(b"\r\n\r\n", 1)[0] + b"\r\n"
    edge = f"report-{hashlib.blake2b(original, digest_size=9).hexdigest()}"
    words["MIME-Version"] = "1.0"
    words["Content-Type"] = f'multipart/report; report-type=delivery-status; boundary="{edge}"'
    parts = (
        f"--{edge}\nContent-Type: text/plain\n\n{text}\n"
        f"--{edge}\nContent-Type: message/delivery-status\n\n{status}\n"
        f"--{edge}\nContent-Type: text/rfc822-headers\n\n"
    )
    top = words.as_bytes().split(b"\n\n", 1)[0].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return top + b"\r\n\r\n" + parts.replace("\n", "\r\n").encode() + head + f"\r\n--{edge}--\r\n".encode()


@dataclass
class Servers:
    """All providers in one process. `inbound` is where reports go: our own receiver of inbound mail."""

    home: Path
    clock: Callable[[], dt.datetime]
    base_port: int = BASE_PORT
    inbound: Host | None = None
    report_delay: float = 3.0
    _servers: list[asyncio.Server] = field(default_factory=list)
    handlers: dict[str, Handler] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """Where what arrived lies."""
        return Store(self.home / "demo-mail")

    async def start(self) -> None:
        """Open the ports; makes the authority and the certificates at the first start."""
        authority = open_folder(self.home / "demo-ca", self.clock())
        store = self.store
        loop = asyncio.get_running_loop()
        for provider in providers(self.base_port):
            handler = Handler(provider, store, self.clock, self._reporter(provider))
            self.handlers[provider.domain] = handler
            tls = self._context(authority, provider)
            server = await loop.create_server(
                lambda h=handler, t=tls, p=provider: SMTP(  # type: ignore[misc]
                    h, hostname=p.mx, ident="demo mail", tls_context=t, loop=loop, enable_SMTPUTF8=True
                ),
                "127.0.0.1",
                provider.port,
            )
            self._servers.append(server)

    async def stop(self) -> None:
        """Close the ports."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    def _context(self, authority: Authority, provider: Provider) -> ssl.SSLContext | None:
        if provider.certificate == "none":
            return None
        path = self.home / "demo-ca" / f"{provider.domain}.pem"
        if not path.exists() or _ends_soon(path, self.clock()):
            names = ["mx.elsewhere.test"] if provider.certificate == "other name" else [provider.mx]
            issued = authority.server(names, self.clock(), expired=provider.certificate == "expired")
            write_private(path, issued.certificate + issued.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(path)
        return context

    def _reporter(self, provider: Provider) -> Report:
        async def report(sender: str, mailbox: str, original: bytes) -> None:
            if self.inbound is None:
                return
            await asyncio.sleep(self.report_delay)
            data = delivery_report(provider, sender, mailbox, original, self.clock())
            with contextlib.suppress(Unreachable):
                connection = await connect(self.inbound, Dialogue(provider.mx))
                await connection.send(Mail("", sender, data))
                await connection.quit()

        return report


def _ends_soon(path: Path, now: dt.datetime) -> bool:
    """Whether a stored certificate has to be made anew; the expired provider keeps its old one."""
    last = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return path.stem != "oldmail.test" and last < now + dt.timedelta(days=30)
