"""Staff: see who wrote, answer, hand over, close; look after the mailboxes that said "not me"."""

from __future__ import annotations

import re
import uuid

import pytest

from apps.audit.models import AuditEntry
from apps.contacts.person import search_values
from apps.contacts.person.selectors import open_person
from apps.core import actors, clock
from apps.inbox.models import StaffTask
from apps.portal import services
from apps.portal.models import Conversation, PortalAccount, Reply, SecureMessage
from apps.portal.policy import IDLE
from apps.portal.services.messages import conversation_of
from tests.portal.conftest import BORN, HOUSE, make_person, words_of, write_to
from tests.text import without_tokens

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    return response.content.decode()


def patient_writes(person, subject: str = "Your visit", text: str = "May I bring my daughter?", message=None):
    message = message or write_to(person, subject=subject).message
    services.reply_send(
        actor=actors.patient(person.id), person_id=person.id, public=str(message.public), text=text, once=uuid.uuid4()
    )
    return conversation_of(message)


@pytest.fixture
def nora(signed_in):
    return signed_in("nora")


@pytest.fixture
def conversation(rosa):
    return patient_writes(rosa)


def answer(client, conversation, text: str = "Of course.", once: uuid.UUID | None = None):
    client.get(f"/portal/inbox/{conversation.pk}/")
    return client.post(f"/portal/inbox/{conversation.pk}/answer/", {"text": text, "once": str(once or uuid.uuid4())})


def test_the_list_shows_who_waits_with_masked_names_and_without_words(nora, conversation) -> None:
    page = text_of(nora.get("/portal/inbox/"))
    assert "R••• M•••" in page
    assert "Unread" in page
    for word in ("Rosa", "Marín", "daughter", "Your visit", HOUSE):
        assert word not in without_tokens(page)
    assert AuditEntry.objects.filter(action="conversation.list", people_count=1).exists()


def test_who_was_only_looked_at_still_waits(nora, conversation) -> None:
    """Nora opens a reply, the telephone rings, and the next morning nothing would say that nobody answered."""
    nora.get(f"/portal/inbox/{conversation.pk}/")
    page = nora.get("/portal/inbox/")
    assert "Not answered" in text_of(page)
    assert page.context["tabs"][0]["count"] == 1
    assert page.context["menu_counts"]["Inbox"] == 1
    assert "1 reply from patients" in text_of(nora.get("/"))
    answer(nora, conversation)
    page = nora.get("/portal/inbox/")
    assert "Not answered" not in text_of(page)
    assert "We wrote last" in text_of(page)
    assert page.context["tabs"][0]["count"] == 0
    assert "from patients" not in text_of(nora.get("/"))


def test_closing_says_that_no_answer_is_needed(nora, conversation) -> None:
    nora.get(f"/portal/inbox/{conversation.pk}/")
    nora.post(f"/portal/inbox/{conversation.pk}/close/")
    assert nora.get("/portal/inbox/").context["tabs"][0]["count"] == 0


@pytest.mark.parametrize(("name", "status"), [("ada", 200), ("nora", 200), ("max", 403), ("rita", 403), ("otto", 403)])
def test_only_those_who_work_with_patients_see_the_inbox(signed_in, conversation, name, status) -> None:
    who = signed_in(name)
    for path in ("", f"{conversation.pk}/", "tasks/"):
        assert who.get(f"/portal/inbox/{path}").status_code == status
    if status == 403:
        assert answer(who, conversation).status_code == 403
        assert Reply.objects.count() == 1


