"""Coming back: the lost link, the password, the session and how it ends, the language."""

from __future__ import annotations

import re

import pytest

from apps.audit.models import AuditEntry
from apps.inbox.models import StaffTask
from apps.portal import notices, policy, services
from apps.portal.models import LostLink, PortalAccount, PortalSession
from tests.portal.conftest import BORN, HOUSE, words_of, write_to

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    return response.content.decode()


# -- Lost link -----------------------------------------------------------------------------------------------------


def test_a_lost_link_is_answered_alike_for_everybody_and_only_the_known_get_mail(scene, new_browser, letters) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    known, unknown = new_browser(), new_browser()
    with CaptureQueriesContext(
        connection,
    ) as first:
        yes = known.client.post("/portal/lost/", {"email": " Familia@GOODMAIL.test"})
    with CaptureQueriesContext(connection) as second:
        no = unknown.client.post("/portal/lost/", {"email": "nobody@goodmail.test"})
    assert yes.status_code == no.status_code == 302
    assert yes["Location"] == no["Location"] == "/portal/lost/done/"
    shape = re.compile(r"'[^']*'|\d+|%\S+|\\x\S*")
    assert [shape.sub("", q["sql"])[:60] for q in first] == [shape.sub("", q["sql"])[:60] for q in second]
    assert letters() == []
    assert services.lost_links_answer() == 1
    assert [letter.mailbox for letter in letters()] == [HOUSE]
    assert not LostLink.objects.exclude(sealed=None).exists(), "no address is kept"
    link = re.search(r"/portal/m/([\w-]{43})/", words_of(letters()[0]))
    at = new_browser()
    assert at.enter(link.group(1), BORN["rosa"])["Location"] == "/portal/messages/"


def test_lost_links_are_throttled_by_address_and_by_network_and_neither_is_stored(scene, new_browser) -> None:
    from django.db import connection

    for _ in range(5):
        new_browser().client.post("/portal/lost/", {"email": HOUSE}, REMOTE_ADDR="203.0.113.9")
    assert LostLink.objects.count() == 3
    for number in range(40):
        new_browser().client.post("/portal/lost/", {"email": f"n{number}@goodmail.test"}, REMOTE_ADDR="203.0.113.77")
    assert LostLink.objects.count() == 33
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM portal_throttle t UNION ALL SELECT t::text FROM portal_lostlink t")
        rows = " ".join(row[0] for row in cursor.fetchall())
    assert "203.0.113" not in rows
    assert b"goodmail".hex() not in rows


def test_something_that_is_no_address_is_said_so(new_browser, clinic) -> None:
    answer = new_browser().client.post("/portal/lost/", {"email": "x\r\nBcc: a@b.test"})
    assert answer.status_code == 422
    assert 'whole <span class="nowrap">e-mail</span> address' in text_of(answer), "in one piece at the end of a line"


# -- Password ------------------------------------------------------------------------------------------------------


def test_passwords_are_kept_by_a_memory_hard_hash() -> None:
    from config import settings as product

    assert product.PASSWORD_HASHERS[0].endswith("ScryptPasswordHasher")


SENTENCE = "my dog eats blue apples"


@pytest.fixture
def with_password(scene, letters):
    scene.at.enter(scene.token, BORN["rosa"])
    assert scene.at.client.post("/portal/password/", {"password": SENTENCE}).status_code == 302
    return scene


def sign_in(new_browser, email: str = HOUSE, born: str = BORN["rosa"], password: str = SENTENCE, **more):
    year, month, day = born.split("-")
    fields = {"email": email, "password": password, "year": year, "month": month, "day": day}
    return new_browser.client.post("/portal/sign-in/", fields, **more)


def test_a_password_set_once_opens_the_next_visit(with_password, new_browser, letters) -> None:
    assert "changed" in str(letters()[-1]["Subject"])
    assert SENTENCE not in PortalAccount.objects.get().password
    at = new_browser()
    assert sign_in(at)["Location"] == "/portal/messages/"
    assert at.open("/portal/messages/").status_code == 200


@pytest.mark.parametrize(
    ("password", "word"),
    [("short", "15 characters"), ("123456789012345678", "easy to guess"), ("x" * 300, "256")],
)
def test_weak_passwords_are_refused_with_what_to_do(scene, password, word) -> None:
    scene.at.enter(scene.token, BORN["rosa"])
    answer = scene.at.client.post("/portal/password/", {"password": password})
    assert answer.status_code == 422
    assert word in text_of(answer)


