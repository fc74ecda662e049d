"""Somebody who read a patient's mailbox set a password. The clinic corrects the address; they know the new one too."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from apps.contacts.services import contact_update
from apps.core import actors
from apps.portal import services
from apps.portal.models import PortalAccount
from tests.portal.conftest import BORN, HOUSE, clinic, later, letters, make_person, new_browser, write_to

pytestmark = pytest.mark.django_db
__all__ = ["clinic", "later", "letters", "new_browser"]
CLI = actors.COMMAND_LINE
NEW, PASSWORD = "rosa.alone@goodmail.test", "nine slow green boats"


@pytest.fixture
def taken(clinic: Any, noon: Any, new_browser: Any) -> SimpleNamespace:
    """Rosa, and the browser of whoever reads the mailbox she had."""
    rosa = make_person("Rosa", BORN["rosa"])
    at = new_browser()
    at.enter(write_to(rosa).token, BORN["rosa"])
    assert at.client.post("/portal/password/", {"password": PASSWORD}).status_code == 302
    return SimpleNamespace(rosa=rosa, at=at)


def sign_in(browser: Any, address: str, password: str = PASSWORD) -> int:
    year, month, day = BORN["rosa"].split("-")
    form = {"email": address, "password": password, "year": year, "month": str(int(month)), "day": str(int(day))}
    return int(browser.client.post("/portal/sign-in/", form).status_code)


def corrected(taken: SimpleNamespace, email: str, version: int = 1) -> None:
    profile = {**taken.rosa.profile, "email": email}
    contact_update(actor=CLI, person_id=taken.rosa.id, profile=profile, version=version)


def test_the_password_does_not_come_along_to_the_new_mailbox(taken: Any, new_browser: Any) -> None:
    assert sign_in(new_browser(), HOUSE) == 302
    corrected(taken, NEW)
    write_to(SimpleNamespace(id=taken.rosa.id, record_key=taken.rosa.record_key, profile={"email": NEW}))
    assert sign_in(new_browser(), HOUSE) == 422
    assert sign_in(new_browser(), NEW) == 422


def test_nor_when_the_address_was_taken_away_first(taken: Any, new_browser: Any) -> None:
    corrected(taken, "")
    corrected(taken, NEW, version=2)
    assert sign_in(new_browser(), NEW) == 422


def test_rosa_sets_her_own_by_the_new_one(taken: Any, new_browser: Any) -> None:
    corrected(taken, NEW)
    stored = write_to(SimpleNamespace(id=taken.rosa.id, record_key=taken.rosa.record_key, profile={"email": NEW}))
    at = new_browser()
    assert at.enter(stored.token, BORN["rosa"]).status_code == 302
    assert at.client.post("/portal/password/", {"password": "her very own boats"}).status_code == 302
    assert sign_in(new_browser(), NEW, "her very own boats") == 302


def test_the_open_session_ends(taken: Any) -> None:
    assert taken.at.open("/portal/messages/").status_code == 200
    corrected(taken, NEW)
    assert services.moved_mailboxes_tell() == 1
    assert taken.at.open("/portal/messages/")["Location"] == "/portal/ended/"


def test_a_password_of_before_the_upgrade_is_bound_by_its_next_use(taken: Any, new_browser: Any) -> None:
    PortalAccount.objects.update(password_mailbox=None)
    assert sign_in(new_browser(), HOUSE) == 302
    corrected(taken, NEW)
    assert sign_in(new_browser(), NEW) == 422
