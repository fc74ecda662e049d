"""Reading and replying: what is on the trail first, what is kept, what nobody else can reach."""

from __future__ import annotations

import re
import uuid

import pytest

from apps.audit.models import AuditEntry
from apps.contacts.models import TimelineEvent, TimelineSummary
from apps.contacts.person import selectors as contacts
from apps.core import actors
from apps.portal.models import Conversation, Reply, SecureMessage
from apps.portal.policy import REPLIES_PER_HOUR, REPLY_LENGTH
from apps.vault import tokens
from tests.portal.conftest import BORN, write_to

pytestmark = pytest.mark.django_db

MAIL = (
    "<!doctype html><html><head><title>x</title></head><body><h1>Your result</h1>"
    "<script>alert(1)</script><img src=x onerror=alert(2)><a href='https://clinic.test/'>Call</a></body></html>"
)


def text_of(response) -> str:
    return response.content.decode()


@pytest.fixture
def reading(scene):
    """Rosa is in."""
    scene.at.enter(scene.token, BORN["rosa"])
    scene.page = f"/portal/messages/{scene.public}/"
    return scene


def events_of(person_id: int) -> list[str]:
    record = contacts.open_person(actor=actors.COMMAND_LINE, purpose="scene", person_id=person_id)
    contacts.load_events({person_id: record})
    return [event["kind"] for event in record.events]


# -- Reading -----------------------------------------------------------------------------------------------------


def test_the_trail_knows_before_the_patient_reads(reading, monkeypatch) -> None:
    from apps.portal.services import messages

    def broken(**given):
        raise OSError("the trail cannot be written")

    monkeypatch.setattr(messages, "record_read", broken)
    with pytest.raises(OSError, match="trail"):
        reading.at.open(reading.page)
    assert SecureMessage.objects.get().read_at is None
    monkeypatch.undo()
    reading.at.open(reading.page)
    entry = AuditEntry.objects.filter(action="secure_message.open").latest("id")
    assert entry.actor_kind == "patient"
    assert entry.actor_id == str(reading.rosa.id)
    assert entry.people_count == 1


def test_the_first_reading_is_one_event_and_each_is_counted(reading) -> None:
    for _ in range(3):
        reading.at.open(reading.page)
    row = SecureMessage.objects.get()
    assert row.opened == 3
    assert events_of(reading.rosa.id) == ["message.read"]
    assert TimelineEvent.objects.count() == 1


def test_reading_a_campaigns_message_can_be_asked_for_in_segments(rosa, new_browser) -> None:
    stored = write_to(rosa, origin={"campaign": 12})
    at = new_browser()
    at.enter(stored.token, BORN["rosa"])
    at.open(f"/portal/messages/{stored.message.public}/")
    for name in ("kind:message.read", "message.read:campaign:12"):
        group = tokens.token63("group", name)
        assert TimelineSummary.objects.get(group=group, person_id=rosa.id).count == 1


def test_a_designed_mail_stands_in_a_frame_in_which_nothing_acts(rosa, new_browser) -> None:
    stored = write_to(rosa, html=MAIL)
    at = new_browser()
    at.enter(stored.token, BORN["rosa"])
    page = text_of(at.open(f"/portal/messages/{stored.message.public}/"))
    assert "alert(" not in page
    assert 'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"' in page
    body = at.open(f"/portal/messages/{stored.message.public}/body/")
    policy = body["Content-Security-Policy"]
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in policy
    assert "sandbox allow-same-origin allow-popups" in policy
    assert "https:" not in policy
    assert "<script" not in text_of(body)
    assert '<base target="_blank">' in text_of(body)
    assert "Plain text" in page
    assert "Please call us" in text_of(at.open(f"/portal/messages/{stored.message.public}/?text"))


def test_plain_text_shows_tags_as_text(rosa, new_browser) -> None:
    stored = write_to(rosa, subject="<b>Hi</b>", text="<script>alert(1)</script> a < b")
    at = new_browser()
    at.enter(stored.token, BORN["rosa"])
    page = text_of(at.open(f"/portal/messages/{stored.message.public}/"))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b&gt;Hi&lt;/b&gt;" in page


@pytest.mark.parametrize("form", ["html", "txt"])
def test_a_copy_to_keep_has_a_neutral_name_and_a_trace(rosa, new_browser, form) -> None:
    stored = write_to(rosa, html=MAIL if form == "html" else "")
    at = new_browser()
    at.enter(stored.token, BORN["rosa"])
    answer = at.open(f"/portal/messages/{stored.message.public}/download.{form}")
    assert answer["Content-Disposition"] == f'attachment; filename="message.{form}"'
    assert "<script" not in text_of(answer)
    assert ("Your result" if form == "html" else "call us about your result") in text_of(answer)
    assert AuditEntry.objects.filter(action="secure_message.export", codes__form=form).count() == 1
    assert at.open(f"/portal/messages/{stored.message.public}/download.exe").status_code == 404


