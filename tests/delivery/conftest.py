"""Mail servers for the scenes, in a thread of their own, and messages to send to them."""

import asyncio
import contextlib
import threading
from types import SimpleNamespace

import pytest

from apps.core import actors, clock
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.models.outbox import MessageKind
from apps.delivery.outbox.services.enqueue import OutboxItem
from apps.delivery.send import sources
from apps.delivery.send.sources import Draft
from apps.demo.mail import Servers, transport_map
from apps.mail.compiled import CompiledMessage, Context, Field, Literal, Part, Slot, SlotSpec
from tests.delivery.servers import free_ports

CLI = actors.COMMAND_LINE


@contextlib.contextmanager
def background(start):
    """Run a loop in a thread; `start()` is awaited in it and gives something with `stop()`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    thing = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield thing
    finally:
        asyncio.run_coroutine_threadsafe(thing.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@pytest.fixture
def providers(tmp_path, settings):
    """The demo's providers, reached through the static map; the product trusts their authority."""

    async def start():
        servers = Servers(tmp_path, clock.now, base_port=free_ports())
        await servers.start()
        return servers

    with background(start) as servers:
        settings.TRANSPORT_MAP = transport_map(servers.base_port)
        settings.MAIL_ROOTS = str(tmp_path / "demo-ca" / "root.pem")
        settings.MAIL_ANCHORS = settings.MAIL_ROOTS
        yield servers


def compiled(level=Level.PUBLIC):
    """A small message with one merge field."""
    entity = (
        Literal(
            b'Content-Type: text/plain; charset="utf-8"\r\n'
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\nDear =\r\n"
        ),
        Slot(1),
        Literal(b",\r\nyour visit is near.\r\n.\r\nLakeside Clinic\r\n"),
    )
    head = (
        Literal(b"From: Lakeside Clinic <news@clinic.test>\r\n"),
        Slot(0),
        Slot(2),
        Slot(3),
        Slot(4),
        Literal(b"MIME-Version: 1.0\r\n"),
    )
    slots = (
        SlotSpec(Context.HEADER, Part.HEAD, ("Hello ", Field(("first_name",), fallback="you"))),
        SlotSpec(Context.TEXT, Part.TEXT, (Field(("first_name",), level=int(Level.IDENTIFIER)),)),
        SlotSpec(Context.ADDRESS, Part.HEAD, (Field(("envelope", "to")),)),
        SlotSpec(Context.HEADER, Part.HEAD, (Field(("envelope", "date")),)),
        SlotSpec(Context.HEADER, Part.HEAD, (Field(("envelope", "message_id")),)),
    )
    return CompiledMessage("en", head, entity, slots, level=int(level))


class Letters:
    """A source that writes the same letter to everybody; `answers` overrides by person."""

    def __init__(self):
        self.answers = {}
        self.level = Level.PUBLIC
        self.asked = []

    def drafts(self, *, claimed, people, now):
        self.asked.append(len(claimed))
        return {
            c.id: self.answers.get(c.person_id)
            or Draft(compiled(), {"first_name": people[c.person_id].profile["first_name"]}, self.level)
            for c in claimed
        }


@pytest.fixture
def letters():
    """A registered source of campaign and journey messages."""
    source = Letters()
    before = dict(sources._SOURCES)
    sources.register(MessageKind.CAMPAIGN, source)
    sources.register(MessageKind.JOURNEY, source)
    yield source
    sources._SOURCES.clear()
    sources._SOURCES.update(before)


@pytest.fixture
def people(db):
    """``people("pat1@goodmail.test", ...)`` makes patients with these addresses; options go to the profile."""
    from apps.contacts import services

    def make(*addresses, **profile):
        return [
            services.contact_create(
                actor=CLI,
                profile={
                    "first_name": f"Pat{n}",
                    "last_name": "Doe",
                    "birth_date": "1980-02-03",
                    "relation": "patient",
                    "email": address,
                    **profile,
                },
            )
            for n, address in enumerate(addresses)
        ]

    return make


def campaign_item(person, source_id=7, **given):
    """An outbox item of campaign 7 for one person."""
    values = {"purpose": Purpose.TREATMENT, "level": Level.PUBLIC, **given}
    return OutboxItem(kind=MessageKind.CAMPAIGN, person_id=person.id, source_id=source_id, **values)


@pytest.fixture
def item():
    """Makes outbox items."""
    return SimpleNamespace(campaign=campaign_item)


@pytest.fixture(autouse=True)
def no_portal(settings):
    """The portal has scenes of its own; here a test that wants one brings a small one."""
    settings.DELIVERY_ROUTES = {k: v for k, v in settings.DELIVERY_ROUTES.items() if k != "portal"}