def test_a_new_password_ends_the_other_sessions(with_password, new_browser) -> None:
    other = new_browser()
    sign_in(other)
    with_password.at.client.post("/portal/password/", {"password": "another long sentence"})
    assert other.open("/portal/messages/").status_code == 302
    assert with_password.at.open("/portal/messages/").status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        {"email": "nobody@goodmail.test"},
        {"born": "1950-01-01"},
        {"password": "not the one at all"},
    ],
)
def test_unknown_wrong_day_and_wrong_password_answer_and_lock_alike(
    with_password, new_browser, given, monkeypatch
) -> None:
    from apps.portal.services import access

    hashes = []
    real = access.check_password
    monkeypatch.setattr(access, "check_password", lambda *a: hashes.append(1) or real(*a))
    seen = [sign_in(new_browser(), **given) for _ in range(5)]
    assert [answer.status_code for answer in seen] == [422] * 4 + [429]
    assert "Tries left: 4" in text_of(seen[0])
    assert sign_in(new_browser(), **{**given, "password": SENTENCE}).status_code == 429
    assert len(hashes) == 6, "one hash for each try, whoever it is"


def test_a_known_mailbox_costs_as_many_queries_as_an_unknown_one(with_password, new_browser) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for given in ({"email": "nobody@goodmail.test"}, {"born": "1950-01-01"}, {"password": "not the one at all"}):
        with CaptureQueriesContext(connection) as seen:
            sign_in(new_browser(), **given)
        counts.append(len(seen))
    assert len(set(counts)) == 1


def test_who_signed_in_by_password_changes_it_with_the_current_one(with_password, new_browser) -> None:
    at = new_browser()
    sign_in(at)
    assert "Current password" in text_of(at.open("/portal/password/"))
    refused = at.client.post("/portal/password/", {"password": "another long sentence", "current": "guess"})
    assert refused.status_code == 422
    assert "current password is not right" in text_of(refused)
    done = at.client.post("/portal/password/", {"password": "another long sentence", "current": SENTENCE})
    assert done.status_code == 302
    assert sign_in(new_browser(), password="another long sentence").status_code == 302


def test_guessing_passwords_does_not_lock_the_way_by_code(with_password, new_browser) -> None:
    for _ in range(6):
        sign_in(new_browser(), password="not the one at all")
    at = new_browser()
    assert at.enter(with_password.token, BORN["rosa"]).status_code == 302


# -- Session -------------------------------------------------------------------------------------------------------


def test_nobody_can_plant_a_session_or_a_browser_secret(scene, new_browser) -> None:
    planted_session, planted_browser = policy.new_secret(), policy.new_secret()
    scene.at.client.cookies["portal"] = planted_session
    scene.at.client.cookies["portal-browser"] = planted_browser
    scene.at.enter(scene.token, BORN["rosa"])
    assert scene.at.client.cookies["portal"].value != planted_session
    assert scene.at.client.cookies["portal-browser"].value != planted_browser
    thief = new_browser()
    thief.client.cookies["portal"] = planted_session
    thief.client.cookies["portal-browser"] = planted_browser
    assert thief.open("/portal/messages/").status_code == 302


def test_a_stolen_session_cookie_alone_opens_nothing(scene, new_browser) -> None:
    scene.at.enter(scene.token, BORN["rosa"])
    thief = new_browser()
    thief.client.cookies["portal"] = scene.at.client.cookies["portal"].value
    assert thief.open("/portal/messages/").status_code == 302
    thief.client.cookies["portal-browser"] = policy.new_secret()
    assert thief.open("/portal/messages/").status_code == 302


def test_the_cookies_are_unreadable_for_scripts_and_sent_only_to_us(scene) -> None:
    scene.at.enter(scene.token, BORN["rosa"])
    for name in ("portal", "portal-browser"):
        cookie = scene.at.client.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]


def test_fifteen_idle_minutes_end_a_session_and_eight_hours_end_a_busy_one(scene, later) -> None:
    scene.at.enter(scene.token, BORN["rosa"])
    later(minutes=14)
    assert scene.at.open("/portal/messages/").status_code == 200
    later(minutes=14)
    assert scene.at.open("/portal/messages/").status_code == 200
    later(minutes=16)
    assert scene.at.open("/portal/messages/")["Location"] == "/portal/ended/"
    scene.at.enter(scene.token, BORN["rosa"])
    for _ in range(40):
        later(minutes=12)
        last = scene.at.open("/portal/messages/")
    assert last["Location"] == "/portal/ended/"
    why = PortalSession.objects.order_by("pk").values_list("ended_why", flat=True)
    assert list(why) == ["idle", "whole"]
    assert AuditEntry.objects.filter(action="portal.session_expire").count() == 2


