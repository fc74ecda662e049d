"""People come in, change and go; the database holds nothing readable about them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts import services
from apps.contacts.models import (
    ConsentState,
    Person,
    PersonIdentity,
    PersonSearch,
    TimelineEvent,
    TimelineSummary,
)
from apps.contacts.person import search_values, selectors
from apps.contacts.services import NewEvent
from apps.core import actors
from apps.vault import tokens
from tests.refusals import refused
from tests.text import without_tokens

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


def dana() -> dict:
    return {
        "first_name": "Dana",
        "last_name": "Öberg-Quist",
        "birth_date": "1960-02-29",
        "sex": "F",
        "email": "Dana.Quist@Goodmail.test",
        "phone": "+1 (502) 555-0117",
        "mrn": "MRN-77",
        "language": "es",
        "address": {"city": "Lexington", "state": "Kentucky", "zip": "40506"},
        "external_ids": {"synthea": "b95d97d6"},
    }


def test_a_person_comes_in_and_is_opened_with_a_trace(noon) -> None:
    made = services.contact_create(actor=CLI, profile=dana())
    found = selectors.open_person(actor=CLI, purpose="scene", person_id=made.id)
    assert found.profile == dana()
    assert found.get("city") == "Lexington"
    assert found.age(date(2026, 2, 28)) == 65
    assert found.age(date(2026, 3, 1)) == 66
    assert "Dana" not in repr(found)
    assert AuditEntry.objects.filter(action="contact.open", people_count=1).count() == 1


def test_the_tables_hold_no_readable_word_of_her() -> None:
    services.contact_create(actor=CLI, profile=dana())
    with connection.cursor() as cursor:
        for model in (Person, PersonSearch, PersonIdentity, AuditEntry):
            cursor.execute(f"SELECT t::text FROM {model._meta.db_table} t")
            text = " ".join(row[0] for row in cursor.fetchall())
            for word in ("Dana", "Quist", "goodmail", "Lexington", "MRN-77", "1960-02-29", "5550117"):
                assert word.lower() not in without_tokens(text).lower()
                assert word.encode().hex() not in text


def test_she_is_found_by_name_prefix_address_phone_and_number() -> None:
    made = services.contact_create(actor=CLI, profile=dana())
    for typed in ("da", "DANA", "oberg", "Quist", "Öberg-Quist"):
        rows = PersonSearch.objects.all()
        for either in search_values.name_tokens(typed):
            rows = rows.filter(tokens__overlap=either)
        assert [row.person_id for row in rows] == [made.id], typed
    for typed in ("dana.quist@goodmail.test", "502-555-0117", "mrn-77"):
        wanted = search_values.typed_identities(typed)
        found = PersonIdentity.objects.filter(token__in=wanted).values_list("person_id", flat=True)
        assert list(found) == [made.id], typed


def test_a_record_number_is_one_persons_and_a_mailbox_may_be_shared() -> None:
    services.contact_create(actor=CLI, profile=dana())
    with refused("person.number_taken"):
        services.contact_create(actor=CLI, profile={**dana(), "external_ids": {}})
    services.contact_create(actor=CLI, profile={"first_name": "Uwe", "email": "dana.quist@goodmail.test"})
    token = search_values.mailbox("dana.quist@goodmail.test")
    assert PersonIdentity.objects.filter(kind=1, token=token).count() == 2


def test_a_stale_tab_does_not_overwrite_a_colleague() -> None:
    made = services.contact_create(actor=CLI, profile=dana())
    services.contact_update(actor=CLI, person_id=made.id, profile={**dana(), "sex": "X"}, version=1)
    with refused("person.changed"):
        services.contact_update(actor=CLI, person_id=made.id, profile=dana(), version=1)
    assert selectors.open_person(actor=CLI, purpose="scene", person_id=made.id).get("sex") == "X"


def test_the_newest_consent_counts_and_the_history_stays(noon) -> None:
    from apps.contacts.consent.services import consent_history

    made = services.contact_create(actor=CLI, profile=dana())
    for state in ("granted", "denied"):
        services.consent_record(
            actor=CLI,
            person_id=made.id,
            purpose="marketing",
            state=state,
            on=date(2026, 11, 1),
            method="paper",
            wording="v2",
        )
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=made.id)
    assert record.consents == {"marketing": "denied"}
    assert ConsentState.objects.count() == 1
    assert [row["state"] for row in consent_history(person_id=made.id, record_key=record.record_key)] == [
        "denied",
        "granted",
    ]
    found = PersonSearch.objects.get(person_id=made.id).tokens
    assert search_values.consent("marketing", "denied") in found
    assert search_values.consent("marketing", "granted") not in found
    with refused("consent.in_future"):
        services.consent_record(
            actor=CLI,
            person_id=made.id,
            purpose="marketing",
            state="granted",
            on=date(2027, 1, 1),
            method="phone",
        )


def test_the_same_event_twice_is_one_event() -> None:
    made = services.contact_create(actor=CLI, profile=dana())
    shot = NewEvent(
        made.id,
        "immunization",
        date(2020, 10, 1),
        "synthea:immunization:1",
        {"term": "Influenza", "code": "140", "system": "CVX"},
        ("code:CVX:140",),
        "140",
    )
    assert services.events_record(actor=CLI, events=[shot]) == 1
    assert services.events_record(actor=CLI, events=[shot, shot]) == 0
    group = tokens.token63("group", "code:CVX:140")
    assert TimelineSummary.objects.get(group=group, person_id=made.id).count == 1
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=made.id)
    selectors.load_events({made.id: record})
    assert record.events[0]["term"] == "Influenza"


def test_an_appointment_is_booked_moved_and_cancelled_and_the_timeline_knows(noon) -> None:
    made = services.contact_create(actor=CLI, profile=dana())
    zone = ZoneInfo("America/New_York")
    start = datetime(2026, 12, 3, 14, 30, tzinfo=zone)
    row = services.appointment_book(actor=CLI, person_id=made.id, start=start, kind="Check-up")
    services.appointment_move(actor=CLI, appointment_id=row.pk, start=start + timedelta(days=1))
    services.appointment_cancel(actor=CLI, appointment_id=row.pk)
    with refused("appointment.canceled"):
        services.appointment_move(actor=CLI, appointment_id=row.pk, start=start)
    with refused("appointment.in_past"):
        services.appointment_book(actor=CLI, person_id=made.id, start=noon, kind="Check-up")
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=made.id)
    selectors.load_events({made.id: record})
    selectors.load_appointments({made.id: record})
    assert [event["kind"] for event in record.events] == [
        "appointment.booked",
        "appointment.moved",
        "appointment.cancelled",
    ]
    assert record.appointments[0]["state"] == "cancelled"


def test_an_erased_person_cannot_be_opened_or_found_and_the_mailbox_stays_suppressed() -> None:
    made = services.contact_create(actor=CLI, profile=dana())
    services.suppress(actor=CLI, address="dana.quist@goodmail.test", scope="all", reason="unsubscribed")
    services.contact_erase(actor=CLI, person_id=made.id, reason="She asked for it in writing")
    assert selectors.open_person(actor=CLI, purpose="scene", person_id=made.id) is None
    assert not PersonSearch.objects.exists()
    assert not PersonIdentity.objects.exists()
    assert not TimelineEvent.objects.exists()
    again = services.contact_create(actor=CLI, profile=dana())
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=again.id)
    assert record.suppressions == {"all"}


def test_an_authorization_that_ran_out_is_none(noon) -> None:
    from apps.core import clock

    made = services.contact_create(actor=CLI, profile=dana())
    services.consent_record(
        actor=CLI,
        person_id=made.id,
        purpose="marketing",
        state="granted",
        on=date(2026, 11, 1),
        method="paper",
        expires=noon + timedelta(days=30),
    )
    opened = lambda: selectors.open_person(actor=CLI, purpose="scene", person_id=made.id).consents  # noqa: E731
    assert opened() == {"marketing": "granted"}
    with clock.frozen(noon + timedelta(days=30)):
        assert opened() == {}
