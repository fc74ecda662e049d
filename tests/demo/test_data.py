"""The invented clinic is loaded once, through the services, with its trail."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from apps.audit.models import AuditEntry
from apps.contacts.models import Appointment, ConsentState, Person, Suppression, TimelineEvent
from apps.contacts.person import selectors
from apps.core import actors
from apps.demo import data
from apps.organizations import selectors as organizations

pytestmark = pytest.mark.django_db


def test_the_clinic_is_loaded_once(noon: datetime) -> None:
    result = data.load(now=noon, size=300)
    assert result["people"] == Person.objects.count() == 300
    assert Appointment.objects.count() == result["appointments"]
    assert TimelineEvent.objects.count() > result["events"]  # appointments and consents are told too
    assert ConsentState.objects.filter(purpose="marketing", state="granted").count() > 50
    assert Suppression.objects.exists()
    assert organizations.current().name == "Riverbend Clinic"
    assert AuditEntry.objects.filter(action="contact.import", people_count__gt=100).exists()
    assert data.load(now=noon, size=300)["people"] == 0


def test_children_know_their_guardians_and_visits_their_local_hour(noon: datetime) -> None:
    data.load(now=noon, size=300)
    ids = list(Person.objects.values_list("pk", flat=True))
    records = selectors.open_people(actor=actors.COMMAND_LINE, purpose="scene", ids=ids)
    selectors.load_appointments(records)
    minors = [record for record in records.values() if record.is_minor(noon.date())]
    guardians = [records[record.profile["guardian_id"]] for record in minors if "guardian_id" in record.profile]
    assert guardians
    assert not any(guardian.is_minor(noon.date()) for guardian in guardians)
    starts = [
        datetime.fromisoformat(visit["start"]).astimezone(ZoneInfo(visit["zone"]))
        for record in records.values()
        for visit in record.appointments or []
    ]
    assert starts
    assert all(8 <= start.hour <= 16 and start.weekday() < 5 for start in starts)
