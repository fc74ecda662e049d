"""What comes back: a dead mailbox, a complaint, an answer, and what people forge."""

from __future__ import annotations

import re
import smtplib
import socket
from types import SimpleNamespace

import pytest
from django.db import connection

from apps.audit.models import AuditEntry
from apps.contacts import services as contacts
from apps.contacts.models import Suppression, TimelineEvent
from apps.contacts.person import search_values
from apps.contacts.person import selectors as contact_selectors
from apps.core import actors, clock
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import home, selectors, services
from apps.delivery.models import InboundMail, InboundTally, OutboxMessage
from apps.delivery.models.outbox import RECORD_PLACE, MessageKind
from apps.delivery.outbox import story
from apps.delivery.returns import services as inbound
from apps.delivery.returns.destinations import Incoming, NotHere, destination
from apps.delivery.returns.receiver import Receiver, address_of
from apps.mail import reply_text, return_paths
from apps.vault import keys, sealing
from tests.delivery.conftest import background
from tests.delivery.servers import free_ports
from tests.refusals import refused
from tests.text import without_tokens

CLI = actors.COMMAND_LINE
RECEIVER = actors.system("receiver")
ADDRESS = "dana@goodmail.test"
BOUNCES = "bounce.clinic.test"


@pytest.fixture
def domain(db):
    services.settings_change(
        actor=CLI, version=0, helo="mail.clinic.test", sending_domain="clinic.test", bounce_domain=BOUNCES
    )


@pytest.fixture
def sent(domain, people):
    """Dana, and a message that her mailbox took."""
    (dana,) = people(ADDRESS)
    row = OutboxMessage.objects.create(
        kind=MessageKind.CAMPAIGN,
        stream="bulk",
        source_id=7,
        person_id=dana.id,
        purpose=Purpose.MARKETING,
        level=Level.HEALTH,
        state="sent",
        route="tls",
        finished_at=clock.now(),
    )
    row.record = sealing.seal(dana.record_key, {"to": ADDRESS}, table=RECORD_PLACE, row=row.pk)
    row.save()
    return SimpleNamespace(row=row, dana=dana, path=return_paths.address("bounce", row.pk, BOUNCES, keys.ring().link))


def dsn(status="5.1.1", said="550 5.1.1 user unknown", action="failed", who=ADDRESS):
    return (
        "From: MAILER-DAEMON@mx.goodmail.test\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.goodmail.test\r\n\r\n"
        f"Final-Recipient: rfc822; {who}\r\nAction: {action}\r\n"
        f"Status: {status}\r\nDiagnostic-Code: smtp; {said}\r\n\r\n"
        "--b--\r\n"
    ).encode()


def arf(path):
    return (
        "From: fbl@goodmail.test\r\nSubject: complaint\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"Feedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\nOriginal-Mail-From: <{path}>\r\n\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: redacted\r\n\r\nx\r\n--b--\r\n"
    ).encode()


def letter(sender=ADDRESS, text="Can I come on Tuesday instead?", **headers):
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"From: Dana <{sender}>\r\nSubject: My visit\r\n{extra}\r\n{text}\r\n".encode()


def take(recipient, raw):
    return inbound.mail_receive(actor=RECEIVER, recipient=recipient, raw=raw)


def scopes():
    return dict(Suppression.objects.values_list("scope", "reason"))


def sorted_out():
    """Kind and reason of the one mail that was kept, which is no letter."""
    row = InboundMail.objects.get()
    assert row.state == "noted"
    return row.kind, row.sorting


def kinds(person):
    opened = contact_selectors.open_person(actor=CLI, purpose="scene", person_id=person.id)
    contact_selectors.load_events({person.id: opened})
    return [event["kind"] for event in opened.events]


# -- bounces ---------------------------------------------------------------------------------------------------


