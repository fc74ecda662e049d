"""The register's pages: who may open them, and what they do."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.audit.models import AuditEntry
from apps.compliance import selectors, services
from apps.compliance.agreements import CLAUSES
from apps.compliance.models import Agreement, Document, Vendor
from apps.core import actors

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7 signed"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }


@pytest.fixture
def relay() -> Vendor:
    return services.vendor_create(actor=actors.COMMAND_LINE, facts={"name": "Relay Example"}, kind="relay")


@pytest.fixture
def agreement(relay) -> Agreement:
    return services.agreement_create(
        actor=actors.COMMAND_LINE,
        vendor_id=relay.pk,
        facts={"party": "Relay Example Inc.", "scope": "Mail", "clauses": {"uses": "§1"}},
        effective=date(2026, 1, 1),
    )


def ticked() -> dict[str, str]:
    given = {"party": "Relay Example Inc.", "scope": "Mail", "effective": "2026-01-01"}
    for number, clause in enumerate(CLAUSES, 1):
        given[f"has_{clause.code}"] = "on"
        given[f"where_{clause.code}"] = f"§{number}"
    return given


def test_ada_enters_vendor_agreement_and_paper_and_it_counts(signed_in):
    ada = signed_in("ada")
    answer = ada.post("/compliance/vendors/new/", {"name": "Relay Example", "kind": "relay", "service": "Mail relay"})
    vendor = Vendor.objects.get()
    assert answer["Location"] == f"/compliance/vendors/{vendor.pk}/"
    ada.post(f"/compliance/vendors/{vendor.pk}/agreements/new/", ticked())
    agreement = Agreement.objects.get()
    assert "not uploaded" in ada.get(f"/compliance/agreements/{agreement.pk}/").content.decode()
    upload = SimpleUploadedFile("signed BAA.pdf", PDF, "application/pdf")
    ada.post(f"/compliance/agreements/{agreement.pk}/documents/", {"document": upload})
    assert selectors.baa_in_force(vendor)
    page = ada.get(f"/compliance/agreements/{agreement.pk}/").content.decode()
    assert "In force" in page
    assert "signed BAA.pdf" in page


def test_otto_reads_and_downloads_but_changes_nothing(signed_in, relay, agreement):
    document = services.document_add(
        actor=actors.COMMAND_LINE, agreement_id=agreement.pk, name="signed BAA.pdf", content=PDF
    )
    otto = signed_in("otto")
    for url in ("/compliance/", f"/compliance/vendors/{relay.pk}/", f"/compliance/agreements/{agreement.pk}/"):
        page = otto.get(url)
        assert page.status_code == 200
        assert b"Upload" not in page.content
        assert b"/edit/" not in page.content
    paper = otto.get(f"/compliance/documents/{document.pk}/")
    assert paper.content == PDF
    assert paper["Content-Disposition"] == 'attachment; filename="signed BAA.pdf"'
    assert paper["X-Content-Type-Options"] == "nosniff"
    assert paper["Cache-Control"] == "no-store"
    entry = AuditEntry.objects.get(action="baa.open")
    assert (entry.actor_kind, entry.actor_id) == ("staff", str(otto.staff.pk))
    for url in (
        "/compliance/vendors/new/",
        f"/compliance/vendors/{relay.pk}/edit/",
        f"/compliance/vendors/{relay.pk}/archive/",
        f"/compliance/vendors/{relay.pk}/agreements/new/",
        f"/compliance/agreements/{agreement.pk}/edit/",
        f"/compliance/agreements/{agreement.pk}/documents/",
        f"/compliance/agreements/{agreement.pk}/terminate/",
    ):
        assert otto.post(url, {}).status_code == 403


@pytest.mark.parametrize("who", ["max", "rita", "nora"])
def test_others_do_not_see_the_register(signed_in, relay, agreement, who):
    client = signed_in(who)
    for url in ("/compliance/", f"/compliance/vendors/{relay.pk}/", f"/compliance/agreements/{agreement.pk}/"):
        assert client.get(url).status_code == 403


def test_what_is_not_there_is_a_404(signed_in):
    ada = signed_in("ada")
    for url in ("vendors/9/", "vendors/9/edit/", "vendors/9/agreements/new/", "agreements/9/", "documents/9/"):
        assert ada.get(f"/compliance/{url}").status_code == 404


def test_reading_changes_nothing(signed_in, relay, agreement):
    ada = signed_in("ada")
    for url in (f"vendors/{relay.pk}/archive/", f"agreements/{agreement.pk}/documents/"):
        assert ada.get(f"/compliance/{url}").status_code == 405


def test_a_wrong_file_is_refused_in_place(signed_in, agreement):
    ada = signed_in("ada")
    upload = SimpleUploadedFile("program.pdf", b"MZ program", "application/pdf")
    answer = ada.post(f"/compliance/agreements/{agreement.pk}/documents/", {"document": upload})
    assert answer.status_code == 422
    assert "neither a PDF" in answer.content.decode()
    assert Document.objects.count() == 0


def test_a_wrong_date_keeps_what_was_typed(signed_in, relay):
    ada = signed_in("ada")
    answer = ada.post(f"/compliance/vendors/{relay.pk}/agreements/new/", {**ticked(), "expires": "2025-01-01"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "must end after it begins" in page
    assert "§12" in page
    assert Agreement.objects.count() == 0


def test_terminating(signed_in, agreement):
    ada = signed_in("ada")
    url = f"/compliance/agreements/{agreement.pk}/terminate/"
    assert ada.post(url, {"on": "2026-11-20", "reason": "moved"}).status_code == 422
    ada.post(url, {"on": "2026-11-20", "reason": "moved", "became": "returned"})
    page = ada.get(f"/compliance/agreements/{agreement.pk}/").content.decode()
    assert "Terminated" in page
    assert "Returned to us" in page


def test_names_are_escaped(signed_in):
    ada = signed_in("ada")
    ada.post("/compliance/vendors/new/", {"name": "<b>x</b>", "kind": "other", "service": "y"})
    for url in ("/compliance/", f"/compliance/vendors/{Vendor.objects.get().pk}/"):
        assert b"<b>x</b>" not in ada.get(url).content


@pytest.mark.parametrize("end", ["9999-12-31", "9996-02-29", "9994-01-01"])
def test_an_end_beyond_all_calendars_breaks_no_page(signed_in, relay, end):
    ada = signed_in("ada")
    ada.post(f"/compliance/vendors/{relay.pk}/agreements/new/", {**ticked(), "expires": end})
    agreement = Agreement.objects.get()
    page = f"/compliance/agreements/{agreement.pk}/"
    assert ada.get(page).status_code == 200
    ada.post(f"{page}terminate/", {"on": end, "reason": "Moved away", "became": "returned"})
    agreement.refresh_from_db()
    assert agreement.terminated == date.fromisoformat(end)
    assert ada.get(page).status_code == 200
