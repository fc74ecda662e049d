"""Whatever was answered 250 is kept as it came: as a letter, or sorted out by its structure, never by its words."""

from __future__ import annotations

import smtplib
from datetime import timedelta

import pytest

from apps.audit.models import AuditEntry
from apps.contacts.models import Suppression
from apps.core import actors, clock
from apps.delivery import services
from apps.delivery.models import InboundMail, InboundTally, OutboxMessage
from apps.delivery.returns import destinations
from apps.delivery.returns import services as inbound
from apps.delivery.returns.destinations import NotHere, network_of
from apps.delivery.returns.services import reports_clear
from apps.mail import return_paths
from apps.vault import keys
from tests.delivery.conftest import people
from tests.delivery.test_inbound import ADDRESS, BOUNCES, CLI, arf, domain, dsn, receiver, sent, take
from tests.refusals import refused

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("strangers_in_process")]
__all__ = ["domain", "people", "receiver", "sent"]
RECEIVER = actors.system("receiver")


def mail(subject, words, sender=ADDRESS, head=""):
    return f"From: {sender}\r\nTo: care@clinic.test\r\nSubject: {subject}\r\n{head}\r\n{words}\r\n".encode()


LETTERS = [
    mail("Returning your call", "I tried to phone twice but I did not reach anyone. Can somebody call about my pills?"),
    mail("Re: A reminder", "From Monday you reach me at the following address: 12 Elm Street.", "admin@harper.test"),
    mail("On vacation next week - please move my appointment", "Can I come on the 14th instead?"),
    mail("Out of office", "That is where I am now. Can you send the letter to my home?"),
    mail("Undelivered mail", "Your letter could not be delivered, the mailbox is unknown, says my postman."),
    mail("Delivery Status Notification (Failure)", "I got this, what is it? User unknown.", "postmaster@harper.test"),
    mail("failure notice", "550 5.1.1 user unknown: my sister cannot write to you", "MAILER-DAEMON@harper.test"),
    mail("Automatic reply: Automatische Antwort", "Ich bin bis Montag nicht da."),
    mail("Abuse", "My husband reads my mail. Please write to my new address."),
    mail("Complaint about message from you", "The nurse was rude."),
    mail("I am not a robot", "Nothing automatic here.", head="Auto-Submitted: no\r\n"),
    mail("My pump", "It says error.", head="X-Auto-Response-Suppress: All\r\nPrecedence: bulk\r\n"),
    mail("Vacation", "See above", head="X-Autoreply: yes\r\nPrecedence: auto_reply\r\n"),
    b'From: dana@goodmail.test\r\nSubject: I got this back\r\nContent-Type: multipart/mixed; boundary="z"\r\n\r\n'
    b"--z\r\n\r\nWhat does it mean?\r\n--z\r\nContent-Type: message/rfc822\r\n\r\n" + dsn() + b"\r\n--z--\r\n",
]


@pytest.mark.parametrize("to", ["care@clinic.test", "postmaster@clinic.test", "complaints@clinic.test", "signed"])
def test_no_words_keep_a_letter_from_being_read(sent, to):
    address = return_paths.address("reply", sent.row.pk, BOUNCES, keys.ring().link) if to == "signed" else to
    for raw in LETTERS[:9] if to == "signed" else LETTERS:
        done = inbound.mail_receive(actor=RECEIVER, recipient=address, raw=raw, sender="someone@harper.test")
        row = InboundMail.objects.get(pk=done.mail_id)
        assert (row.kind, row.state, row.sorting) == ("reply", "waiting", ""), raw
    assert not InboundTally.objects.exists()
    assert OutboxMessage.objects.get().state == "sent"


RECEIPT = (
    b"Return-Path: <>\r\nFrom: dana@goodmail.test\r\nSubject: Read: your visit\r\n"
    b'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n\r\n'
    b"--b\r\n\r\nYour message was displayed.\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
    b"Final-Recipient: rfc822; dana@goodmail.test\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n\r\n"
    b"--b--\r\n"
)


