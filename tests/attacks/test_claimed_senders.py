"""A stranger whose letter is signed by the very domain of a patient: both have a mailbox at goodmail.test."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.core import clock
from apps.delivery.letters import services as letters
from apps.delivery.models import InboundMail
from apps.mail.proof import judging
from apps.mail.proof.verdicts import Proof
from tests.delivery.conftest import people
from tests.delivery.test_letters import RECEIVER, arrives, dana, domain
from tests.mail.proof.test_verdicts import _answer as asked_of
from tests.mail.proof.test_verdicts import judged, the_clock_of_the_library
from tests.mail.proof.zone import Signer, Zone

__all__ = ["dana", "domain", "people", "the_clock_of_the_library"]
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
EVES = b"From: Eve <eve@goodmail.test>\r\nTo: care@clinic.test\r\n"
EVES += b"Subject: Hello\r\nDate: Mon, 30 Nov 2026 12:00:00 +0000\r\n"
BODY = b"\r\nCancel all of my appointments.\r\n"


@pytest.fixture
def zone() -> Zone:
    return Zone()


@pytest.fixture
def signer(zone: Zone) -> Signer:
    return Signer(zone, "goodmail.test")


# What is written above a letter after it was signed: two programs must not find two letters in it.
ADDED = {
    "a head within a field": (b"X-Note: 1\rFrom: dana@goodmail.test\rTo: care@clinic.test\r\r", "unreadable"),
    "a sender within a field": (b"X-Note: 1\rFrom: dana@goodmail.test\r\n", "unreadable"),
    "nothing within a name": (b"X-Note: \0\r\n", "unreadable"),
    "a subject": (b"Subject: Cancel all\r\n", "doubled"),
    "a type": (b"Content-Type: text/html\r\nContent-Type: text/plain\r\n", "doubled"),
    "a day": (b"date: Mon, 1 Jan 2001 00:00:00 +0000\r\n", "doubled"),
    "a sender": (b"from: dana@goodmail.test\r\n", "several"),
}


@pytest.mark.parametrize("what", ADDED)
def test_what_is_added_to_a_signed_letter_makes_it_nobodys(zone: Zone, signer: Signer, what: str) -> None:
    added, why = ADDED[what]
    added += b"" if added.endswith(b"\n") else b"\r\n"
    verdict = judged(added + signer.sign(EVES + BODY), zone)
    assert (verdict.state, verdict.problem) == (Proof.UNPROVEN, why)
    trusted = b"Authentication-Results: mx.clinic.test; dmarc=pass header.from=goodmail.test\r\n" + added + EVES + BODY
    assert judged(trusted, zone, ids=("mx.clinic.test",)).state is Proof.UNPROVEN


@pytest.mark.parametrize("left_out", [b"subject", b"date"])
def test_a_signature_is_over_what_staff_read_first(zone: Zone, signer: Signer, left_out: bytes) -> None:
    names = [name for name in (b"from", b"to", b"subject", b"date") if name != left_out]
    verdict = judged(signer.sign(EVES + BODY, include_headers=names), zone)
    assert (verdict.state, verdict.signatures[0].result) == (Proof.UNPROVEN, "partial")
    assert judged(signer.sign(EVES + BODY, include_headers=[*names, left_out]), zone).state is Proof.PROVEN


SENDERS = {
    b'"dana@goodmail.test" <eve@goodmail.test>': "eve@goodmail.test",
    b"dana@goodmail.test <eve@goodmail.test>": "",
    b"=?utf-8?q?dana=40goodmail=2Etest?= <eve@goodmail.test>": "eve@goodmail.test",
    b"=?utf-8?q?dana=40goodmail=2Etest_=3C?= <eve@goodmail.test>": "eve@goodmail.test",
    b"dana@goodmail.test (" + b"x" * 2_500 + b") <eve@goodmail.test>": "",
    b'"' + b"x" * 2_500 + b'" <eve@goodmail.test>': "",
    b"Patients: dana@goodmail.test, eve@goodmail.test;": "",
    b"eve@goodmail.test (dana@goodmail.test)": "eve@goodmail.test",
    "da\u200ena@goodmail.test".encode(): "da\u200ena@goodmail.test",
}


@pytest.mark.parametrize("field", SENDERS)
def test_a_sender_is_the_mailbox_that_every_program_finds(zone: Zone, signer: Signer, field: bytes) -> None:
    raw = EVES.replace(b"Eve <eve@goodmail.test>", field) + BODY
    verdict = judged(signer.sign(raw), zone)
    assert verdict.address == SENDERS[field]
    assert (verdict.state is Proof.PROVEN) is bool(SENDERS[field])


@pytest.mark.django_db
def test_a_mark_within_an_address_is_not_the_patient(dana, zone, monkeypatch) -> None:
    """What is shown without marks of direction reads as hers."""
    with clock.frozen(NOW):
        mail = arrives(Signer(zone, "goodmail.test").sign(EVES.replace(b"eve@", "da\u200ena@".encode()) + BODY))
        letters.letters_judge(actor=RECEIVER, names=zone)
    mail.refresh_from_db()
    assert (mail.proof.state, mail.person_id) == ("proven", None)


@pytest.mark.django_db
def test_a_letter_to_somebody_else_is_not_one_to_us(dana, zone) -> None:
    """Eve has a letter that Dana wrote to her; signed as it is, she sends it to the clinic."""
    signer = Signer(zone, "goodmail.test")
    hers = EVES.replace(b"Eve <eve@", b"Dana <dana@") + BODY
    with clock.frozen(NOW):
        for to, named in ((b"eve@evil.test", None), (b"Clinic <info@clinic.test>", dana.id)):
            mail = arrives(signer.sign(hers.replace(b"care@clinic.test", to)))
            letters.letters_judge(actor=RECEIVER, names=zone)
            mail.refresh_from_db()
            assert mail.person_id == named
    assert InboundMail.objects.filter(person=dana.id).count() == 1


def test_whom_a_letter_is_for_is_a_domain_of_ours_or_above_or_below(zone: Zone, signer: Signer) -> None:
    def state(to: bytes) -> str:
        raw = signer.sign(EVES.replace(b"To: care@clinic.test\r\n", to) + BODY)
        given = {"address": "", "greeting": "", "mail_from": "", "names": [], "ours": ["mail.clinic.test"]}
        found, _ = judging.judge(raw, ask=lambda q: asked_of(zone, q), now=int(NOW.timestamp()), **given)
        return f"{found['state']} {found['problem']}".strip()

    assert state(b"To: x@evil.test, info@clinic.test\r\n") == "proven"
    assert state(b"To: x@evil.test\r\nCc: <a@eu.mail.clinic.test>\r\n") == "proven"
    assert state(b"To: undisclosed-recipients:;\r\n") == "proven"
    assert state(b"") == "proven"
    assert state(b"To: x@evilmail.clinic.test\r\n") == "unproven elsewhere"
    assert state(b"To: x@mail.clinic.test.evil.test\r\n") == "unproven elsewhere"


def test_of_two_words_of_our_mx_the_upper_one_counts(zone: Zone) -> None:
    """An MX that takes nothing away: what a stranger wrote stands below what it found."""
    forged = b"Authentication-Results: mx.clinic.test; dmarc=pass header.from=goodmail.test\r\n" + EVES + BODY
    found = b"Authentication-Results: mx.clinic.test; dmarc=fail header.from=goodmail.test\r\n" + forged
    assert judged(found, zone, ids=("mx.clinic.test",)).state is Proof.UNPROVEN