def test_a_late_bounce_changes_state_timeline_and_suppression(sent):
    assert take(sent.path, dsn()).verdict == "hard"
    row = OutboxMessage.objects.get()
    assert (row.state, row.reason) == ("bounced", "hard")
    assert kinds(sent.dana) == ["message.bounced"]
    assert scopes() == {"all": "hard_bounce"}
    assert Suppression.objects.filter(mailbox=search_values.mailbox(ADDRESS)).exists()
    evidence = selectors.message_data(actor=CLI, message=row, parts=["evidence"])["evidence"]
    (report,) = evidence["reports"]
    assert (report["verdict"], report["status"]) == ("hard", "5.1.1")
    assert "@" not in report["diagnostic"]
    entry = AuditEntry.objects.get(action="mail.receive")
    assert entry.codes == {"kind": "bounce", "verdict": "hard", "status": "5.1.1"}
    assert entry.actor_kind == "system"


def test_the_same_bounce_twice_is_one(sent):
    assert take(sent.path, dsn()).new
    assert not take(sent.path, dsn()).new
    assert InboundMail.objects.count() == 1
    take(sent.path, dsn(said="550 5.1.1 no such user"))
    assert kinds(sent.dana) == ["message.bounced"]
    assert Suppression.objects.count() == 1


@pytest.mark.parametrize(
    ("status", "said", "reason"),
    [
        ("5.7.1", "550 5.7.1 rejected by policy", "policy"),
        ("5.7.1", "554 5.7.1 message considered spam", "spam"),
        ("5.2.2", "552 5.2.2 mailbox full", "full"),
        ("4.7.1", "450 4.7.1 greylisted", "greylist"),
        ("4.4.7", "delivery time expired", "soft"),
    ],
)
def test_only_dead_mailboxes_are_suppressed(sent, status, said, reason):
    take(sent.path, dsn(status, said))
    row = OutboxMessage.objects.get()
    assert (row.state, row.reason) == ("bounced", reason)
    assert scopes() == {}
    assert kinds(sent.dana) == ["message.bounced"]


def test_the_order_of_reports_does_not_matter(sent):
    reports = [dsn("5.2.2", "552 5.2.2 mailbox full"), dsn(), dsn("4.4.7", "451 delayed", "delayed")]
    for raw in (*reports, *reversed(reports)):
        take(sent.path, raw)
    row = OutboxMessage.objects.get()
    assert (row.state, row.reason) == ("bounced", "hard")
    assert kinds(sent.dana) == ["message.bounced"]


def test_a_delay_is_only_noted(sent):
    assert take(sent.path, dsn("4.4.1", "451 no answer", "delayed")).verdict == "delayed"
    assert OutboxMessage.objects.get().state == "sent"
    assert kinds(sent.dana) == []


def test_the_body_may_name_whom_it_likes(sent, people):
    contacts.contact_create(actor=CLI, profile={"first_name": "Kim", "email": "kim@goodmail.test"})
    assert take(sent.path, dsn(who="kim@goodmail.test")).verdict == "elsewhere"
    assert scopes() == {}
    take(sent.path, dsn(who=ADDRESS.upper()))
    assert not Suppression.objects.filter(mailbox=search_values.mailbox("kim@goodmail.test")).exists()
    assert Suppression.objects.filter(mailbox=search_values.mailbox(ADDRESS)).exists()


def test_a_forward_that_failed_ends_nobody_and_staff_read_it_on_the_persons_page(sent):
    take(sent.path, dsn(who="dana.work@elsewhere.test"))
    row = OutboxMessage.objects.get()
    assert (row.state, row.reason) == ("sent", "elsewhere")
    assert scopes() == {}
    assert kinds(sent.dana) == []
    assert "forward failed" in story.reason_words(row.reason)
    evidence = selectors.message_data(actor=CLI, message=row, parts=["evidence"])["evidence"]
    assert evidence["reports"][0]["verdict"] == "elsewhere"
    assert "dana" not in evidence["reports"][0]["diagnostic"]


def test_of_an_alias_only_the_mailbox_written_to_counts(sent):
    block = "Final-Recipient: rfc822; other@elsewhere.test\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n"
    raw = dsn().replace(b"Final-Recipient", block.encode() + b"Final-Recipient", 1)
    assert take(sent.path, raw).verdict == "hard"


