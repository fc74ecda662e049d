"""The pages about what comes back: who may open them, and what they do."""

from __future__ import annotations

import pytest

from apps.audit.models import AuditEntry
from apps.contacts.models import Suppression
from apps.core import actors
from apps.delivery import services
from apps.delivery.letters.services import letters_judge
from apps.delivery.models import HygieneRun, InboundMail
from apps.delivery.returns import services as inbound
from tests.mail.proof.zone import Signer, Zone
from tests.text import without_tokens

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("strangers_in_process")]
CLI = actors.COMMAND_LINE


@pytest.fixture
def domain(db):
    services.settings_change(actor=CLI, version=0, sending_domain="clinic.test", bounce_domain="bounce.clinic.test")


@pytest.fixture
def answer(domain, people):
    people("dana@goodmail.test")
    raw = b"From: Dana <dana@goodmail.test>\r\nSubject: <b>My visit</b>\r\n\r\nCan I come <i>later</i>?\r\n"
    zone = Zone()
    raw = Signer(zone, "goodmail.test").sign(raw)
    inbound.mail_receive(actor=actors.system("receiver"), recipient="care@clinic.test", raw=raw)
    letters_judge(actor=actors.system("receiver"), names=zone)
    return InboundMail.objects.get()


def test_nora_reads_and_finishes_an_answer(signed_in, answer):
    nora = signed_in("nora")
    page = nora.get("/delivery/mail/").content.decode()
    assert "P••• D•••" in page
    assert "Pat0" not in without_tokens(page)
    assert not AuditEntry.objects.filter(action="mail.open").exists()
    page = nora.get(f"/delivery/mail/{answer.pk}/").content.decode()
    assert "Can I come &lt;i&gt;later&lt;/i&gt;?" in page
    assert "<b>My visit</b>" not in page
    assert "Proven: signed by goodmail.test" in page
    assert AuditEntry.objects.filter(action="mail.open").count() == 1
    assert nora.get(f"/delivery/mail/{answer.pk}/finish/").status_code == 405
    nora.post(f"/delivery/mail/{answer.pk}/finish/")
    assert "Nothing waits" in nora.get("/delivery/mail/").content.decode()
    assert "Answered" in nora.get("/delivery/mail/?show=all").content.decode()


@pytest.mark.parametrize("who", ["max", "rita", "otto"])
def test_others_read_no_answers(signed_in, answer, who):
    client = signed_in(who)
    assert client.get("/delivery/mail/").status_code == 403
    assert client.get(f"/delivery/mail/{answer.pk}/").status_code == 403
    assert client.get("/delivery/mail/sorted/").status_code == 403
    assert client.get(f"/delivery/mail/{answer.pk}/original/").status_code == 403
    assert client.post(f"/delivery/mail/{answer.pk}/finish/").status_code == 403
    assert client.post(f"/delivery/mail/{answer.pk}/letter/").status_code == 403


def test_an_unknown_number_is_a_404(signed_in):
    nora = signed_in("nora")
    for address in ("999999/", "999999/original/"):
        assert nora.get(f"/delivery/mail/{address}").status_code == 404


def test_the_report_says_who_and_why(signed_in, people):
    people("info@goodmail.test", "dana@gmial.com")
    services.clean_list(actor=CLI)
    max_ = signed_in("max")
    page = max_.get("/delivery/list/?flag=typo").content.decode()
    assert "Meant gmail.com?" in page
    assert "dana@gmial.com" not in page
    assert "Pat1 Doe" in page
    assert "Pat0 Doe" in max_.get("/delivery/list/?flag=role").content.decode()
    assert max_.get("/delivery/list/?flag=nonsense").status_code == 200


def test_before_the_first_night_the_page_says_so(signed_in):
    assert "not looked at yet" in signed_in("ada").get("/delivery/list/").content.decode()


def test_only_who_may_edit_changes_the_rules(signed_in, people):
    people("info@goodmail.test")
    services.clean_list(actor=CLI)
    ada, max_ = signed_in("ada"), signed_in("max")
    given = {"version": 0, "unengaged_days": 90, "unengaged_messages": 3}
    assert max_.post("/delivery/list/settings/", given).status_code == 403
    assert max_.post("/delivery/list/run/").status_code == 403
    assert ada.post("/delivery/list/settings/", given).status_code == 302
    assert 'value="90"' in ada.get("/delivery/list/").content.decode()
    assert ada.post("/delivery/list/settings/", {**given, "unengaged_days": 2}).status_code == 422
    assert ada.post("/delivery/list/settings/", given).status_code == 422


def test_a_rest_is_ended_by_hand(signed_in, people):
    (dana,) = people("dana@goodmail.test")
    run = HygieneRun.objects.create(state="finished", counts={"unengaged": 1})
    run.findings.create(person_id=dana.id, flag="unengaged", rested=True)
    from apps.contacts.person import search_values
    from apps.contacts.services import suppress_many

    mailbox = search_values.mailbox("dana@goodmail.test")
    suppress_many(actor=CLI, mailboxes=[mailbox], scope="commercial", reason="hygiene")
    ada = signed_in("ada")
    assert "End rest" in ada.get("/delivery/list/?flag=unengaged").content.decode()
    ada.post(f"/delivery/list/wake/{dana.id}/")
    assert not Suppression.objects.exists()


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_fifty(signed_in, people, questions):
    ada, path = signed_in("ada"), "/delivery/list/?flag=typo"
    people("x0@gmial.com")
    services.clean_list(actor=CLI)
    one = questions(ada, path)
    people(*[f"info{n}@goodmail.test" for n in range(50)], *[f"x{n}@gmial.com" for n in range(1, 50)])
    services.clean_list(actor=CLI)
    assert questions(ada, path) == one