def test_somebody_elses_message_is_a_404_in_every_way(reading, luis) -> None:
    other = write_to(luis, html=MAIL).message.public
    for path in ("", "body/", "download.txt", "download.html"):
        assert reading.at.open(f"/portal/messages/{other}/{path}").status_code == 404
    for path in ("reply/", "draft/"):
        assert reading.at.client.post(f"/portal/messages/{other}/{path}", {"text": "x"}).status_code == 404
    assert not Reply.objects.exists()
    assert SecureMessage.objects.get(public=other).draft is None
    never = uuid.uuid4()
    assert reading.at.open(f"/portal/messages/{never}/").status_code == 404


def test_an_expired_message_is_gone_from_list_and_page(reading, later, new_browser) -> None:
    later(days=179)
    fresh = write_to(reading.rosa, subject="A newer one")
    later(days=2)
    at = new_browser()
    at.enter(fresh.token, BORN["rosa"])
    page = text_of(at.open("/portal/messages/"))
    assert "A newer one" in page
    assert "mammogram" not in page
    assert at.open(reading.page).status_code == 404


def test_an_erased_person_has_no_way_in(reading) -> None:
    from apps.contacts.services import contact_erase

    contact_erase(actor=actors.COMMAND_LINE, person_id=reading.rosa.id, reason="She asked")
    assert reading.at.open(reading.page).status_code == 302
    assert reading.at.open(f"/portal/m/{reading.token}/").status_code == 404


def test_what_has_no_use_any_more_goes_and_the_correspondence_stays(reading, later) -> None:
    from apps.contacts.services import contact_erase
    from apps.portal import services
    from apps.portal.models import AccessCode, NoticeLink, PortalAccount, PortalSession, Throttle

    reply(reading.at, reading.page, "Kept by law")
    reading.at.client.post(f"{reading.page}draft/", {"text": "half"})
    assert services.sessions_clear() == 0, "nothing that is in use"
    contact_erase(actor=actors.COMMAND_LINE, person_id=reading.rosa.id, reason="She asked")
    services.sessions_clear()
    for model in (PortalAccount, PortalSession, NoticeLink):
        assert not model.objects.exists()
    assert SecureMessage.objects.get().draft is None
    assert Reply.objects.count() == 1
    later(days=3)
    services.sessions_clear()
    assert not AccessCode.objects.exists()
    assert not Throttle.objects.exists()


# -- Replying ----------------------------------------------------------------------------------------------------


def reply(at, page: str, text: str, once: uuid.UUID | None = None):
    return at.client.post(f"{page}reply/", {"text": text, "once": str(once or uuid.uuid4())})


def test_a_reply_reaches_the_inbox_and_the_timeline(reading) -> None:
    answer = reply(reading.at, reading.page, "Can I come on Monday?\r\nThank you")
    assert answer["Location"] == f"{reading.page}?sent#conversation"
    page = text_of(reading.at.open(f"{reading.page}?sent"))
    assert "Can I come on Monday?<br>Thank you" in page
    assert "Your reply was sent" in page
    conversation = Conversation.objects.get()
    assert conversation.unread == 1
    assert "message.replied" in events_of(reading.rosa.id)
    assert AuditEntry.objects.filter(action="secure_message.reply", actor_kind="patient").count() == 1


def test_the_reply_is_sealed(reading) -> None:
    from django.db import connection

    reply(reading.at, reading.page, "Xylophone words")
    with connection.cursor() as cursor:
        for table in ("portal_reply", "portal_conversation", "portal_securemessage", "audit_auditentry"):
            cursor.execute(f"SELECT t::text FROM {table} t")
            rows = " ".join(row[0] for row in cursor.fetchall())
            for word in ("Xylophone", "mammogram"):
                assert word not in rows
                assert word.encode().hex() not in rows


def test_a_button_pressed_twice_sends_once(reading) -> None:
    once = uuid.uuid4()
    for _ in range(2):
        assert reply(reading.at, reading.page, "Twice", once).status_code == 302
    assert Reply.objects.count() == 1


def test_an_empty_or_too_long_reply_is_refused_and_kept(reading) -> None:
    assert "empty" in text_of(reply(reading.at, reading.page, "  \n "))
    long = "a" * (REPLY_LENGTH + 1)
    answer = reply(reading.at, reading.page, long)
    assert answer.status_code == 422
    assert long in text_of(answer)
    assert "Shorten it to 5,000" in text_of(answer)
    assert not Reply.objects.exists()


