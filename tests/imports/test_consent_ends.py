"""A list that says how long a consent holds: it ends by itself, and an old list does not bring it back."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest

from apps.contacts import services
from apps.contacts.consent.services import consent_history, consents_expire
from apps.contacts.models import Consent, ConsentState, Person
from apps.contacts.person import selectors
from apps.core import actors
from apps.core.clock import frozen
from apps.imports.models import ImportJob
from apps.imports.services import jobs, passes
from apps.organizations.services import organization_change

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
HEADER = "MRN,Last,Marketing consent,Marketing consent date,Marketing consent until\n"


@pytest.fixture(autouse=True)
def kentucky(noon: datetime) -> None:
    organization_change(
        actor=CLI, name="Lakeside", postal_address="1 Main Street", phone="859-555-0100", zone="America/New_York"
    )


def brought(text: str) -> ImportJob:
    """An import with the mapping the page would suggest."""
    job = jobs.import_create(
        actor=CLI,
        kind=ImportJob.JobKind.LIST,
        uploads=[jobs.Upload("list.csv", io.BytesIO((HEADER + text).encode()))],
    )
    document = job.opened()["mapping"]
    assert "consent.marketing.until" in document["columns"].values(), "found by its header"
    jobs.import_map(actor=CLI, job_id=job.pk, document=document)
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    jobs.import_start(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    job.refresh_from_db()
    return job


def holding(number: int) -> dict[str, str]:
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=number)
    assert record is not None
    return dict(record.consents)


def history(number: int) -> list[dict[str, Any]]:
    record = selectors.open_person(actor=CLI, purpose="scene", person_id=number)
    assert record is not None
    return consent_history(person_id=number, record_key=record.record_key)


def test_a_new_person_brings_the_end_of_their_consent(noon: datetime) -> None:
    job = brought("M1,Berg,yes,2026-01-02,2027-03-31\nM2,Holm,yes,2026-01-02,\nM3,Dahl,yes,2024-01-02,2025-01-01\n")
    assert (job.new, job.rejected) == (3, 0)
    berg, holm, dahl = Person.objects.order_by("pk").values_list("pk", flat=True)
    assert ConsentState.objects.get(person=berg).expires == datetime(2027, 4, 1, 4, tzinfo=UTC)
    assert ConsentState.objects.get(person=holm).expires is None
    assert holding(berg) == holding(holm) == {"marketing": "granted"}
    assert holding(dahl) == {}, "ran out before the list came"
    assert history(dahl)[0]["expires"].startswith("2025-01-02")
    with frozen(datetime(2027, 4, 1, 5, tzinfo=UTC)):
        assert holding(berg) == {}
        consents_expire(actor=CLI, now=datetime(2027, 4, 1, 5, tzinfo=UTC))
        again = brought("M1,Berg,yes,2026-01-02,2027-03-31\n")
        assert (again.changed, again.unchanged) == (0, 1), "an old list does not bring back what ran out"
        assert holding(berg) == {}
        brought("M1,Berg,yes,2027-03-20,2028-03-31\n")
        assert holding(berg) == {"marketing": "granted"}, "a younger consent does"


def test_a_known_person_gets_the_end_once(noon: datetime) -> None:
    person = services.contact_create(actor=CLI, profile={"last_name": "Berg", "mrn": "M1", "relation": "patient"}).id
    services.consent_record(
        actor=CLI, person_id=person, purpose="marketing", state="granted", on=date(2026, 1, 2), method="paper form"
    )
    row = "M1,Berg,yes,2026-01-02,2027-03-31\n"
    assert brought(row).changed == 1
    assert ConsentState.objects.get(person=person).expires == datetime(2027, 4, 1, 4, tzinfo=UTC)
    assert brought(row).unchanged == 1, "the same list a second time is no news"
    assert Consent.objects.filter(person=person).count() == 2
    assert brought("M1,Berg,yes,2025-01-02,2026-12-31\n").unchanged == 1, "an older one changes nothing"
    assert brought("M1,Berg,yes,2026-11-01,2028-12-31\n").changed == 1
    assert ConsentState.objects.get(person=person).expires == datetime(2029, 1, 1, 5, tzinfo=UTC)


def test_the_page_of_the_columns_offers_it_beside_the_others(signed_in: Any) -> None:
    job = jobs.import_create(
        actor=CLI,
        kind=ImportJob.JobKind.LIST,
        uploads=[jobs.Upload("list.csv", io.BytesIO((HEADER + "M1,Berg,yes,2026-01-02,2025-12-31\n").encode()))],
    )
    page = signed_in("max").get(f"/contacts/imports/{job.pk}/columns/").content.decode()
    assert '<option value="consent.marketing.until" selected>Consent to marketing: until' in page
    jobs.import_check(actor=CLI, job_id=job.pk)
    passes.work(job.pk)
    page = signed_in("max").get(f"/contacts/imports/{job.pk}/").content.decode()
    assert "onsent to marketing ends before it was given" in page
