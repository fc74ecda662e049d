"""Bounces made for real: a far server answers, a relay makes the report, it comes to our receiver."""

from __future__ import annotations

import contextlib
import queue
import smtplib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from apps.contacts import services as contacts
from apps.contacts.models import Suppression
from apps.contacts.person import search_values
from apps.core import actors, clock
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import services
from apps.delivery.models import OutboxMessage
from apps.delivery.models.outbox import RECORD_PLACE, MessageKind
from apps.delivery.returns import receiver as receiving
from apps.mail import return_paths
from apps.vault import keys, sealing
from tests.delivery.conftest import background
from tests.interop.relays import free_port, running

pytestmark = [pytest.mark.peers, pytest.mark.django_db(transaction=True)]
CLI = actors.COMMAND_LINE
BOUNCES = "bounce.clinic.test"
FAR = "goodmail.test"
DEADLINE = 120  # seconds for all reports of one relay
# Local part: what the far server answers, at RCPT or after the body; the reason that is right for the message, or ""
# where it arrives; and whether the mailbox is stopped.
ANSWERS: dict[str, tuple[str, str, str, bool]] = {
    "unknown": ("rcpt", "550 5.1.1 <unknown@goodmail.test>: Recipient address rejected: User unknown", "hard", True),
    "full": ("rcpt", "552 5.2.2 The mailbox is over quota", "full", False),
    "blocked": ("rcpt", "550 5.1.1 User unknown. Your IP 192.0.2.2 is on https://bl.spamcop.net/2", "policy", False),
    "large": ("body", "552 5.3.4 Message size exceeds fixed limit", "soft", False),
    "policy": ("body", "550 5.7.26 Unauthenticated mail: DMARC did not pass", "policy", False),
    "greylist": ("rcpt", "450 4.7.1 Greylisted, try again in 300 seconds", "", False),
    "expired": ("rcpt", "451 4.3.0 Try again later", "soft", False),
}


class Far:
    """The far server: its answer is chosen by the local part. Greylisting ends after the third try."""

    def __init__(self) -> None:
        self.tries = 0
        self.arrived = queue.Queue[str]()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        where, answer, _, _ = ANSWERS[address.partition("@")[0]]
        if address.startswith("greylist"):
            self.tries += 1
            if self.tries > 3:
                where = ""
        if where == "rcpt":
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        where, answer, _, _ = ANSWERS[envelope.rcpt_tos[0].partition("@")[0]]
        if where == "body":
            return answer
        self.arrived.put(envelope.rcpt_tos[0])
        return "250 2.0.0 OK"


@pytest.fixture
def far() -> Iterator[SimpleNamespace]:
    handler = Far()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield SimpleNamespace(port=controller.port, handler=handler)
    controller.stop()


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """Our receiver, and a bell for each mail that it has taken."""
    services.settings_change(
        actor=CLI, version=0, helo="mail.clinic.test", sending_domain="clinic.test", bounce_domain=BOUNCES
    )
    taken = queue.Queue[Any]()
    receive = receiving._receive

    def and_tell(*given: Any) -> Any:
        got = receive(*given)
        taken.put(got)
        return got

    monkeypatch.setattr(receiving, "_receive", and_tell)
    port = free_port()
    server = receiving.Receiver(smtp=f"127.0.0.1:{port}")

    class Running:
        async def stop(self) -> None:
            await server.stop()

    async def start() -> Running:
        await server.start()
        return Running()

    with background(start):
        yield SimpleNamespace(port=port, taken=taken)


def message_to(local: str, address: str) -> OutboxMessage:
    profile = {"first_name": local.title(), "last_name": "Doe", "relation": "patient", "email": address}
    person = contacts.contact_create(actor=CLI, profile=profile)
    row = OutboxMessage.objects.create(
        kind=MessageKind.CAMPAIGN,
        stream="bulk",
        source_id=7,
        person_id=person.id,
        purpose=Purpose.MARKETING,
        level=Level.PUBLIC,
        state="sent",
        route="tls",
        finished_at=clock.now(),
    )
    row.record = sealing.seal(person.record_key, {"to": address}, table=RECORD_PLACE, row=row.pk)
    row.save()
    return row


def handed_over(port: int, row: OutboxMessage, address: str) -> None:
    """As our own client hands it over: reports of failure and delay, headers only, where the relay offers it."""
    path = return_paths.address("bounce", row.pk, BOUNCES, keys.ring().link)
    text = (
        f"From: care@clinic.test\r\nTo: {address}\r\nSubject: Hello\r\nMessage-ID: <{row.pk}@clinic.test>\r\n\r\nHi\r\n"
    )
    with smtplib.SMTP("127.0.0.1", port, "mail.clinic.test", 20) as client:
        client.ehlo()
        dsn = client.has_extn("dsn")
        client.sendmail(path, [address], text, ["RET=HDRS"] if dsn else [], ["NOTIFY=FAILURE,DELAY"] if dsn else [])


def outcome(row: OutboxMessage, address: str) -> tuple[str, str, bool]:
    row.refresh_from_db()
    stopped = Suppression.objects.filter(mailbox=search_values.mailbox(address)).exists()
    return row.state, row.reason, stopped


@pytest.mark.parametrize("name", ["postfix", "exim", "opensmtpd"])
def test_what_a_relay_reports_is_read_as_it_is_meant(name: str, far: Any, ours: Any) -> None:
    addresses = {local: f"{local}@{FAR}" for local in ANSWERS}
    rows = {local: message_to(local, address) for local, address in addresses.items()}
    wanted = {
        local: ("bounced" if reason else "sent", reason, stopped) for local, (_, _, reason, stopped) in ANSWERS.items()
    }
    waiting = {local for local, (_, _, reason, _) in ANSWERS.items() if reason}
    with tempfile.TemporaryDirectory(prefix=f"carelane-{name}-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        with running(name, folder, far=far.port, ours=ours.port, bounces=BOUNCES) as (port, hurry):
            for local, row in rows.items():
                handed_over(port, row, addresses[local])
            deadline = time.monotonic() + DEADLINE
            while waiting and time.monotonic() < deadline:
                with contextlib.suppress(queue.Empty):
                    ours.taken.get(timeout=1)
                hurry()
                waiting -= {local for local in waiting if outcome(rows[local], addresses[local])[0] == "bounced"}
        assert waiting == set(), (folder / "log").read_text(errors="replace")[-4000:]
        assert far.handler.arrived.get_nowait() == addresses["greylist"]
    ended = {local: outcome(row, addresses[local]) for local, row in rows.items()}
    # Greylisted mail was late, which a relay may have told; it is no failure.
    assert ended.pop("greylist") in {("sent", "", False), ("sent", "delayed", False)}
    wanted.pop("greylist")
    assert ended == wanted
