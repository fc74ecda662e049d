"""My account: everybody of the staff changes their own, and only their own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.core import clock
from apps.users.models import RecoveryCode, User
from apps.users.sessions import stored_key
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
    page = here.get("/account/").content.decode()
    assert page.count("This browser") == 1
    assert page.count(">End this session<") == 1
    here.post("/account/sessions/end/")
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302


def test_one_session_ends_and_the_others_go_on(signed_in, noon) -> None:
    here, home, phone = signed_in("max"), signed_in("max"), signed_in("max")
    with clock.frozen(noon - timedelta(minutes=5)):
        phone.get("/account/", headers={"User-Agent": "Mozilla/5.0 (Android 15; Mobile) Gecko/140.0 Firefox/140.0"})
    home.get("/account/")
    page = here.get("/account/").content.decode()
    assert "Firefox on Android" in page
    assert "5 minutes ago" in page
    for client in (here, home, phone):
        assert client.session.session_key not in page
    here.post("/account/session/end/", {"session": stored_key(phone.session.session_key)})
    assert phone.get("/account/").status_code == 302
    assert home.get("/account/").status_code == here.get("/account/").status_code == 200
    assert AuditEntry.objects.filter(action="user.end_sessions").count() == 1


def test_nobody_ends_the_session_of_somebody_else(signed_in) -> None:
    max_, nora = signed_in("max"), signed_in("nora")
    nora.get("/account/")
    handle = stored_key(nora.session.session_key)
    assert "has ended already" in max_.post("/account/session/end/", {"session": handle}, follow=True).content.decode()
    assert nora.get("/account/").status_code == 200


def test_a_session_that_was_idle_too_long_is_not_listed(signed_in, noon) -> None:
    there = signed_in("max")
    there.get("/account/")
    with clock.frozen(noon + timedelta(minutes=16)):
        assert ">End this session<" not in signed_in("max").get("/account/").content.decode()


def test_the_session_page_gives_the_token_that_a_covered_page_goes_on_with(signed_in) -> None:
    answer = signed_in("max").get("/account/session/", headers={"X-Passive": "1"}).json()
    assert 0 < answer["seconds_left"] <= 900
    assert len(answer["csrf"]) == 64
    assert answer["user"] > 0, "a covered page is uncovered for the same person only"


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