def test_unread_come_first_then_the_latest(nora, clinic, later) -> None:
    later(seconds=0)
    first = patient_writes(make_person("Ana", "1990-01-01", "ana@goodmail.test"))
    later(minutes=1)
    second = patient_writes(make_person("Bea", "1990-01-02", "bea@goodmail.test"))
    later(minutes=1)
    third = patient_writes(make_person("Cleo", "1990-01-03", "cleo@goodmail.test"))
    nora.get(f"/portal/inbox/{third.pk}/")
    page = text_of(nora.get("/portal/inbox/"))
    order = [int(found) for found in re.findall(r"/portal/inbox/(\d+)/", page)]
    assert order == [second.pk, first.pk, third.pk]


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_fifty(nora, clinic, questions) -> None:
    def write(numbers: range) -> None:
        for number in numbers:
            patient_writes(make_person(f"P{number}", "1990-01-01", f"p{number}@goodmail.test"))

    write(range(1))
    one = questions(nora, "/portal/inbox/")
    write(range(1, 50))
    assert questions(nora, "/portal/inbox/") == one
    assert text_of(nora.get("/portal/inbox/")).count("P•••") > 12


def test_opening_is_on_the_trail_and_marks_as_read(nora, conversation) -> None:
    page = text_of(nora.get(f"/portal/inbox/{conversation.pk}/"))
    assert "May I bring my daughter?" in page
    assert "Rosa Marín" in page
    conversation.refresh_from_db()
    assert conversation.unread == 0
    assert Reply.objects.get().read_at is not None
    entry = AuditEntry.objects.filter(action="conversation.open").latest("id")
    assert entry.actor_id == str(nora.staff.pk)
    assert entry.people_count == 1
    assert nora.get("/portal/inbox/999999/").status_code == 404


def test_an_answer_waits_in_the_portal_and_the_notice_tells_nothing(nora, conversation, letters, new_browser) -> None:
    assert answer(nora, conversation, "Your biopsy is fine.").status_code == 302
    letter = letters()[-1]
    whole = letter.as_string() + words_of(letter)
    assert letter.mailbox == HOUSE
    assert letter["Subject"] == "Tiene un mensaje de Bluegrass Family Clinic", "in Rosa's language"
    assert letter["Auto-Submitted"] == "auto-generated"
    for word in ("biopsy", "Your visit", "Rosa", "Marín", "Nora"):
        assert word not in without_tokens(whole)
    assert (letter.row.kind, letter.row.purpose) == ("notice", "treatment")
    token = re.search(r"/portal/m/([\w-]{43})/", words_of(letter)).group(1)
    at = new_browser()
    entered = at.enter(token, BORN["rosa"])
    page = text_of(at.open(entered["Location"]))
    assert "Your biopsy is fine." in page
    assert "Re: Your visit" in page
    assert "May I bring my daughter?" in page, "the history stands below"
    assert "read" in text_of(nora.get(f"/portal/inbox/{conversation.pk}/"))
    assert AuditEntry.objects.filter(action="conversation.answer", codes__level=2, purpose="treatment").count() == 1


def test_patient_and_staff_go_on_in_one_conversation(nora, conversation, rosa) -> None:
    answer(nora, conversation)
    carried = SecureMessage.objects.latest("id")
    patient_writes(rosa, text="Thank you!", message=carried)
    assert Conversation.objects.count() == 1
    conversation.refresh_from_db()
    assert conversation.unread == 1
    directions = list(conversation.replies.order_by("pk").values_list("direction", flat=True))
    assert directions == ["patient", "staff", "patient"]


def test_line_breaks_in_a_subject_never_reach_a_header(nora, rosa, letters) -> None:
    conversation = patient_writes(rosa, subject="Hi\r\nBcc: thief@evil.test\r\n\r\nbody")
    answer(nora, conversation)
    letter = letters()[-1]
    assert letter["Bcc"] is None
    assert "thief@evil" not in letter.as_string()
    page = text_of(nora.get(f"/portal/inbox/{conversation.pk}/"))
    assert "Bcc: thief" in page


def test_an_answer_is_sent_once_and_refusals_keep_the_text(nora, conversation) -> None:
    once = uuid.uuid4()
    for _ in range(2):
        assert answer(nora, conversation, "Once", once).status_code == 302
    assert Reply.objects.filter(direction="staff").count() == 1
    refused = answer(nora, conversation, "y" * 5001)
    assert refused.status_code == 422
    assert "y" * 5001 in text_of(refused)
    assert "Shorten it" in text_of(refused)


