"""Ada keeps the clinic's facts; the logo is sealed on disk and shown to everybody."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.audit.models import AuditEntry
from apps.organizations import selectors

pytestmark = pytest.mark.django_db
PAGE = "/settings/organization/"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 20
FACTS = {
    "name": "Riverbend Family Health",
    "phone": "(502) 555-0100",
    "web": "https://riverbend.test",
    "postal_address": "120 Main Street\nLouisville, KY 40202",
    "zone": "America/Chicago",
    "version": "1",
}


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}},
    }
    return tmp_path


@pytest.mark.parametrize("name", ["max", "rita", "nora", "otto"])
def test_only_administrators_change_the_organization(signed_in, name) -> None:
    assert signed_in(name).get(PAGE).status_code == 403
    assert signed_in(name).post(PAGE, FACTS).status_code == 403


def test_the_facts_are_kept_shown_and_audited(signed_in) -> None:
    ada = signed_in("ada")
    assert ada.post(PAGE, FACTS).status_code == 302
    organization = selectors.current()
    assert (organization.name, organization.zone) == ("Riverbend Family Health", "America/Chicago")
    assert "Riverbend Family Health" in Client().get("/account/sign-in/").content.decode()
    entry = AuditEntry.objects.filter(action="organization.change").latest("pk")
    assert "Riverbend" not in str(vars(entry))


def test_the_trail_names_what_is_different_not_what_the_form_sent(signed_in) -> None:
    ada = signed_in("ada")
    ada.post(PAGE, FACTS)
    ada.post(PAGE, {**FACTS, "version": "2", "phone": "(502) 555-0199"})
    assert AuditEntry.objects.filter(action="organization.change").latest("pk").fields == ["phone"]
    ada.post(PAGE, {**FACTS, "version": "3", "phone": "(502) 555-0199", "zone": "America/Denver"})
    assert AuditEntry.objects.filter(action="organization.change").latest("pk").fields == ["zone"]


def test_a_missing_name_is_said_and_nothing_is_saved(signed_in) -> None:
    answer = signed_in("ada").post(PAGE, {**FACTS, "name": ""})
    assert answer.status_code == 422
    assert "(502) 555-0100" in answer.content.decode()
    assert selectors.current().phone == ""


def test_a_logo_is_sealed_on_disk_and_served_as_it_was(signed_in, files) -> None:
    signed_in("ada").post(PAGE, {**FACTS, "logo": SimpleUploadedFile("logo.png", PNG)})
    stored = [path for path in files.rglob("*") if path.is_file()]
    assert len(stored) == 1
    assert b"picture" not in stored[0].read_bytes()
    answer = Client().get(selectors.current().logo_url)
    assert (answer.content, answer["Content-Type"]) == (PNG, "image/png")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"<svg onload=alert(1)>", "PNG, JPEG, GIF or WebP"), (PNG + b"0" * 400_000, "up to 300 kB")],
)
def test_what_is_no_fitting_picture_is_refused(signed_in, content, words) -> None:
    answer = signed_in("ada").post(PAGE, {**FACTS, "logo": SimpleUploadedFile("logo.png", content)})
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_a_removed_logo_is_gone(signed_in) -> None:
    ada = signed_in("ada")
    ada.post(PAGE, {**FACTS, "logo": SimpleUploadedFile("logo.png", PNG)})
    ada.post(f"{PAGE}logo/remove/")
    assert selectors.current().logo_url == ""
    assert Client().get(f"{PAGE}logo/").status_code == 404