def test_a_message_that_arrives_after_all_is_delivered(sent):
    take(sent.path, dsn("4.2.2", "452 mailbox full", "delayed"))
    row = OutboxMessage.objects.get()
    assert (row.state, row.reason) == ("sent", "delayed")
    assert "still tries" in story.reason_words(row.reason)
    take(sent.path, dsn("4.4.7", "delivery time expired"))
    assert OutboxMessage.objects.get().state == "bounced"
    take(sent.path, dsn("2.0.0", "250 2.0.0 OK", "delivered"))
    row = OutboxMessage.objects.get()
    assert (row.state, row.reason) == ("sent", "")
    assert kinds(sent.dana) == ["message.bounced", "message.delivered"]
    assert not InboundMail.objects.filter(state="waiting").exists()


def test_a_dead_mailbox_is_not_brought_back_by_a_report(sent):
    take(sent.path, dsn())
    take(sent.path, dsn("2.0.0", "250 OK", "relayed"))
    assert OutboxMessage.objects.get().reason == "hard"
    assert scopes() == {"all": "hard_bounce"}


@pytest.mark.parametrize(
    "said", ["554 5.7.1 Your IP is listed at bl.spamcop.net", "550 5.1.1 user unknown, SPF failed"]
)
def test_what_names_us_stops_nobody(sent, said):
    take(sent.path, dsn("5.1.1", said))
    assert OutboxMessage.objects.get().reason == "policy"
    assert scopes() == {}


def test_forged_altered_and_foreign_paths_are_ignored_and_counted(sent):
    local, _, host = sent.path.partition("@")
    changed = local[:-1] + ("a" if local[-1] != "a" else "b")
    foreign = return_paths.address("bounce", sent.row.pk, BOUNCES, b"x" * 32)
    for path in (f"{changed}@{host}", foreign, f"bounce+{'a' * 24}@{host}", f"bounce@{host}", ADDRESS):
        with pytest.raises(NotHere):
            take(path, dsn())
    assert OutboxMessage.objects.get().state == "sent"
    assert InboundMail.objects.count() == 0
    assert dict(InboundTally.objects.values_list("what", "count")) == {"forged": 3, "unknown": 1, "relay": 1}


def test_a_bounce_to_the_reply_address_is_believed_by_nobody(sent):
    assert not take("care@clinic.test", dsn()).new
    assert OutboxMessage.objects.get().state == "sent"
    assert scopes() == {}
    assert sorted_out() == ("bounce", "unsigned")


def test_a_path_of_a_message_that_is_gone(sent):
    path = return_paths.address("bounce", 987654321, BOUNCES, keys.ring().link)
    assert not take(path, dsn()).new
    assert InboundTally.objects.get().what == "gone"
    assert sorted_out() == ("bounce", "gone")


def test_after_erasure_the_record_still_tells_and_the_mailbox_stays_away(sent):
    contacts.contact_erase(actor=CLI, person_id=sent.dana.id, reason="asked for it")
    assert take(sent.path, dsn()).new
    assert OutboxMessage.objects.get().state == "bounced"
    assert scopes() == {"all": "hard_bounce"}
    assert not TimelineEvent.objects.filter(person_id=sent.dana.id).exists()


def test_automatic_answers_disturb_nobody(sent):
    assert take(sent.path, letter(Auto_Submitted="auto-replied")).verdict == "auto_reply"
    assert OutboxMessage.objects.get().state == "sent"
    assert sorted_out() == ("automatic", "automatic")
    assert not InboundMail.objects.filter(state="waiting").exists()