def test_who_has_no_mailbox_any_more_is_called_instead(nora, conversation, rosa) -> None:
    from apps.contacts.services import contact_update

    profile = {name: value for name, value in rosa.profile.items() if name != "email"}
    contact_update(actor=actors.COMMAND_LINE, person_id=rosa.id, profile=profile, version=1)
    refused = answer(nora, conversation, "Are you there?")
    assert refused.status_code == 422
    assert "Call the patient instead" in text_of(refused)
    assert "Are you there?" in text_of(refused)


def test_an_answer_about_a_child_goes_to_the_mother(nora, clinic, letters, new_browser, noon) -> None:
    mother = make_person("Rosa", BORN["rosa"], language="es")
    child = make_person("Nico", "2016-12-01", email="", guardian_id=mother.id)
    first = services.message_store(
        actor=actors.COMMAND_LINE,
        person_id=child.id,
        record_key=child.record_key,
        mailbox=search_values.mailbox(HOUSE),
        guardian_id=mother.id,
        content={"subject": "Shot", "sender": "", "text": "Soon.", "html": "", "level": 2, "origin": {}},
    )
    conversation = patient_writes(child, message=first.message)
    assert answer(nora, conversation, "Nico is fine.").status_code == 302
    letter = letters()[-1]
    assert letter.mailbox == HOUSE
    token = re.search(r"/portal/m/([\w-]{43})/", words_of(letter)).group(1)
    at = new_browser()
    assert "Nico is fine." in text_of(at.open(at.enter(token, "2016-12-01")["Location"]))


def test_assign_close_and_reopen(nora, conversation, cast) -> None:
    base = f"/portal/inbox/{conversation.pk}"
    nora.post(f"{base}/assign/", {"user": str(cast.nora.pk)})
    assert "R•••" in text_of(nora.get("/portal/inbox/?view=mine"))
    nora.post(f"{base}/assign/", {"user": str(cast.otto.pk)})
    conversation.refresh_from_db()
    assert conversation.assigned_id == cast.nora.pk, "an auditor cannot answer patients"
    nora.get(f"{base}/")
    nora.post(f"{base}/close/")
    assert "R•••" not in text_of(nora.get("/portal/inbox/"))
    assert "R•••" in text_of(nora.get("/portal/inbox/?view=closed"))
    nora.post(f"{base}/reopen/")
    conversation.refresh_from_db()
    assert conversation.state == "open"
    actions = AuditEntry.objects.filter(kind="conversation", actor_kind="staff").values_list("action", flat=True)
    assert {"conversation.assign", "conversation.close", "conversation.reopen"} <= set(actions)


def test_a_new_reply_opens_a_closed_conversation(nora, conversation, rosa) -> None:
    nora.get(f"/portal/inbox/{conversation.pk}/")
    nora.post(f"/portal/inbox/{conversation.pk}/close/")
    patient_writes(rosa, text="One more thing", message=conversation.message)
    conversation.refresh_from_db()
    assert (conversation.state, conversation.unread) == ("open", 1)


def test_the_correspondence_of_an_erased_person_is_kept(nora, conversation, rosa) -> None:
    from apps.contacts.services import contact_erase

    contact_erase(actor=actors.COMMAND_LINE, person_id=rosa.id, reason="asked")
    assert "Erased person" in text_of(nora.get("/portal/inbox/"))
    page = text_of(nora.get(f"/portal/inbox/{conversation.pk}/"))
    assert "May I bring my daughter?" in page
    assert "was erased" in page
    assert answer(nora, conversation).status_code == 422


# -- Tasks ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def task(rosa, new_browser):
    stored = write_to(rosa)
    new_browser().client.post(f"/portal/m/{stored.token}/not-me/")
    return StaffTask.objects.get()


def test_not_me_is_a_task_and_an_answer_is_refused_meanwhile(nora, task, rosa) -> None:
    assert "Somebody said: this is not me" in text_of(nora.get("/portal/inbox/tasks/"))
    page = text_of(nora.get(f"/portal/inbox/tasks/{task.pk}/"))
    assert HOUSE in page
    assert "Rosa Marín" in page
    assert AuditEntry.objects.filter(action="task.open", people_count=1).exists()
    nora.post(f"/portal/inbox/tasks/{task.pk}/done/")
    task.refresh_from_db()
    assert task.state == "done"
    assert open_person(actor=actors.COMMAND_LINE, purpose="scene", person_id=rosa.id).email == ""
    assert nora.get("/portal/inbox/tasks/999999/").status_code == 404


