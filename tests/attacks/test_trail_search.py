"""An auditor looks for somebody: what was typed stays out of addresses, and "nobody" is an answer that is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.core import actors

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE


@pytest.fixture
def dana(noon: Any) -> int:
    profile = {"first_name": "Dana", "last_name": "Quist", "phone": "(502) 555-0117", "mrn": "778812"}
    return contacts.contact_create(actor=CLI, profile={**profile, "relation": "patient"}).id


@pytest.mark.parametrize("mistyped", ["5025550118", "778813", "9" * 18])
def test_a_mistyped_telephone_or_record_number_is_in_no_address(signed_in: Any, dana: int, mistyped: str) -> None:
    """Addresses stand in the logs of proxies and in the history of browsers."""
    answer = signed_in("otto").post("/audit/", {"sought": mistyped})
    assert answer.status_code == 200
    assert "Nobody matches" in answer.content.decode()


def test_the_number_of_somebody_erased_still_leads_to_their_trail(signed_in: Any, dana: int) -> None:
    contacts.contact_erase(actor=CLI, person_id=dana, reason="Asked for it")
    answer = signed_in("otto").post("/audit/", {"sought": str(dana)})
    assert (answer.status_code, answer["Location"]) == (302, f"/audit/?person={dana}")


@pytest.mark.parametrize(("who", "page", "box"), [("otto", "/audit/", "sought"), ("max", "/contacts/", "q")])
def test_who_asks_for_one_address_after_the_other_is_on_the_trail(
    signed_in: Any, dana: int, who: str, page: str, box: str
) -> None:
    """Not to be found tells that somebody is no patient here."""
    client = signed_in(who)
    for address in ("rosa@goodmail.test", "lou@goodmail.test"):
        client.post(page, {box: address})
    found = AuditEntry.objects.filter(action="contact.search", actor_id=str(client.staff.pk))
    assert [(entry.people_count, entry.subject, entry.codes) for entry in found] == [(0, "", {})] * 2


def test_the_last_of_all_days_is_a_day(signed_in: Any, dana: int) -> None:
    otto = signed_in("otto")
    assert otto.get("/audit/?from=0001-01-01&to=9999-12-31").status_code == 200
    assert otto.post("/audit/export/", {"to": "9999-12-31", "format": "csv"}).status_code == 200
    assert "Added" in otto.get("/audit/?to=9999-12-31").content.decode()
