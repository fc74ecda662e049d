"""Somebody turns a setting and turns it back: the trail keeps what it was, sealed, and no password."""

from __future__ import annotations

from typing import Any

import pytest

from apps.audit.changes import open_change
from apps.audit.models import AuditEntry
from apps.core import actors
from apps.delivery.services import settings as delivery
from apps.organizations import services as organizations

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
PICTURE = b"\x89PNG\r\n\x1a\n" + b"0" * 50


def last(action: str) -> AuditEntry:
    return AuditEntry.objects.filter(action=action).latest("id")


def test_the_organizations_facts_are_kept_before_and_after(cast: Any, signed_in: Any) -> None:
    organizations.organization_change(actor=CLI, name="Harbor Clinic", phone="502-555-0100")
    organizations.organization_change(actor=CLI, phone="900-555-0666")
    entry = last("organization.change")
    assert open_change(entry.change) == [("phone", "502-555-0100", "900-555-0666")]
    assert b"900-555" not in bytes(entry.change)
    page = signed_in("otto").get(f"/audit/entries/{entry.pk}/").content.decode()
    assert "502-555-0100" in page
    assert "900-555-0666" in page


def test_delivery_settings_are_kept_without_the_relays_password(db: None) -> None:
    relay = {"host": "relay.test", "port": 587, "username": "clinic", "password": "hunter2-hunter2"}
    delivery.settings_change(actor=CLI, version=0, helo="mail.clinic.test", mode="relay", relay=relay)
    delivery.settings_change(actor=CLI, version=1, relay={**relay, "password": "another-secret"})
    rows = open_change(last("delivery.change").change)
    assert [name for name, _, _ in rows] == ["relay.password"]
    assert rows[0][1] != rows[0][2]
    every = str([open_change(entry.change) for entry in AuditEntry.objects.filter(action="delivery.change")])
    assert "mail.clinic.test" in every
    assert "hunter2" not in every
    assert "another-secret" not in every


def test_a_new_logo_is_on_the_trail(db: None) -> None:
    organizations.logo_change(actor=CLI, content=PICTURE)
    entry = last("organization.change_logo")
    assert [name for name, _, _ in open_change(entry.change)] == ["logo", "logo_kind"]


def test_an_altered_change_is_noticed(db: None) -> None:
    organizations.organization_change(actor=CLI, name="Harbor Clinic")
    blob = bytearray(last("organization.change").change)
    blob[-1] ^= 1
    with pytest.raises(ValueError, match="altered"):
        open_change(bytes(blob))