@pytest.mark.parametrize("disposition", [b"displayed", b"deleted", b"dispatched", b"processed/error"])
def test_a_read_receipt_is_no_bounce(sent, disposition):
    raw = RECEIPT.replace(b"displayed\r\n\r\n", disposition + b"\r\n\r\n")
    done = inbound.mail_receive(actor=RECEIVER, recipient=sent.path, raw=raw, sender="")
    row = InboundMail.objects.get(pk=done.mail_id)
    assert (row.kind, row.sorting, row.person_id) == ("receipt", "receipt", sent.dana.id)
    assert OutboxMessage.objects.get().state == "sent"
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("raw", "sender", "expected"),
    [
        (dsn(), "", ("bounce", "unsigned")),
        (arf("bounce+nobody@elsewhere.test"), "fbl@goodmail.test", ("complaint", "unsigned")),
        (RECEIPT, "", ("receipt", "receipt")),
        (mail("My visit", "Any words"), "", ("automatic", "null_sender")),
        (mail("My visit", "x", head="Return-Path: <>\r\n"), None, ("automatic", "null_sender")),
        (mail("My visit", "x", head="Auto-Submitted: auto-replied (vacation)\r\n"), "d@x.test", ("automatic",) * 2),
        (mail("My visit", "x", head="Auto-Submitted: auto-generated\r\n"), "d@x.test", ("automatic",) * 2),
    ],
)
def test_structure_sorts_out_and_keeps(domain, raw, sender, expected):
    done = inbound.mail_receive(actor=RECEIVER, recipient="care@clinic.test", raw=raw, sender=sender)
    row = InboundMail.objects.get(pk=done.mail_id)
    assert (row.kind, row.sorting) == expected
    assert row.state == "noted"


def test_a_person_who_answers_to_the_return_path_ends_no_mailbox(sent):
    words = "Delivery to the following recipient failed permanently: user unknown. What is that?"
    raw = mail("Undelivered mail returned to sender", words)
    done = inbound.mail_receive(actor=RECEIVER, recipient=sent.path, raw=raw, sender=ADDRESS)
    assert InboundMail.objects.get(pk=done.mail_id).kind == "reply"
    absent = mail("Undeliverable: I am away", words, head="Auto-Submitted: auto-replied\r\n")
    done = inbound.mail_receive(actor=RECEIVER, recipient=sent.path, raw=absent, sender=ADDRESS)
    assert InboundMail.objects.get(pk=done.mail_id).sorting == "automatic"
    assert OutboxMessage.objects.get().state == "sent"
    assert not Suppression.objects.exists()


def test_an_old_mail_system_writes_a_bounce_without_structure(sent):
    words = f"Hi. This is the qmail-send program.\r\n<{ADDRESS}>:\r\n550 5.1.1 user unknown\r\n"
    inbound.mail_receive(
        actor=RECEIVER, recipient=sent.path, raw=mail("failure notice", words, "MAILER-DAEMON@old.test"), sender="x@y.z"
    )
    assert OutboxMessage.objects.get().state == "bounced"


def test_nora_opens_what_was_sorted_out_and_makes_it_a_letter(sent, signed_in):
    raw = mail("Question", "Ist Brot erlaubt? \x96\xe4".encode("latin-1").decode("latin-1"), head="")
    raw = raw.replace("\x96\xe4".encode(), b"\x96\xe4")
    inbound.mail_receive(actor=RECEIVER, recipient="care@clinic.test", raw=raw, sender="")
    row = InboundMail.objects.get()
    nora = signed_in("nora")
    assert "Sorted out" in nora.get("/delivery/mail/").content.decode()
    page = nora.get("/delivery/mail/sorted/").content.decode()
    assert "It came without a sender&#x27;s address" in page
    page = nora.get(f"/delivery/mail/{row.pk}/").content.decode()
    assert "Ist Brot erlaubt?" in page
    assert "This is a letter" in page
    original = nora.get(f"/delivery/mail/{row.pk}/original/")
    assert original.content == raw
    assert original["Content-Disposition"] == f'attachment; filename="mail-{row.pk}.eml"'
    assert AuditEntry.objects.filter(action="mail.original", subject=str(row.pk)).count() == 1
    assert nora.get(f"/delivery/mail/{row.pk}/letter/").status_code == 405
    nora.post(f"/delivery/mail/{row.pk}/letter/")
    row.refresh_from_db()
    assert (row.kind, row.sorting, row.state) == ("reply", "", "waiting")
    assert AuditEntry.objects.get(action="mail.to_letters").codes == {"sorting": "null_sender"}
    with refused("inbound.sorted_gone"):
        services.mail_to_letters(actor=CLI, mail_id=row.pk)
    assert nora.get(f"/delivery/mail/{row.pk}/original/").content == raw
    assert "Nothing was sorted out" in nora.get("/delivery/mail/sorted/").content.decode()


