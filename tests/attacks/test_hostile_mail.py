"""Mail from strangers that is built to hold the receiver, or to be tried again for ever."""

from __future__ import annotations

import time

import pytest

from apps.mail import reply_text
from apps.mail.reports import bounces, structure
from apps.mail.reports.structure import from_server, structure_of


def nested(depth: int, body: bytes) -> bytes:
    """A part in a part in a part: ``depth`` times."""
    levels = [b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (n, n + 1) for n in range(depth)]
    head = b'Content-Type: multipart/mixed; boundary="b0"\r\n\r\n'
    return b"".join([head, *levels, b"--b%d\r\n" % depth, body])


HOSTILE = {
    # 47 seconds before: the library reads parameters in quadratic time.
    "quotation marks in a parameter": nested(0, b"")
    + b'Content-Type: x/y; name="'
    + b";" * 200_000
    + b'"\r\nContent-Disposition: attachment; filename="'
    + b';"' * 100_000
    + b"\r\n\r\nx\r\n--b0--\r\n",
    "many lines in many open parts": nested(60, b"\r\n" + b"-\n" * 2_000_000),
    "a million parts": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 1_000_000,
    "parts without end": nested(100_000, b"\r\nx"),
    "comments in comments": b"From: " + b"(" * 100_000 + b"\r\nDate: " + b"(" * 1000 + b"\r\n\r\nx",
    "reports in a report": b"Content-Type: multipart/report; boundary=b\r\n\r\n"
    + (b'--b\r\nContent-Type: text/rfc822-headers\r\n\r\nContent-Type: x/y; n="' + b';"' * 9_000 + b"\r\n\r\n") * 25,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_mail_is_read_in_seconds_and_never_raises(what: str) -> None:
    began = time.process_time()
    structure.structure_of(HOSTILE[what])
    bounces.parse(HOSTILE[what])
    reply_text.read(HOSTILE[what])
    # Far below what it was, far above what a busy machine needs.
    assert time.process_time() - began < 15


# These were read for fifteen and for six seconds, in the process that takes everybody's mail.
HOLDING = {
    "lines in open parts": nested(60, b"\r\n" + b"\n" * 300_000),
    "a page of paragraphs": b"From: MAILER-DAEMON@x.test\r\nContent-Type: text/html\r\n\r\n" + b"<p>" * 160_000,
    "a page of ends": b"From: MAILER-DAEMON@x.test\r\nContent-Type: text/html\r\n\r\n" + b"</p>" * 120_000,
}


@pytest.mark.parametrize("what", HOLDING)
def test_sorting_a_mail_holds_nobody_up(what: str) -> None:
    began = time.process_time()
    structure_of(HOLDING[what], "eve@evil.test")
    from_server(HOLDING[what])
    bounces.parse(HOLDING[what])
    assert time.process_time() - began < 3


def test_a_long_page_of_a_server_is_still_understood() -> None:
    page = (
        b"<style>" + b"p { margin: 0 }\n" * 1500 + b"</style><p>550 5.1.1 user unknown</p>" + b"<p>You wrote:" * 20_000
    )
    raw = b"From: MAILER-DAEMON@x.test\r\nSubject: Undeliverable\r\nContent-Type: text/html\r\n\r\n" + page
    assert bounces.parse(raw).verdict is bounces.Verdict.HARD


def test_long_but_honest_mail_is_still_read() -> None:
    body = b"Dear clinic,\r\n" + b"thank you very much for everything.\r\n" * 50_000
    letter = reply_text.read(b"From: Rosa <rosa@goodmail.test>\r\nSubject: " + "Café".encode() + b"\r\n\r\n" + body)
    assert letter.sender == "rosa@goodmail.test"
    assert letter.text.startswith("Dear clinic,")
