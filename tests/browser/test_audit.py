"""The trail in the browser: every page in both themes, filters, the export, a review."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from apps.audit import services
from apps.audit.actions import Action
from apps.audit.models import AuditEntry, AuditReview
from apps.core import actors
from apps.organizations.services import environment_note

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner", "audit", "reader"])


@pytest.fixture(autouse=True)
def own_checkpoints(settings, tmp_path):
    settings.CARELANE_CHECKPOINTS = tmp_path / "checkpoints"
    settings.AUDIT_WRITER = "audit"


@pytest.fixture
def busy(cast):
    nora = actors.staff(cast.nora.pk, "care_staff")
    services.record_read(actor=nora, action=Action.CONTACT_REVEAL, subject=12, people=[12], reason="She called us")
    services.record(actor=actors.COMMAND_LINE, action=Action.CONTACT_IMPORT, people=range(40), codes={"new": 40})
    return cast


def test_every_page_is_accessible_and_fits(enter, fits, busy, settings):
    long = {**settings.ENVIRONMENT, "CARELANE_TRANSPORT_MAP": "clinic.test=mx.clinic.test@192.0.2.1:25," * 10}
    environment_note(actor=actors.system("worker"), found=long)
    page = enter("otto")
    entry = AuditEntry.objects.get(action="contact.import")
    for path in ("", "?person=x", f"entries/{entry.pk}/", "configuration/", "integrity/", "reviews/"):
        page.open(f"/audit/{path}")
        fits(page, [(1280, "light"), (1280, "dark"), (375, "light"), (320, "dark")])


def test_who_saw_person_12_by_keyboard_alone(enter, axe, busy):
    page = enter("otto")
    page.open("/audit/")
    page.get_by_label("About whom").focus()
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="Revealed masked details")).to_be_visible()
    link = page.get_by_role("link", name="Revealed masked details")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("She called us")).to_be_visible()


def test_the_export_comes_as_a_file(enter, busy):
    page = enter("otto")
    page.open("/audit/?action=contact.import")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="As JSON lines").click()
    assert download.value.suggested_filename.endswith(".jsonl")


def test_a_review_is_recorded(enter, axe, busy):
    page = enter("otto")
    page.open("/audit/integrity/")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("Every entry is as it was written")).to_be_visible()
    page.open("/audit/reviews/")
    page.get_by_text("Something to follow up").click()
    page.get_by_role("button", name="Record review").click()
    expect(page.get_by_text("Write down what is to be followed up.").first).to_be_visible()
    axe(page)
    page.get_by_label("Note").fill("Ask Nora about person 12")
    page.get_by_role("button", name="Record review").click()
    expect(page.get_by_text("The review is on record.")).to_be_visible()
    assert AuditReview.objects.get().outcome == "follow_up"
