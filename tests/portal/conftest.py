"""The portal's scenes: Rosa and her household, a notice in a mailbox, browsers that keep their cookies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from apps.contacts.person import search_values
from apps.contacts.person.selectors import record_keys
from apps.contacts.services import contact_create
from apps.core import actors, clock
from apps.delivery.models import OutboxMessage
from apps.delivery.models.outbox import CONTENT_PLACE
from apps.delivery.outbox.services.enqueue import ReadyMail
from apps.organizations.services import organization_change
from apps.portal import services
from apps.vault import sealing

HOUSE = "familia@goodmail.test"
BORN = {"rosa": "1961-04-03", "luis": "1958-11-30"}


@pytest.fixture
def clinic(db: None) -> Any:
    return organization_change(
        actor=actors.COMMAND_LINE,
        name="Bluegrass Family Clinic",
        phone="(859) 555-0142",
        postal_address="12 Limestone Street, Lexington, KY 40507",
    )


def make_person(first: str, born: str, email: str = HOUSE, **more: Any) -> Any:
    profile = {"first_name": first, "last_name": "Marín", "birth_date": born, "email": email, **more}
    return contact_create(actor=actors.COMMAND_LINE, profile=profile)


@pytest.fixture
def rosa(clinic: Any) -> Any:
    return make_person("Rosa", BORN["rosa"], language="es", mrn="MRN-0417", phone="859-555-0199")


@pytest.fixture
def luis(clinic: Any) -> Any:
    """Rosa's husband; they share a mailbox."""
    return make_person("Luis", BORN["luis"], mrn="MRN-0418")


def write_to(
    person: Any, subject: str = "Your mammogram", text: str = "Please call us about your result.", **more: Any
):
    """A message waits in the portal; the token is what the notice's link carries."""
    return services.message_store(
        actor=actors.system("test"),
        person_id=person.id,
        record_key=person.record_key,
        mailbox=search_values.mailbox(person.profile["email"]),
        content={
            "subject": subject,
            "sender": "Bluegrass Family Clinic",
            "text": text,
            "html": more.pop("html", ""),
            "level": 2,
            "origin": more.pop("origin", {}),
        },
        **more,
    )


@pytest.fixture
def letters(db: None) -> Callable[[], list[EmailMessage]]:
    """Every finished mail in the outbox, oldest first, as a mail program reads it."""

    def read() -> list[EmailMessage]:
        found = []
        for row in OutboxMessage.objects.exclude(content=None).order_by("pk"):
            key = record_keys([row.person_id])[row.person_id]
            mail = ReadyMail.from_json(sealing.open_sealed(key, row.content, table=CONTENT_PLACE, row=row.pk))
            letter = message_from_bytes(mail.head + mail.entity, policy=policy.SMTP)
            letter.mailbox = mail.to_address
            letter.row = row
            found.append(letter)
        return found

    return read


def words_of(letter: EmailMessage) -> str:
    return str(letter.get_body(("plain",)).get_content())


class Browser:
    """A new_browser with cookies of its own, and the habit of reading pages."""

    def __init__(self, letters: Callable[[], list[EmailMessage]]) -> None:
        self.client = Client()
        self.letters = letters

    def open(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers=headers)

    def ask(self, token: str) -> str:
        """Press "Send me a code"; the code as the mail tells it."""
        answer = self.client.post(f"/portal/m/{token}/code/")
        assert answer.status_code == 302, answer.status_code
        found = re.search(r"\b(\d{4}) (\d{4})\b", words_of(self.letters()[-1]))
        assert found
        return found.group(1) + found.group(2)

    def prove(self, token: str, code: str, born: str, **more: str) -> Any:
        year, month, day = born.split("-")
        fields = {"code": code, "year": year, "month": str(int(month)), "day": str(int(day)), **more}
        return self.client.post(f"/portal/m/{token}/prove/", fields)

    def enter(self, token: str, born: str) -> Any:
        return self.prove(token, self.ask(token), born)


@pytest.fixture
def new_browser(letters: Any) -> Callable[[], Browser]:
    return lambda: Browser(letters)


@pytest.fixture
def later() -> Iterator[Callable[..., None]]:
    """``later(minutes=20)`` moves the clock on."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def move(**length: int) -> None:
            stack.enter_context(clock.frozen(clock.now() + timedelta(**length)))

        yield move


def a_wrong_day(born: str) -> str:
    return (date.fromisoformat(born) + timedelta(days=1)).isoformat()


def wrong_code(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


@pytest.fixture
def scene(rosa: Any, new_browser: Any) -> SimpleNamespace:
    """Rosa has one message and sits at her browser."""
    stored = write_to(rosa)
    return SimpleNamespace(rosa=rosa, stored=stored, token=stored.token, public=stored.message.public, at=new_browser())
