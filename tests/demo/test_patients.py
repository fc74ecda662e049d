"""A newcomer wants to see what a patient sees, and has nobody to ask for a birth date."""

from __future__ import annotations

import pytest

from apps.contacts import services as contacts
from apps.contacts.person import search_values
from apps.core import actors
from apps.demo.mail import Store
from apps.demo.patients import LOOKED_AT
from apps.portal import notices, services

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
DANA = {"first_name": "Dana", "last_name": "Quist", "email": "dana@plainmail.test", "birth_date": "1961-03-04"}


@pytest.fixture
def store(settings, tmp_path):
    settings.CARELANE_HOME = tmp_path
    return Store(tmp_path / "demo-mail")


@pytest.fixture
def notice(store, noon):
    """Dana's notice lies in her demo mailbox, beneath a letter of another kind."""
    dana = contacts.contact_create(actor=CLI, profile=DANA)
    content = {"subject": "Your results", "sender": "Clinic", "text": "All fine.", "html": "", "level": 2}
    stored = services.message_store(
        actor=CLI,
        person_id=dana.id,
        record_key=dana.record_key,
        mailbox=search_values.mailbox(dana.email),
        content=content,
    )
    link = notices.link_address(stored.token, "en")
    letter = store.put(dana.email, f"Subject: A message waits\r\n\r\nRead it: {link}\r\n".encode(), noon)
    store.put("kim@plainmail.test", b"Subject: Newsletter\r\n\r\nHello\r\n", noon)
    return letter


def test_the_codes_page_says_how_to_become_a_patient(client, notice) -> None:
    page = client.get("/demo/codes/").content.decode()
    assert "Or be a patient" in page
    assert "Mar 4, 1961" in page
    assert f"/demo/mailboxes/{notice}/" in page
    assert "Quist" not in page


def test_the_notice_itself_says_what_the_portal_will_ask(client, notice) -> None:
    assert "Mar 4, 1961" in client.get(f"/demo/mailboxes/{notice}/").content.decode()


def test_a_campaign_to_well_protected_mailboxes_does_not_hide_the_notices(client, store, notice, noon) -> None:
    for number in range(LOOKED_AT + 5):
        store.put(f"kim{number}@goodmail.test", b"Subject: Hours\r\n\r\nHello\r\n", noon)
    assert "Mar 4, 1961" in client.get("/demo/codes/").content.decode()


def test_before_the_first_notice_it_says_where_one_will_come(client, store) -> None:
    assert "No notice has arrived" in client.get("/demo/codes/").content.decode()
