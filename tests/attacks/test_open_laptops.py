"""Somebody sits down at a laptop that was left open, and wants to stay: they guess the password in the session."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from apps.audit.models import AuditEntry
from apps.core import clock
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "four quiet river stones"
FORMS = {
    "/account/password/": {"password": NEW, "again": NEW},
    "/account/recovery-codes/": {},
}


def guess(client: Client, path: str, word: str) -> Any:
    return client.post(path, {**FORMS[path], "current": word})


@pytest.mark.parametrize("path", FORMS)
def test_the_fifth_wrong_password_ends_every_session(signed_in: Any, noon: Any, path: str) -> None:
    here, elsewhere = signed_in("ada"), signed_in("ada")
    for number in range(4):
        assert guess(here, path, f"wrong {number}").status_code == 422
    assert here.get("/account/").status_code == 200
    out = guess(here, path, "wrong 5")
    assert (out.status_code, out["Location"]) == (302, "/account/sign-in/")
    assert b"wrong five times" in here.get("/account/sign-in/").content
    assert here.get("/account/").status_code == elsewhere.get("/account/").status_code == 302
    sign_in = {"login": "ada@clinic.test", "password": PASSWORD}
    assert Client().post("/account/sign-in/", sign_in).status_code != 302, "locked, like after five at the sign-in"
    with clock.frozen(noon + timedelta(minutes=16)):
        assert Client().post("/account/sign-in/", sign_in).status_code == 302
    assert AuditEntry.objects.filter(action="user.lock").count() == 1


def test_both_forms_share_their_tries(signed_in: Any, noon: Any) -> None:
    here = signed_in("max")
    for number, path in enumerate([*FORMS, *FORMS]):
        assert guess(here, path, f"wrong {number}").status_code == 422
    assert guess(here, "/account/password/", "wrong again").status_code == 302
    assert here.get("/account/").status_code == 302


def test_the_right_one_forgives_and_works(signed_in: Any, noon: Any) -> None:
    here = signed_in("max")
    for _ in range(2):
        for number in range(4):
            guess(here, "/account/recovery-codes/", f"wrong {number}")
        assert guess(here, "/account/recovery-codes/", PASSWORD).status_code == 200
    assert guess(here, "/account/password/", PASSWORD).status_code == 302
    assert here.get("/account/").status_code == 200
