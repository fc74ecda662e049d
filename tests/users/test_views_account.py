"""My account: everybody of the staff changes their own, and only their own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.core import clock
from apps.users.models import RecoveryCode, User
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "four quiet river stones"


@pytest.mark.parametrize("name", ["ada", "max", "rita", "nora", "otto"])
def test_every_role_has_an_account_page(signed_in, name) -> None:
    assert signed_in(name).get("/account/").status_code == 200


def test_the_theme_is_remembered_and_forced(signed_in) -> None:
    client = signed_in("max")
    assert client.post("/account/", {"name": "Max", "theme": "dark"}).status_code == 302
    assert 'data-bs-theme="dark"' in client.get("/account/").content.decode()
    client.post("/account/", {"name": "Max", "theme": "system"})
    assert "data-bs-theme" not in client.get("/account/").content.decode()


def test_an_unknown_theme_is_refused(signed_in) -> None:
    assert signed_in("max").post("/account/", {"name": "Max", "theme": "neon"}).status_code == 422


def test_a_new_password_needs_the_old_one(signed_in, cast) -> None:
    client = signed_in("max")
    wrong = client.post("/account/password/", {"current": "guess", "password": NEW, "again": NEW})
    assert wrong.status_code == 422
    assert User.objects.get(pk=cast.max.pk).check_password(PASSWORD)


def test_a_new_password_ends_the_other_sessions_but_not_this_one(signed_in, cast) -> None:
    here, there = signed_in("max"), signed_in("max")
    answer = here.post("/account/password/", {"current": PASSWORD, "password": NEW, "again": NEW})
    assert answer.status_code == 302
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302
    assert AuditEntry.objects.filter(action="user.set_password", subject=str(cast.max.pk)).exists()


def test_a_weak_password_is_refused_with_what_to_do(signed_in) -> None:
    answer = signed_in("max").post("/account/password/", {"current": PASSWORD, "password": "short", "again": "short"})
    assert answer.status_code == 422
    assert "at least 12 characters" in answer.content.decode()


def test_new_recovery_codes_come_after_the_password(signed_in, cast) -> None:
    client = signed_in("max")
    assert client.post("/account/recovery-codes/", {"current": "guess"}).status_code == 422
    page = client.post("/account/recovery-codes/", {"current": PASSWORD}).content.decode()
    assert page.count("<code>") == 10
    assert RecoveryCode.objects.filter(device__user=cast.max, used_at__isnull=True).count() == 10


def test_other_sessions_end_on_request(signed_in) -> None:
    here, there = signed_in("max"), signed_in("max")
    assert "1 other browser" in here.get("/account/").content.decode()
    here.post("/account/sessions/end/")
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302


def test_the_session_page_gives_the_token_that_a_covered_page_goes_on_with(signed_in) -> None:
    answer = signed_in("max").get("/account/session/", headers={"X-Passive": "1"}).json()
    assert 0 < answer["seconds_left"] <= 900
    assert len(answer["csrf"]) == 64


def test_the_sign_in_page_says_why_one_is_there(signed_in, noon) -> None:
    client = signed_in("max")
    client.get("/account/")
    with clock.frozen(noon + timedelta(minutes=16)):
        page = client.get("/account/", follow=True).content.decode()
    assert "nothing happened for a while" in page


def test_a_button_opened_as_a_page_is_explained(signed_in) -> None:
    answer = signed_in("max").get("/account/sessions/end/", headers={"Accept": "text/html"})
    assert answer.status_code == 405
    assert "belongs to a button" in answer.content.decode()
