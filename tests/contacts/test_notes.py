"""Notes about a person: written by care staff, read by whoever may reveal, gone with the person."""

from __future__ import annotations

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.models import TimelineEvent
from apps.core import actors
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
TEXT = "Prefers calls after five.\nAsk for <Uwe>, her brother."


@pytest.fixture
def rosa(noon) -> int:
    return services.contact_create(actor=CLI, profile={"first_name": "Rosa", "last_name": "Vega"}).id


def test_a_nurse_writes_a_note_that_a_marketer_does_not_read(signed_in, rosa) -> None:
    nora, url = signed_in("nora"), f"/contacts/{rosa}/timeline/"
    assert "Add a note" in nora.get(url).content.decode()
    sent = {"text": TEXT, "once": "0123456789abcdef"}
    assert nora.post(url, sent).status_code == 302
    # A second press of the button.
    assert nora.post(url, sent).status_code == 302
    assert TimelineEvent.objects.filter(person=rosa).count() == 1
    page = nora.get(f"{url}?kind=notes").content.decode()
    assert "Prefers calls after five.<br>Ask for &lt;Uwe&gt;, her brother." in page
    shown = signed_in("max").get(url).content.decode()
    assert "Add a note" not in shown
    assert "Prefers calls" not in shown
    assert "What it says is shown to roles that may reveal." in shown
    assert signed_in("max").post(url, sent).status_code == 403
    assert signed_in("otto").post(url, sent).status_code == 403
    assert nora.post("/contacts/987654/timeline/", sent).status_code == 404
    assert nora.post(url, {**sent, "text": " "}).status_code == 422
    entry = AuditEntry.objects.get(action="contact.note")
    assert (entry.subject, entry.people_count) == (str(rosa), 1)


def test_no_word_of_a_note_is_readable_and_it_goes_with_the_person(rosa) -> None:
    services.note_add(actor=CLI, person_id=rosa, text=TEXT, once="a")
    with connection.cursor() as cursor:
        for table in ("contacts_timelineevent", "audit_auditentry"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            rows = " ".join(row[0] for row in cursor.fetchall())
            assert "Prefers" not in rows
            assert b"Prefers".hex() not in rows
    services.contact_erase(actor=CLI, person_id=rosa, reason="asked")
    assert not TimelineEvent.objects.exists()
    with refused("person.unknown"):
        services.note_add(actor=CLI, person_id=rosa, text=TEXT, once="b")


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001])
def test_a_note_has_something_to_say_and_an_end(rosa, text) -> None:
    with refused("note.length"):
        services.note_add(actor=CLI, person_id=rosa, text=text, once="a")