def test_staff_put_a_right_address_back(nora, task, rosa, new_browser, letters) -> None:
    nora.post(f"/portal/inbox/tasks/{task.pk}/put-back/")
    assert open_person(actor=actors.COMMAND_LINE, purpose="scene", person_id=rosa.id).email == HOUSE
    stored = write_to(rosa)
    assert new_browser().enter(stored.token, BORN["rosa"]).status_code == 302
    task.refresh_from_db()
    assert (task.state, task.done_at is not None) == ("done", True)
    assert clock.now() >= task.done_at


# -- The person's page -----------------------------------------------------------------------------------------------


def test_the_persons_page_says_how_the_portal_stands_and_lets_staff_unlock(nora, conversation, rosa, signed_in) -> None:
    page = text_of(nora.get(f"/contacts/{rosa.id}/"))
    assert "Portal" in page
    assert "One-time code" in page
    assert f"/portal/inbox/{conversation.pk}/" in page
    assert "Unlock portal access" not in page
    PortalAccount.objects.update(failed_tries=0, locks=1, locked_until=clock.now() + IDLE)
    page = text_of(nora.get(f"/contacts/{rosa.id}/"))
    assert "Locked" in page
    assert "Unlock portal access" in page
    assert "Unlock portal access" not in text_of(signed_in("max").get(f"/contacts/{rosa.id}/"))
    assert f"/portal/inbox/{conversation.pk}/" not in text_of(signed_in("max").get(f"/contacts/{rosa.id}/"))
    assert nora.post(f"/portal/inbox/people/{rosa.id}/unlock/")["Location"] == f"/contacts/{rosa.id}/"


def test_staff_close_portal_access_and_open_it_again(nora, rosa, new_browser) -> None:
    token = write_to(rosa).token
    at = new_browser()
    at.enter(token, BORN["rosa"])
    nora.post(f"/portal/inbox/people/{rosa.id}/access/", {"open": ""})
    assert "Closed" in text_of(nora.get(f"/contacts/{rosa.id}/"))
    assert at.open("/portal/messages/").status_code == 302
    assert new_browser().open(f"/portal/m/{token}/").status_code == 404
    nora.post(f"/portal/inbox/people/{rosa.id}/access/", {"open": "yes"})
    assert new_browser().enter(token, BORN["rosa"]).status_code == 302
    assert AuditEntry.objects.filter(action__in=["portal.close", "portal.open"]).count() == 2


def test_what_a_patient_writes_meanwhile_is_not_answered_unread(nora, conversation, rosa) -> None:
    """Nora types that all is well; below what she saw stands by now: "My chest hurts"."""
    base = f"/portal/inbox/{conversation.pk}"
    nora.get(f"{base}/")
    patient_writes(rosa, text="My chest hurts", message=conversation.message)
    refused = nora.post(f"{base}/answer/", {"text": "All is well.", "once": str(uuid.uuid4())})
    assert refused.status_code == 422
    page = text_of(refused)
    assert "the patient wrote again" in page
    assert "My chest hurts" in page
    assert "All is well." in page, "nothing that was typed is lost"
    assert not Reply.objects.filter(direction="staff").exists()
    answer(nora, conversation, "Call 911 now.")
    assert Reply.objects.get(direction="staff").author == nora.staff


def test_what_a_patient_writes_meanwhile_is_not_closed_unread(nora, conversation, rosa) -> None:
    base = f"/portal/inbox/{conversation.pk}"
    nora.get(f"{base}/")
    patient_writes(rosa, text="My chest hurts", message=conversation.message)
    assert nora.post(f"{base}/close/")["Location"] == f"{base}/"
    conversation.refresh_from_db()
    assert (conversation.state, conversation.unread) == ("open", 1)