def test_a_robot_inside_cannot_flood_the_inbox(reading) -> None:
    for number in range(30):
        reply(reading.at, reading.page, f"Reply {number}")
    assert reply(reading.at, reading.page, "One more").status_code == 422
    assert Reply.objects.count() == REPLIES_PER_HOUR
    assert "One more" in text_of(reading.at.open(reading.page))


def test_html_in_a_reply_stays_text_for_patient_and_staff(reading, signed_in) -> None:
    reply(reading.at, reading.page, "<img src=x onerror=alert(1)> & \x00\x07ok")
    assert "<img src=x" not in text_of(reading.at.open(reading.page))
    nora = signed_in("nora")
    page = text_of(nora.get(f"/portal/inbox/{Conversation.objects.get().pk}/"))
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt; &amp; ok" in page


def test_what_was_typed_survives_the_end_of_the_session(reading, later) -> None:
    later(minutes=16)
    answer = reply(reading.at, reading.page, "I was not done yet")
    assert answer["Location"] == f"/portal/ended/?kept={reading.public}"
    ended = reading.at.open(answer["Location"])
    assert "What you wrote is kept" in text_of(ended)
    assert not Reply.objects.exists()
    assert b"not done yet" not in bytes(SecureMessage.objects.get().draft)
    back = reading.at.client.post("/portal/again/", {"message": str(reading.public)})
    link = re.fullmatch(r"/portal/m/([\w-]{43})/", back["Location"]).group(1)
    entered = reading.at.enter(link, BORN["rosa"])
    page = text_of(reading.at.open(entered["Location"]))
    assert "I was not done yet" in page
    assert "We kept what you wrote" in page
    reply(reading.at, reading.page, "I was not done yet")
    assert SecureMessage.objects.get().draft is None


def test_after_signing_out_nothing_more_is_taken(reading, later) -> None:
    keep = {name: reading.at.client.cookies[name].value for name in ("portal", "portal-browser")}
    reading.at.client.post("/portal/sign-out/")
    for name, value in keep.items():
        reading.at.client.cookies[name] = value
    reply(reading.at, reading.page, "Late")
    assert reading.at.client.post(f"{reading.page}draft/", {"text": "Late"}).status_code == 401
    assert SecureMessage.objects.get().draft is None
    assert reading.at.client.post("/portal/again/", {})["Location"] == "/portal/"


def test_drafts_are_kept_while_typing_and_empty_text_forgets_them(reading) -> None:
    assert reading.at.client.post(f"{reading.page}draft/", {"text": "half a thou"}).json()["seconds"] > 800
    assert "half a thou" in text_of(reading.at.open(reading.page))
    reading.at.client.post(f"{reading.page}draft/", {"text": ""})
    assert SecureMessage.objects.get().draft is None


# -- Beside the pages ------------------------------------------------------------------------------------------------


def test_a_patients_visit_leaves_no_session_of_djangos_and_no_foreign_cookie(reading) -> None:
    from django.contrib.sessions.models import Session

    reading.at.open(reading.page)
    reply(reading.at, reading.page, "Hello")
    assert not Session.objects.exists()
    assert set(reading.at.client.cookies) <= {"portal", "portal-browser", "csrf", "portal-language"}


def test_pages_that_only_take_forms_lead_somewhere_when_opened(reading) -> None:
    for path, target in (
        (f"{reading.page}reply/", reading.page),
        (f"/portal/m/{reading.token}/code/", f"/portal/m/{reading.token}/"),
        ("/portal/sign-out/", "/portal/"),
        ("/portal/again/", "/portal/"),
    ):
        assert reading.at.open(path)["Location"] == target
    assert reading.at.open(reading.page).status_code == 200, "and nobody was signed out"


def test_a_missing_message_is_told_in_the_patients_words(reading) -> None:
    answer = reading.at.open(f"/portal/messages/{uuid.uuid4()}/?lang=es")
    assert answer.status_code == 404
    assert "No encontramos este mensaje" in text_of(answer)


@pytest.mark.parametrize("path", ["/portal/", "/portal/sign-in/", "/portal/lost/"])
def test_the_stranger_pages_are_cached_by_nobody(clinic, client, path) -> None:
    answer = client.get(path)
    assert answer["Cache-Control"] == "no-store"
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]


def test_every_portal_address_is_for_patients_for_staff_or_named_here() -> None:
    from apps.portal.urls import urlpatterns

    strangers = {
        "start", "link", "code", "prove", "not_me", "thanks", "password", "lost", "lost_done", "ended", "again",
        "signed_out", "reply", "draft", "session", "sign_out",
    }  # fmt: skip
    for pattern in urlpatterns:
        guard, portal = pattern.callback.guard, getattr(pattern.callback, "portal", "")
        assert guard.startswith("permission:") or portal == "patient" or pattern.name in strangers, pattern.name
