"""Getting in: the patient, the stranger with the link, the household, the robot, the one who is locked out."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.contacts.models import PersonIdentity
from apps.contacts.person.selectors import open_person
from apps.core import actors, clock
from apps.inbox.models import StaffTask
from apps.portal import policy, services
from apps.portal.models import AccessCode, NoticeLink, PortalAccount, PortalSession, Throttle
from tests.portal.conftest import BORN, HOUSE, a_wrong_day, make_person, words_of, write_to, wrong_code
from tests.text import without_tokens

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    return response.content.decode()


# -- The patient ------------------------------------------------------------------------------------------------


def test_rosa_opens_the_link_proves_who_she_is_and_reads(scene) -> None:
    landing = scene.at.open(f"/portal/m/{scene.token}/")
    assert landing.status_code == 200
    assert "mammogram" not in text_of(landing)
    assert "Rosa" not in without_tokens(text_of(landing))
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
    assert not StaffTask.objects.exists()
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
    for word in ("mammogram", "Rosa", "Marín", "patient", "paciente"):
        assert word not in without_tokens(whole)
    assert scene.token not in whole
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


def test_another_browser_is_not_told_that_a_code_is_on_its_way(scene, new_browser) -> None:
    scene.at.ask(scene.token)
    assert scene.at.client.get(f"/portal/m/{scene.token}/prove/").status_code == 200
    elsewhere = new_browser().client.get(f"/portal/m/{scene.token}/prove/")
    assert elsewhere.headers["Location"] == f"/portal/m/{scene.token}/", "where it can ask for one of its own"


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
            assert word not in without_tokens(page)


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
    from apps.contacts.person import search_values

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
    assert StaffTask.objects.get().person_id == scene.rosa.id
    assert scene.at.open("/portal/messages/")["Location"] == "/portal/ended/", "her session ended too"
    assert new_browser().open(f"/portal/m/{scene.token}/").status_code == 404
