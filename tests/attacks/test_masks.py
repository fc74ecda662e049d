"""Every page about a person, as seen by roles that may not reveal: no identifier stands anywhere in it."""

from __future__ import annotations

from typing import Any

import pytest

from apps.contacts import services as contacts
from apps.core import actors
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.models.outbox import MessageKind
from apps.delivery.outbox.services.enqueue import OutboxItem, ReadyMail, enqueue
from apps.segments import services as segments

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
SECRETS = ("dana.quist", "555-0117", "5550117", "MRN-77", "1960-02-29", "February 29, 1960", "Feb 29, 1960", "12 Elm")


@pytest.fixture
def dana(noon: Any) -> int:
    made = contacts.contact_create(
        actor=CLI,
        profile={
            "first_name": "Dana",
            "last_name": "Quist",
            "birth_date": "1960-02-29",
            "email": "dana.quist@goodmail.test",
            "phone": "(502) 555-0117",
            "mrn": "MRN-77",
            "relation": "patient",
            "address": {"line": "12 Elm Street", "city": "Lexington"},
        },
    )
    mail = ReadyMail("dana.quist@goodmail.test", b"Subject: x\r\n", b"Content-Type: text/plain\r\n\r\nHello\r\n")
    item = OutboxItem(
        kind=MessageKind.NOTICE, purpose=Purpose.TREATMENT, level=Level.IDENTIFIER, person_id=made.id, mail=mail
    )
    enqueue(actor=CLI, items=[item])
    return int(made.id)


@pytest.mark.parametrize("who", ["max", "rita", "otto"])
def test_no_page_shows_an_identifier_unasked(signed_in: Any, dana: int, who: str) -> None:
    from apps.delivery.models import OutboxMessage

    segment = segments.segment_save(actor=CLI, name="Everybody", rule={"match": "all", "rules": []})
    message = OutboxMessage.objects.get().pk
    client = signed_in(who)
    own = f"/contacts/{dana}/"
    pages = [
        client.get(path)
        for path in (
            "/contacts/",
            own,
            *(f"{own}{tab}/" for tab in ("edit", "timeline", "consents", "appointments", "access")),
            f"{own}tab/messages/",
            f"{own}tab/keys/",
            f"/segments/{segment.pk}/",
            "/delivery/",
            f"/delivery/messages/{message}/",
            "/delivery/list/",
            "/audit/",
        )
    ]
    pages.append(client.post("/contacts/", {"q": "Quist"}))
    pages.append(client.post(f"/segments/{segment.pk}/why/{dana}/"))
    pages.append(client.post(f"{own}reveal/email/", {"reason": "I want to know it"}))
    assert sum(page.status_code == 200 for page in pages) >= 8
    for page in pages:
        text = page.content.decode()
        assert not [secret for secret in SECRETS if secret in text], (page.request["PATH_INFO"], page.status_code)