def test_nothing_of_it_is_readable_in_the_tables(sent):
    take(sent.path, dsn())
    take("care@clinic.test", letter(text="My diabetes hurts"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text, encode(raw, 'escape'), encode(sealed, 'escape') FROM delivery_inboundmail t")
        found = str(cursor.fetchall())
    for word in ("dana", "goodmail", "diabetes", "unknown", "MAILER"):
        assert word not in without_tokens(found)


# -- complaints ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", ["complaints@clinic.test", "path"])
def test_a_complaint_stops_marketing_at_once(sent, to):
    assert take(sent.path if to == "path" else to, arf(sent.path)).verdict == "complaint"
    assert scopes() == {"commercial": "complaint"}
    assert OutboxMessage.objects.get().state == "sent"
    assert kinds(sent.dana) == ["message.complained"]


def test_a_complaint_without_a_signature_of_ours_stops_nobody(sent):
    assert not take("complaints@clinic.test", arf("bounce+" + "a" * 24 + "@" + BOUNCES)).new
    assert scopes() == {}
    assert InboundTally.objects.get().what == "unsigned"


# -- answers ---------------------------------------------------------------------------------------------------


def test_an_answer_waits_for_staff(sent):
    path = return_paths.address("reply", sent.row.pk, BOUNCES, keys.ring().link)
    take(path, letter())
    row = InboundMail.objects.get()
    assert (row.kind, row.state, row.person_id, row.message) == ("reply", "waiting", sent.dana.id, sent.row.pk)
    opened = selectors.mail_open(actor=CLI, mail=row)
    assert opened["text"] == "Can I come on Tuesday instead?"
    assert opened["sender"] == ADDRESS
    assert kinds(sent.dana) == ["message.replied"]
    assert AuditEntry.objects.filter(action="mail.open").count() == 1


def test_somebody_who_answers_to_the_return_path_is_heard_too(sent):
    take(sent.path, letter())
    assert InboundMail.objects.get().state == "waiting"


def test_a_stranger_and_a_household_are_guessed_at_by_nobody(sent, people):
    take("care@clinic.test", letter("stranger@elsewhere.test"))
    contacts.contact_create(actor=CLI, profile={"first_name": "Kim", "email": ADDRESS})
    take("care@clinic.test", letter())
    assert list(InboundMail.objects.values_list("person_id", flat=True)) == [None, None]


def test_finishing_an_answer(sent, cast):
    take("care@clinic.test", letter())
    row = InboundMail.objects.get()
    nora = actors.staff(cast.nora.pk, cast.nora.role)
    services.mail_finish(actor=nora, mail_id=row.pk)
    with refused("inbound.done"):
        services.mail_finish(actor=nora, mail_id=row.pk)
    assert InboundMail.objects.get().done_by_id == cast.nora.pk


# -- addresses and letters, pure -------------------------------------------------------------------------------


def test_which_addresses_are_ours():
    def to(address):
        place = destination(address, sending_domain="clinic.test", bounce_domain=BOUNCES, keys=[b"k" * 32])
        return place.incoming

    assert to("care@clinic.test") is Incoming.REPLY
    assert to("<CARE@Clinic.Test>") is Incoming.REPLY
    assert to("abuse@clinic.test") is Incoming.COMPLAINT
    assert to("fbl@" + BOUNCES) is Incoming.COMPLAINT
    assert to("postmaster@" + BOUNCES) is Incoming.REPLY
    for address in ("x@elsewhere.test", "x@clinic.test.evil.test", "", "clinic.test", "@clinic.test", "a@b@other.test"):
        with pytest.raises(NotHere, match="relay"):
            to(address)


def test_letters_are_read_as_text_only():
    raw = (
        b"From: =?utf-8?q?Dan=C3=A9?= <dana@goodmail.test>\r\nSubject: a\r\n b\xe2\x80\xae\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script><p>Hello &amp; bye</p>\r\n"
        b'--b\r\nContent-Type: application/pdf; name="x.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n'
        b"--b--\r\n"
    )
    found = reply_text.read(raw)
    assert found.text == "Hello & bye"
    assert found.subject == "a b"
    assert [(one.name, one.kind, one.size) for one in found.attachments] == [("x.pdf", "application/pdf", 5)]
    assert "goodmail" not in repr(found)


def test_no_letter_of_the_corpus_is_too_strange(shared_data):
    for path in sorted((shared_data / "inbound").rglob("*")):
        if path.is_file():
            found = reply_text.read(path.read_bytes())
            assert len(found.text) <= reply_text.MAX_TEXT
            assert not re.search(r"[\x00-\x08\u202a-\u202e]", found.text + found.subject + found.sender_name)


# -- the servers -----------------------------------------------------------------------------------------------


@pytest.fixture
def receiver(tmp_path, transactional_db):
    place = tmp_path / "lmtp.sock"

    class Running:
        async def stop(self):
            await server.stop()

    port = free_ports(1)
    server = Receiver(lmtp=str(place), smtp=f"127.0.0.1:{port}")

    async def start():
        await server.start()
        return Running()

    with background(start):
        yield SimpleNamespace(socket=str(place), port=port)


def test_by_lmtp_and_by_smtp(receiver, sent):
    with smtplib.LMTP(receiver.socket) as client:
        client.ehlo_or_helo_if_needed()
        client.sendmail("", [sent.path], dsn())
    assert OutboxMessage.objects.get().state == "bounced"
    with smtplib.SMTP("127.0.0.1", receiver.port) as client:
        client.sendmail(ADDRESS, ["care@clinic.test"], letter())
    assert InboundMail.objects.filter(state="waiting").count() == 1


def test_the_status_page_knows_our_receiver_from_any_listener(receiver, settings, providers):
    """An old Postfix on the port took the bounces, and the page said that all was well."""

    def said(lmtp: str, smtp: str) -> tuple[str, str]:
        settings.INBOUND_LMTP, settings.INBOUND_SMTP = lmtp, smtp
        *_, check = home.checks(clock.now())
        return check.state, check.text

    ours, theirs = f"127.0.0.1:{receiver.port}", f"127.0.0.1:{providers.base_port}"
    assert said(receiver.socket, "")[0] == said("", ours)[0] == said(receiver.socket, ours)[0] == "ok"
    state, words = said("", theirs)
    assert (state, "Another program answers" in words) == ("down", True)
    assert said(receiver.socket, theirs)[0] == "down", "both have to be ours"
    with socket.create_server(("127.0.0.1", 0)) as mute:
        # It takes connections and never says a word.
        assert "Another program" in said("", f"127.0.0.1:{mute.getsockname()[1]}")[1]
    for nobody in (f"127.0.0.1:{free_ports(1)}", f"{receiver.socket}.gone", "no address"):
        assert "does not answer" in said("", nobody)[1] if nobody[0] != "/" else said(nobody, "")[0] == "down"
    assert said("", "")[0] == "warning"


def test_what_is_not_ours_and_what_is_too_large_is_refused_politely(receiver, sent):
    with smtplib.SMTP("127.0.0.1", receiver.port) as client:
        client.ehlo()
        client.mail("")
        assert client.rcpt("someone@elsewhere.test")[0] == 550
        assert client.rcpt("bounce+" + "a" * 24 + "@" + BOUNCES)[0] == 550
        assert client.rcpt(sent.path)[0] == 250
        assert client.rcpt("care@clinic.test")[0] == 452
        client.rset()
        assert int(client.esmtp_features["size"]) == inbound.MAX_MAIL
        assert client.docmd("MAIL", f"FROM:<> SIZE={inbound.MAX_MAIL + 1}")[0] == 552


def test_a_database_that_is_away_is_a_reason_to_try_again(receiver, sent, monkeypatch):
    from django.db import OperationalError

    def away(**given):
        raise OperationalError

    monkeypatch.setattr(inbound, "mail_receive", away)
    with smtplib.SMTP("127.0.0.1", receiver.port) as client:
        client.ehlo()
        client.mail("")
        client.rcpt(sent.path)
        assert client.data(dsn())[0] == 451


def test_hostile_mail_is_taken_and_harms_nobody(receiver, sent):
    nested = b"Content-Type: message/rfc822\r\n\r\n" * 4000
    for raw in (b"", b"\x00" * 1000, nested, b"Content-Type: multipart/mixed\r\n\r\n" + b"--\r\n" * 1000):
        with smtplib.LMTP(receiver.socket) as client:
            client.sendmail("", [sent.path], raw)
    assert OutboxMessage.objects.get().state == "sent"
    assert scopes() == {}


def test_only_private_places_are_listened_on():
    assert address_of("127.0.0.1:25") == ("127.0.0.1", 25)
    assert address_of("[::1]:2525") == ("::1", 2525)
    for place in ("8.8.8.8:25", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999"):
        with pytest.raises(ValueError, match=r"MX|host:port"):
            address_of(place)