def test_looking_at_the_clock_does_not_keep_a_session_alive(scene, later) -> None:
    later(seconds=0)
    scene.at.enter(scene.token, BORN["rosa"])
    later(minutes=10)
    assert scene.at.open("/portal/session/").json()["seconds"] == 300
    later(minutes=6)
    assert scene.at.open("/portal/session/").status_code == 401


def test_signing_out_ends_it_for_good(scene) -> None:
    scene.at.enter(scene.token, BORN["rosa"])
    cookies = {name: scene.at.client.cookies[name].value for name in ("portal", "portal-browser")}
    assert scene.at.client.post("/portal/sign-out/")["Location"] == "/portal/signed-out/?lang=en"
    for name, value in cookies.items():
        scene.at.client.cookies[name] = value
    assert scene.at.open("/portal/messages/").status_code == 302


def test_staff_end_a_patients_sessions(scene, signed_in) -> None:
    scene.at.enter(scene.token, BORN["rosa"])
    signed_in("nora").post(f"/portal/inbox/people/{scene.rosa.id}/end-sessions/")
    assert scene.at.open("/portal/messages/").status_code == 302


def test_forms_need_their_protection_token(scene) -> None:
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    for path in (
        f"/portal/m/{scene.token}/code/",
        f"/portal/m/{scene.token}/not-me/",
        "/portal/sign-out/",
        "/portal/lost/",
    ):
        assert strict.post(path, {"email": HOUSE}).status_code == 403
    assert not StaffTask.objects.exists()


def test_a_staff_session_is_no_patient_and_a_patient_is_no_staff(scene, signed_in) -> None:
    assert signed_in("ada").get("/portal/messages/")["Location"] == "/portal/"
    scene.at.enter(scene.token, BORN["rosa"])
    assert scene.at.open("/portal/inbox/")["Location"].startswith("/account/sign-in/")


# -- Language --------------------------------------------------------------------------------------------------------


def test_every_page_speaks_spanish_and_remembers_it(scene) -> None:
    first = scene.at.open(f"/portal/m/{scene.token}/?lang=es")
    assert '<html lang="es">' in text_of(first)
    assert "Hay un mensaje para usted" in text_of(first)
    scene.at.ask(scene.token)
    assert "Escriba su código" in text_of(scene.at.open(f"/portal/m/{scene.token}/prove/"))
    scene.at.enter(scene.token, BORN["rosa"])
    assert "Sus mensajes" in text_of(scene.at.open("/portal/messages/"))
    assert "All messages" in text_of(scene.at.open(f"/portal/messages/{scene.public}/?lang=en"))
    assert '<html lang="es">' in text_of(scene.at.open("/portal/lost/?lang=es"))


def test_after_a_spanish_session_the_next_at_this_browser_reads_their_own_language(scene, luis) -> None:
    """A tablet in the waiting room: Rosa reads Spanish, then Luis opens the link of his own mail."""
    scene.at.open(f"/portal/m/{scene.token}/?lang=es")
    scene.at.enter(scene.token, BORN["rosa"])
    out = scene.at.client.post("/portal/sign-out/")
    assert out["Location"] == "/portal/signed-out/?lang=es"
    assert '<html lang="es">' in text_of(scene.at.open(out["Location"])), "her last page is in her language"
    assert '<html lang="en">' in text_of(scene.at.open("/portal/"))


def test_a_link_wins_over_a_language_that_was_left_behind(scene, luis, settings) -> None:
    """Rosa never signed out."""
    scene.at.open("/portal/?lang=es")
    theirs = notices.link_address(write_to(luis).token, "en").removeprefix(settings.PUBLIC_URL)
    assert '<html lang="en">' in text_of(scene.at.open(theirs))
    assert '<html lang="en">' in text_of(scene.at.open("/portal/"))


def test_a_mistyped_address_leads_back_to_the_portal_and_says_so_in_spanish_too(clinic, client) -> None:
    """A patient is not led to the sign-in of staff."""
    lost = client.get("/portal/nothing-here/")
    assert lost.status_code == 404
    assert 'href="/portal/"' in text_of(lost)
    assert "Aquí no hay nada" in text_of(lost)
    elsewhere = client.get("/nothing-here/")
    assert 'href="/portal/"' not in text_of(elsewhere)


def test_an_error_page_of_staff_is_in_their_language_only(signed_in) -> None:
    page = text_of(signed_in("nora").get("/portal/inbox/nothing-here/"))
    assert "There is nothing here" in page
    assert "Aquí" not in page
    assert 'class="btn btn-primary" href="/"' in page
