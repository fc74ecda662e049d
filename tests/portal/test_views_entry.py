"""Getting in: the patient, the stranger with the link, the household, the robot, the one who is locked out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.contacts.models import PersonIdentity
from apps.contacts.selectors import open_person
from apps.core import actors, clock
from apps.portal import notices, policy, services
from apps.portal.models import AccessCode, InboxTask, LostLink, NoticeLink, PortalAccount, PortalSession, Throttle
from tests.portal.conftest import BORN, HOUSE, a_wrong_day, make_person, words_of, write_to, wrong_code

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    return response.content.decode()


# -- The patient ------------------------------------------------------------------------------------------------


def test_rosa_opens_the_link_proves_who_she_is_and_reads(scene) -> None:
    landing = scene.at.open(f"/portal/m/{scene.token}/")
    assert landing.status_code == 200
    assert "mammogram" not in text_of(landing)
    assert "Rosa" not in text_of(landing)
    answer = scene.at.enter(scene.token, BORN["rosa"])
    assert answer["Location"] == f"/portal/messages/{scene.public}/"
    page = scene.at.open(answer["Location"])
    assert "Your mammogram" in text_of(page)
    assert "call us about your result" in text_of(page)
    assert "&lt;time" not in text_of(page)
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "same-origin"


def test_opening_the_link_sends_nothing_because_mail_scanners_open_links_too(scene, letters) -> None:
    for _ in range(3):
        scene.at.open(f"/portal/m/{scene.token}/")
        scene.at.open(f"/portal/m/{scene.token}/prove/")
        scene.at.open(f"/portal/m/{scene.token}/not-me/")
    assert letters() == []
    assert not InboxTask.objects.exists()
    assert scene.at.open(f"/portal/m/{scene.token}/code/")["Location"] == f"/portal/m/{scene.token}/"
    assert letters() == []


def test_a_code_may_be_pasted_with_spaces_and_dashes(scene) -> None:
    code = scene.at.ask(scene.token)
    assert scene.at.prove(scene.token, f" {code[:4]} - {code[4:]} ", BORN["rosa"]).status_code == 302


def test_the_second_visit_by_the_same_link_needs_no_second_code(scene) -> None:
    scene.at.enter(scene.token, BORN["rosa"])
    again = scene.at.open(f"/portal/m/{scene.token}/")
    assert again["Location"] == f"/portal/messages/{scene.public}/"


def test_the_mail_with_the_code_says_nothing_but_the_code(scene, letters) -> None:
    scene.at.client.post(f"/portal/m/{scene.token}/code/", headers={"accept-language": "es-MX"})
    letter = letters()[-1]
    whole = letter.as_string() + words_of(letter)
    assert letter.mailbox == HOUSE
    assert "Su código" in str(letter["Subject"])
    for word in ("mammogram", "Rosa", "Marín", "patient", "paciente", scene.token):
        assert word not in whole
    assert letter.row.kind == "account"
    assert letter.row.level < 2


# -- The stranger -----------------------------------------------------------------------------------------------


def test_a_stranger_with_the_link_gets_no_further_than_the_question(scene, new_browser) -> None:
    stranger = new_browser()
    for path in ("/portal/messages/", f"/portal/messages/{scene.public}/", f"/portal/messages/{scene.public}/body/"):
        answer = stranger.open(path)
        assert answer.status_code == 302
        assert answer["Location"] == "/portal/"


def test_a_guessed_link_is_the_same_as_an_old_one(scene, new_browser, later) -> None:
    guessed = new_browser().open(f"/portal/m/{policy.new_secret()}/")
    later(days=181)
    old = new_browser().open(f"/portal/m/{scene.token}/")
    strip = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|X-CSRFToken[^}]+')
    assert guessed.status_code == old.status_code == 404
    assert strip.sub("", text_of(guessed)) == strip.sub("", text_of(old))


def test_the_right_code_works_only_in_the_browser_that_asked(scene, new_browser) -> None:
    code = scene.at.ask(scene.token)
    other = new_browser()
    assert other.prove(scene.token, code, BORN["rosa"]).status_code == 422
    other.client.cookies["portal-browser"] = policy.new_secret()
    assert other.prove(scene.token, code, BORN["rosa"]).status_code == 422
    assert not PortalSession.objects.exists()
    assert scene.at.prove(scene.token, code, BORN["rosa"]).status_code == 302


def test_a_code_works_once(scene, new_browser) -> None:
    code = scene.at.ask(scene.token)
    secret = scene.at.client.cookies["portal-browser"].value
    assert scene.at.prove(scene.token, code, BORN["rosa"]).status_code == 302
    twin = new_browser()
    twin.client.cookies["portal-browser"] = secret
    assert twin.prove(scene.token, code, BORN["rosa"]).status_code == 422


def test_a_code_older_than_ten_minutes_is_refused_and_is_no_wrong_answer(scene, later) -> None:
    code = scene.at.ask(scene.token)
    later(minutes=11)
    answer = scene.at.prove(scene.token, code, BORN["rosa"])
    assert answer.status_code == 422
    assert "older than 10 minutes" in text_of(answer)
    assert PortalAccount.objects.get().failed_tries == 0


def test_the_code_is_not_in_the_database_and_neither_are_the_secrets(scene) -> None:
    from django.db import connection

    code = scene.at.ask(scene.token)
    scene.at.prove(scene.token, code, BORN["rosa"])
    secrets = [code, scene.token, *(cookie.value for cookie in scene.at.client.cookies.values())]
    with connection.cursor() as cursor:
        for model in (AccessCode, NoticeLink, PortalSession, PortalAccount, AuditEntry, Throttle):
            cursor.execute(f"SELECT t::text FROM {model._meta.db_table} t")
            rows = " ".join(row[0] for row in cursor.fetchall())
            for secret in secrets:
                assert secret not in rows
                assert secret.encode().hex() not in rows


# -- Wrong answers -------------------------------------------------------------------------------------------------


def test_which_part_was_wrong_is_not_said(scene) -> None:
    code = scene.at.ask(scene.token)
    by_date = text_of(scene.at.prove(scene.token, code, a_wrong_day(BORN["rosa"])))
    by_code = text_of(scene.at.prove(scene.token, wrong_code(code), BORN["rosa"]))
    find = re.compile(r"<li>(The code or.*?)</li>")
    assert find.search(by_date).group(1).replace("4", "n") == find.search(by_code).group(1).replace("3", "n")


def test_five_wrong_answers_lock_and_the_page_says_what_to_do(scene, clinic) -> None:
    code = scene.at.ask(scene.token)
    for left in (4, 3, 2, 1):
        assert f"Tries left: {left}" in text_of(scene.at.prove(scene.token, wrong_code(code), BORN["rosa"]))
    locked = scene.at.prove(scene.token, wrong_code(code), BORN["rosa"])
    assert locked.status_code == 429
    assert "Sign-in is paused" in text_of(locked)
    assert "(859) 555-0142" in text_of(locked)
    assert scene.at.prove(scene.token, code, BORN["rosa"]).status_code == 429, "even with the right answer"
    assert scene.at.client.post(f"/portal/m/{scene.token}/code/").status_code == 429, "and no code is sent"
    assert AuditEntry.objects.filter(action="portal.lock").count() == 1
    assert AuditEntry.objects.filter(action="portal.sign_in_failed").count() == 5


def test_a_robot_with_many_browsers_has_five_tries_in_all(scene, new_browser) -> None:
    for number in range(5):
        robot = new_browser()
        robot.client.cookies["portal-browser"] = policy.new_secret()
        robot.prove(scene.token, f"{number:08}", BORN["rosa"])
    assert PortalAccount.objects.get().is_locked(clock.now())
    fresh = write_to(scene.rosa, subject="Another")
    assert new_browser().client.post(f"/portal/m/{fresh.token}/code/").status_code == 429, "another link does not help"


def test_locks_grow_and_a_right_answer_forgives(scene, later) -> None:
    def lock() -> timedelta:
        for _ in range(5):
            scene.at.prove(scene.token, "00000000", "1900-01-01")
        return PortalAccount.objects.get().locked_until - clock.now()

    later(seconds=0)
    assert lock() == timedelta(minutes=15)
    later(minutes=16)
    assert lock() == timedelta(minutes=30)
    later(minutes=31)
    assert scene.at.enter(scene.token, BORN["rosa"]).status_code == 302
    later(minutes=1)
    assert lock() == timedelta(minutes=15)


def test_four_tries_a_day_ago_are_forgotten(scene, later) -> None:
    for _ in range(4):
        scene.at.prove(scene.token, "00000000", "1900-01-01")
    later(hours=25)
    scene.at.prove(scene.token, "00000000", "1900-01-01")
    assert PortalAccount.objects.get().failed_tries == 1


def test_staff_unlock_from_the_persons_page(scene, signed_in) -> None:
    for _ in range(5):
        scene.at.prove(scene.token, "00000000", "1900-01-01")
    nora = signed_in("nora")
    assert nora.post(f"/portal/inbox/people/{scene.rosa.id}/unlock/").status_code == 302
    assert scene.at.enter(scene.token, BORN["rosa"]).status_code == 302
    assert AuditEntry.objects.filter(action="portal.unlock", actor_kind="staff").count() == 1
    assert signed_in("otto").post(f"/portal/inbox/people/{scene.rosa.id}/unlock/").status_code == 403


def test_codes_cannot_be_asked_for_without_end(scene, letters) -> None:
    for _ in range(6):
        assert scene.at.client.post(f"/portal/m/{scene.token}/code/").status_code == 302
    assert scene.at.client.post(f"/portal/m/{scene.token}/code/").status_code == 429
    assert len(letters()) == 6


# -- The household -------------------------------------------------------------------------------------------------


def test_in_a_shared_mailbox_the_date_of_birth_decides_whose_messages_are_shown(scene, luis, new_browser) -> None:
    write_to(luis, subject="For Luis only")
    at = new_browser()
    answer = at.enter(scene.token, BORN["luis"])
    assert answer["Location"] == "/portal/messages/"
    page = text_of(at.open("/portal/messages/"))
    assert "For Luis only" in page
    assert "mammogram" not in page
    assert at.open(f"/portal/messages/{scene.public}/").status_code == 404


def test_no_name_is_shown_before_somebody_proved_who_they_are(scene, luis) -> None:
    write_to(luis)
    for path in ("", "prove/", "not-me/"):
        page = text_of(scene.at.open(f"/portal/m/{scene.token}/{path}"))
        for word in ("Rosa", "Luis", "Marín", "1961", "MRN"):
            assert word not in page


def test_the_wrong_answers_of_one_count_for_all_they_could_have_opened(scene, luis) -> None:
    write_to(luis)
    for _ in range(5):
        scene.at.prove(scene.token, "00000000", BORN["rosa"])
    assert all(account.is_locked(clock.now()) for account in PortalAccount.objects.all())


def test_twins_are_told_apart_by_their_last_digits(clinic, new_browser) -> None:
    ana = make_person("Ana", "1990-05-05", mrn="A-7711")
    eva = make_person("Eva", "1990-05-05", mrn="A-7722")
    write_to(ana, subject="For Ana")
    token = write_to(eva, subject="For Eva").token
    at = new_browser()
    code = at.ask(token)
    asked = at.prove(token, code, "1990-05-05")
    assert asked.status_code == 200
    assert "Last 4 digits" in text_of(asked)
    assert at.prove(token, code, "1990-05-05", digits="0000").status_code == 422
    answer = at.prove(token, code, "1990-05-05", digits="7722")
    assert answer.status_code == 302
    assert "For Eva" in text_of(at.open("/portal/messages/"))
    assert "For Ana" not in text_of(at.open("/portal/messages/"))


def test_twins_who_share_everything_are_asked_to_call(clinic, new_browser) -> None:
    for name in ("Ana", "Eva"):
        token = write_to(make_person(name, "1990-05-05", phone="859-555-0101")).token
    at = new_browser()
    answer = at.enter(token, "1990-05-05")
    assert answer.status_code == 403
    assert 'Please call <span class="nowrap">(859) 555-0142</span>' in text_of(answer)
    assert not PortalSession.objects.exists()


def test_a_mailbox_that_belongs_to_somebody_else_by_now_opens_nothing(scene) -> None:
    from apps.contacts.services import contact_update

    contact_update(
        actor=actors.COMMAND_LINE,
        person_id=scene.rosa.id,
        profile={**scene.rosa.profile, "email": "rosa.new@goodmail.test"},
        version=1,
    )
    assert scene.at.open(f"/portal/m/{scene.token}/").status_code == 404
    assert scene.at.client.post(f"/portal/m/{scene.token}/code/").status_code == 404


# -- Minors --------------------------------------------------------------------------------------------------------


def test_a_mother_reads_for_her_child_until_the_child_is_of_age(clinic, new_browser, noon, later) -> None:
    mother = make_person("Rosa", BORN["rosa"])
    child = make_person("Nico", "2008-12-01", email="", guardian_id=mother.id)
    from apps.contacts import search_values

    stored = services.message_store(
        actor=actors.system("test"),
        person_id=child.id,
        record_key=child.record_key,
        mailbox=search_values.mailbox(HOUSE),
        guardian_id=mother.id,
        content={"subject": "Nico's shot", "sender": "", "text": "Soon.", "html": "", "level": 2},
    )
    at = new_browser()
    assert at.enter(stored.token, "2008-12-01").status_code == 302
    assert "Nico&#x27;s shot" in text_of(at.open("/portal/messages/"))
    later(days=30)
    grown = new_browser().enter(stored.token, "2008-12-01")
    assert grown.status_code == 403
    assert "call" in text_of(grown)


# -- This is not me ------------------------------------------------------------------------------------------------


def test_this_is_not_me_stops_mail_for_that_person_and_tells_staff(scene, luis, new_browser) -> None:
    write_to(luis)
    scene.at.enter(scene.token, BORN["rosa"])
    other = new_browser()
    asked = other.open(f"/portal/m/{scene.token}/not-me/")
    assert "mammogram" not in text_of(asked)
    answer = other.client.post(f"/portal/m/{scene.token}/not-me/")
    assert answer["Location"] == "/portal/thanks/"
    assert "Thank you" in text_of(other.open("/portal/thanks/"))
    assert open_person(actor=actors.COMMAND_LINE, purpose="scene", person_id=scene.rosa.id).email == ""
    assert open_person(actor=actors.COMMAND_LINE, purpose="scene", person_id=luis.id).email == HOUSE
    assert PersonIdentity.objects.filter(kind=1).count() == 1
    assert InboxTask.objects.get().person_id == scene.rosa.id
    assert scene.at.open("/portal/messages/")["Location"] == "/portal/ended/", "her session ended too"
    assert new_browser().open(f"/portal/m/{scene.token}/").status_code == 404


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
    assert "whole e\u2011mail address" in text_of(answer), "in one piece at the end of a line"


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
    assert not InboxTask.objects.exists()


def test_a_staff_session_is_no_patient_and_a_patient_is_no_staff(scene, signed_in) -> None:
    assert signed_in("ada").get("/portal/messages/")["Location"] == "/portal/"
    scene.at.enter(scene.token, BORN["rosa"])
    assert scene.at.open("/portal/inbox/")["Location"].startswith("/account/sign-in/")


# -- Language --------------------------------------------------------------------------------------------------------


def test_every_page_speaks_spanish_and_remembers_it(scene) -> None:
    first = scene.at.open(f"/portal/m/{scene.token}/?lang=es")
    assert '<html lang="es">' in text_of(first)
    assert "Hay un mensaje para usted" in text_of(first)
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
