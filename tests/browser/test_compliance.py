"""Ada enters a vendor, its agreement and the paper; the pages are looked at in both themes and on a phone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.compliance import selectors
from apps.compliance.agreements import CLAUSES
from apps.compliance.models import Vendor
from apps.core import actors
from apps.organizations.services import organization_change

SHOTS = os.environ.get("SCREENSHOTS", "")


@pytest.fixture(autouse=True)
def places(settings, tmp_path, transactional_db):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        },
    }
    organization_change(actor=actors.COMMAND_LINE, name="Harbor Street Clinic")


def shot(page, name: str) -> None:
    if SHOTS:
        page.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def test_from_the_first_vendor_to_an_agreement_in_force(enter, axe, tmp_path):
    page = enter("ada")
    page.open("/compliance/")
    page.get_by_role("heading", name="No vendors yet").wait_for()
    axe(page)
    shot(page, "compliance-empty")
    page.get_by_role("link", name="Enter a vendor").first.click()
    page.get_by_label("Name", exact=True).fill("Relay Example")
    page.get_by_label("What it does for us").fill("Passes our mail on")
    axe(page)
    shot(page, "compliance-vendor-form")
    page.get_by_role("button", name="Enter vendor").click()
    page.get_by_text("No agreement in force").wait_for()
    axe(page)
    page.get_by_role("link", name="Enter an agreement").first.click()
    page.get_by_label("What it may do with health information").fill("Pass messages on to patients")
    page.get_by_label("In force from", exact=True).fill("2026-01-01")
    for clause in CLAUSES:
        page.locator(f"#id_has_{clause.code}").check()
        page.locator(f"#id_where_{clause.code}").fill("§ 4")
    axe(page)
    shot(page, "compliance-agreement-form")
    page.get_by_role("button", name="Enter agreement").click()
    page.get_by_text("it does not count yet").wait_for()
    axe(page)
    paper = tmp_path / "signed.pdf"
    paper.write_bytes(b"%PDF-1.7 signed")
    page.locator("input[type=file]").set_input_files(str(paper))
    page.get_by_role("button", name="Upload document").click()
    page.get_by_text("signed.pdf").first.wait_for()
    axe(page)
    assert selectors.baa_in_force(Vendor.objects.get())

    for width, scheme in ((1280, "dark"), (375, "light")):
        other = enter("ada", width=width, scheme=scheme)
        vendor = Vendor.objects.get()
        for name, path in (
            ("overview", "/compliance/"),
            ("vendor", f"/compliance/vendors/{vendor.pk}/"),
            ("agreement", f"/compliance/agreements/{vendor.agreements.get().pk}/"),
            ("agreement-edit", f"/compliance/agreements/{vendor.agreements.get().pk}/edit/"),
        ):
            other.open(path)
            axe(other)
            other.no_overflow()
            shot(other, f"compliance-{name}-{width}-{scheme}")
    page.get_by_role("button", name="Terminate").first.click()
    page.get_by_role("heading", name="Terminate this agreement?").wait_for()
    axe(page)
    shot(page, "compliance-terminate")
