"""Somebody turns a setting and turns it back: the trail keeps what it was, sealed, and no password."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from apps.audit.changes import open_change
from apps.audit.models import AuditEntry
from apps.compliance import services as register
from apps.core import actors
from apps.delivery.settings import services as delivery
from apps.organizations import services as organizations
from apps.users import services as users

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


def test_a_vendor_that_no_longer_handles_health_information_is_seen(db: None, cast: Any, signed_in: Any) -> None:
    """Somebody frees a vendor from the need of an agreement, and the note goes with it."""
    facts = {"name": "Mailhouse", "contact": "Jo Park", "note": "Prints our letters"}
    vendor = register.vendor_create(actor=CLI, facts=facts, kind="other", next_review=date(2027, 1, 5))
    given = open_change(last("vendor.create").change)
    assert ("name", "—", "Mailhouse") in given
    changed = {"kind": "other", "handles_health_information": False, "next_review": date(2027, 1, 5)}
    register.vendor_change(actor=CLI, vendor_id=vendor.pk, facts={**facts, "note": ""}, **changed)
    entry = last("vendor.change")
    assert open_change(entry.change) == [
        ("handles_health_information", "yes", "no"),
        ("note", "Prints our letters", "—"),
    ]
    assert entry.fields == ["handles_health_information", "note"]
    assert "Prints our letters" in signed_in("otto").get(f"/audit/entries/{entry.pk}/").content.decode()


def test_an_agreement_is_kept_with_its_dates_and_clauses(db: None) -> None:
    vendor = register.vendor_create(actor=CLI, facts={"name": "Mailhouse"}, kind="other")
    facts = {"party": "Mailhouse Inc.", "scope": "Printing", "clauses": {"uses": "§ 2", "books": ""}, "options": []}
    made = register.agreement_create(
        actor=CLI, vendor_id=vendor.pk, facts=facts, effective=date(2026, 1, 1), expires=date(2027, 1, 1)
    )
    assert ("clauses.books", "—", "ticked") in open_change(last("baa.create").change)
    facts["clauses"] = {"uses": "§ 3"}
    register.agreement_change(
        actor=CLI, agreement_id=made.pk, facts=facts, effective=date(2026, 1, 1), expires=date(2028, 1, 1)
    )
    assert open_change(last("baa.change").change) == [
        ("clauses.books", "ticked", "—"),
        ("clauses.uses", "§ 2", "§ 3"),
        ("expires", "Jan 1, 2027", "Jan 1, 2028"),
    ]
    register.agreement_terminate(actor=CLI, agreement_id=made.pk, on=date(2026, 6, 1), reason="Sold", data="destroyed")
    assert ("terminated", "—", "Jun 1, 2026") in open_change(last("baa.terminate").change)


def test_whoever_was_made_administrator_is_seen_with_what_they_were(cast: Any) -> None:
    users.user_change(actor=CLI, user=cast.nora, name="Nora Whitfield-Ash", role="administrator")
    assert open_change(last("user.change").change) == [
        ("name", cast.nora.name, "Nora Whitfield-Ash"),
        ("role", "Care staff", "Administrator"),
    ]
    made = users.user_create(
        actor=CLI, email="new@clinic.test", name="New", role="auditor", password="a very long pass phrase"
    )
    entry = last("user.create")
    assert entry.subject == str(made.pk)
    assert ("email", "—", "new@clinic.test") in open_change(entry.change)
    assert "pass phrase" not in str(open_change(entry.change))


def test_a_link_that_an_administrator_saw_is_told_from_one_that_was_mailed(cast: Any, signed_in: Any) -> None:
    """Whoever saw the link could have chosen the password in somebody's place."""
    by_mail = users.staff_invite(actor=CLI, email="new@clinic.test", name="New", role="auditor")
    assert by_mail.mailed
    assert last("user.invite").codes == {"link": "mailed"}
    users.link_renew(actor=CLI, user=by_mail.user, by_mail=False)
    shown = last("user.invite")
    assert shown.codes == {"link": "shown"}
    assert "link shown" in signed_in("otto").get(f"/audit/entries/{shown.pk}/").content.decode()


def test_an_altered_change_is_noticed(db: None) -> None:
    organizations.organization_change(actor=CLI, name="Harbor Clinic")
    blob = bytearray(last("organization.change").change)
    blob[-1] ^= 1
    with pytest.raises(ValueError, match="altered"):
        open_change(bytes(blob))