def test_a_bounce_that_was_a_letter_stands_in_the_timeline_of_its_person(sent):
    take(sent.path, dsn())
    row = InboundMail.objects.get()
    services.mail_to_letters(actor=CLI, mail_id=row.pk)
    row.refresh_from_db()
    assert (row.kind, row.state, row.person_id) == ("reply", "waiting", sent.dana.id)


def test_reports_that_were_understood_are_kept_ninety_days(noon, sent, settings):
    take(sent.path, dsn())
    take("complaints@clinic.test", arf(sent.path))
    take(sent.path, RECEIPT)
    take("care@clinic.test", dsn(status="4.2.2"))
    take("care@clinic.test", mail("Mine", "x", head="Auto-Submitted: auto-replied\r\n"))
    take("care@clinic.test", mail("Mine", "x"))
    with clock.frozen(noon + timedelta(days=89)):
        assert reports_clear(actor=CLI) == 0
    with clock.frozen(noon + timedelta(days=91)):
        assert reports_clear(actor=CLI) == 3
        assert reports_clear(actor=CLI) == 0
    assert sorted(InboundMail.objects.values_list("kind", "sorting")) == [
        ("automatic", "automatic"),
        ("bounce", "unsigned"),
        ("reply", ""),
    ]
    assert AuditEntry.objects.get(action="mail.clear").codes == {"count": 3}


def test_one_network_brings_so_much_an_hour_and_silences_nobody_else(noon, domain, monkeypatch):
    monkeypatch.setattr(destinations, "FROM_A_NETWORK", 3)

    def come(number, network):
        return inbound.mail_receive(
            actor=RECEIVER, recipient="care@clinic.test", raw=mail("x", str(number)), sender="a@b.test", network=network
        )

    for number in range(3):
        come(number, "198.51.100.0/24")
    with pytest.raises(NotHere) as caught:
        come(3, "198.51.100.0/24")
    assert caught.value.code == 452
    assert come(4, "203.0.113.0/24").new
    assert come(5, "").new
    with clock.frozen(noon + timedelta(minutes=61)):
        assert come(6, "198.51.100.0/24").new


HOP = b"Received: from x (x [%s])\r\n\tby mx.clinic.test with ESMTP\r\nReceived: from y ([192.0.1.9]) by x\r\n\r\nx"


@pytest.mark.parametrize(
    ("peer", "raw", "expected"),
    [
        ("8.8.4.4", b"", "8.8.4.0/24"),
        ("2001:4860:4860::8888", b"", "2001:4860:4860::/48"),
        ("127.0.0.1", HOP % b"9.9.9.10", "9.9.9.0/24"),
        ("", HOP % b"IPv6:2620:fe::9", "2620:fe::/48"),
        ("10.0.0.5", HOP % b"10.1.1.1", ""),  # not what stands below: that is a stranger's word
        ("", b"Subject: x\r\n\r\nReceived: from y ([9.9.9.9]) by z\r\n", ""),
        ("", b"Received: from y by z ([9.9.9.9])\r\n\r\n", ""),
        ("nonsense", b"Received: \xff\r\n", ""),
        # How the peer greeted is its own word: Postfix puts it first, Exim behind "helo=".
        ("", b"Received: from [9.9.9.9] (unknown [1.1.1.1]) by mx\r\n\r\n", "1.1.1.0/24"),
        ("", b"Received: from [1.1.1.1] (helo=[9.9.9.9]) by mx\r\n\r\n", "1.1.1.0/24"),
    ],
)
def test_the_network_is_what_our_own_mx_saw(peer, raw, expected):
    assert network_of(peer, raw) == expected


@pytest.mark.django_db(transaction=True)
def test_by_smtp_the_empty_sender_is_seen_and_too_much_is_refused_before_it_is_taken(receiver, sent):
    with smtplib.SMTP("127.0.0.1", receiver.port) as client:
        client.sendmail(ADDRESS, ["care@clinic.test"], LETTERS[0])
        client.sendmail("", ["care@clinic.test"], LETTERS[1])
        big = b"Subject: x\r\n\r\n" + (b"x" * 70 + b"\r\n") * 150_000
        with pytest.raises(smtplib.SMTPResponseException) as caught:
            client.sendmail(ADDRESS, ["care@clinic.test"], big)
    assert caught.value.smtp_code == 552
    assert list(InboundMail.objects.order_by("pk").values_list("kind", "sorting")) == [
        ("reply", ""),
        ("automatic", "null_sender"),
    ]
