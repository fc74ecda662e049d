"""The demo's register has one of each, so that no list and no reason is empty."""

from __future__ import annotations

import pytest

from apps.compliance import selectors
from apps.compliance.models import Document
from apps.core import actors
from apps.demo import register

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }


def test_every_standing_is_there_and_a_second_load_changes_nothing(noon):
    assert register.load(now=noon) == 4
    assert {row.vendor.name: row.standing for row in selectors.vendor_rows()} == {
        "Bluepost Relay": "baa_expiring",
        "Brightside Photos": "baa_not_needed",
        "Clearprint Letters": "baa_missing",
        "Harborlight Hosting": "baa_in_force",
    }
    assert register.load(now=noon) == 0


def test_the_paper_opens(noon):
    register.load(now=noon)
    content = selectors.document_open(actor=actors.COMMAND_LINE, document=Document.objects.first())
    assert content.startswith(b"%PDF-1.4")
    assert content.endswith(b"%%EOF\n")
