"""The whole way: a campaign meets a mailbox without encryption, a notice travels, the patient reads in the portal."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

import pytest

from apps.core import actors
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import services
from apps.delivery.models import OutboxMessage
from apps.delivery.models.outbox import MessageKind
from apps.delivery.outbox.services.enqueue import OutboxItem
from apps.delivery.policy.routing import Held
from apps.delivery.send import sources
from apps.portal import notices, route
from apps.portal.models import NoticeLink, PortalAccount, SecureMessage
from tests.delivery.conftest import Letters, providers
from tests.portal.conftest import make_person, words_of
from tests.text import without_tokens

pytestmark = pytest.mark.django_db
__all__ = ["providers"]


@pytest.fixture
def source():
    letters, before = Letters(), dict(sources._SOURCES)
    sources.register(MessageKind.CAMPAIGN, letters)
    yield letters
    sources._SOURCES.clear()
    sources._SOURCES.update(before)


def campaign(*people, source_id: int = 12) -> None:
    services.enqueue(
        actor=actors.COMMAND_LINE,
        items=[
            OutboxItem(MessageKind.CAMPAIGN, Purpose.TREATMENT, Level.HEALTH, person.id, source_id) for person in people
        ],
    )


def send():
    return services.dispatch(actor=actors.system("dispatcher"), seconds=8, lanes=2)


def test_a_mailbox_without_encryption_gets_a_notice_and_the_patient_reads(
    clinic, providers, source, new_browser
) -> None:
    nina = make_person("Nina", "1970-01-31", "nina@plainmail.test", relation="patient")
    campaign(nina)
    assert send().sent == 1
    (arrived,) = providers.store.all()
    letter = message_from_bytes(arrived.raw, policy=policy.SMTP)
    assert arrived.mailbox == "nina@plainmail.test"
    assert letter["Subject"] == "You have a message from Bluegrass Family Clinic"
    whole = letter.as_string() + words_of(letter)
    for word in ("Nina", "visit is near", "Hello", "1970"):
        assert word not in without_tokens(whole)
    row = OutboxMessage.objects.get()
    assert (row.state, row.route) == ("sent", "portal")
    token = re.search(r"/portal/m/([\w-]{43})/", words_of(letter)).group(1)
    at = new_browser()
    answer = at.enter(token, "1970-01-31")
    page = at.open(answer["Location"]).content.decode()
    assert "Hello Nina" in page
    assert "your visit is near" in page
    from apps.contacts.models import TimelineSummary
    from apps.vault import tokens

    group = tokens.token63("group", "message.read:campaign:12")
    assert TimelineSummary.objects.get(group=group).person_id == nina.id


def test_who_has_no_date_of_birth_cannot_prove_who_they_are_and_is_held(clinic, providers, source) -> None:
    unborn = make_person("Nina", "1970-01-31", "nina@plainmail.test", relation="patient")
    from apps.contacts.services import contact_update

    profile = {name: value for name, value in unborn.profile.items() if name != "birth_date"}
    contact_update(actor=actors.COMMAND_LINE, person_id=unborn.id, profile=profile, version=1)
    campaign(unborn)
    assert send().held == 1
    assert OutboxMessage.objects.get().reason == Held.NO_ROUTE
    assert not SecureMessage.objects.exists()


def test_sealing_twice_stores_once_and_gives_the_same_notice(clinic, source) -> None:
    from datetime import UTC, datetime

    from apps.content.merging import merge
    from apps.delivery.send.recipients import Recipient
    from apps.mail.compiled import Envelope
    from tests.delivery.conftest import compiled

    nina = make_person("Nina", "1970-01-31", "nina@plainmail.test")
    at = datetime(2026, 11, 20, 12, tzinfo=UTC)
    message = merge(
        compiled(), {"first_name": "Nina"}, Envelope(to_address=nina.profile["email"], date=at, message_id="a@b.test")
    )
    recipient = Recipient(77, nina.profile["email"], Level.HEALTH, at, record=nina)
    one, two = route.seal(message, recipient), route.seal(message, recipient)
    assert one == two
    assert SecureMessage.objects.count() == NoticeLink.objects.count() == PortalAccount.objects.count() == 1
    head = message_from_bytes(one.content, policy=policy.SMTP)
    assert head["Message-ID"] == "<a@b.test>"
    assert head["Date"].datetime == at
    assert notices.token_for(77) in words_of(head)
    assert notices.token_for(77) != notices.token_for(78)


def test_one_bad_mailbox_holds_nobody_else(clinic, providers, source, new_browser) -> None:
    nina = make_person("Nina", "1970-01-31", "nina@plainmail.test", relation="patient")
    olga = make_person("Olga", "1971-01-31", "olga@plainmail.test", relation="patient")
    campaign(nina)
    send()
    PortalAccount.objects.filter(person_id=nina.id).update(state=PortalAccount.State.CLOSED)
    campaign(nina, olga, source_id=13)
    done = send()
    assert done.sent == 1
    assert OutboxMessage.objects.get(person_id=nina.id, source_id=13).state != "sent"
    assert [found.mailbox for found in providers.store.all()].count("nina@plainmail.test") == 1
