"""Letters with each trouble, as care staff read them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.test import Client

from apps.core import actors
from apps.core.strangers.opening import Trouble, Unopened
from apps.delivery.models import InboundMail
from apps.delivery.returns import services as inbound
from apps.vault import sealing
from tests.delivery.conftest import people
from tests.delivery.test_inbound import domain
from tests.mail.test_letters import EVENT, letter, several

pytestmark = pytest.mark.django_db
__all__ = ["domain", "people"]
RECEIVER = actors.system("receiver")


def page_of(client: Client, raw: bytes) -> str:
    done = inbound.mail_receive(actor=RECEIVER, recipient="care@clinic.test", raw=raw, sender="dana@goodmail.test")
    return str(client.get(f"/delivery/mail/{done.mail_id}/").content.decode())


def words_of(page: str) -> str:
    """The page's main part as a reader sees it."""
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"[ \t]*\n\s*", "\n", unescape(re.sub(r"<[^>]+>", "", main)))


def test_a_letter_of_outlook_with_an_old_label(domain, signed_in):
    raw = letter(
        "I take 5=9610 mg.",
        "text/plain; charset=iso-8859-1",
        "quoted-printable",
        From="=?utf-8?q?Jos=C3=A9?= <j@x.test>",
    )
    page = page_of(signed_in("nora"), raw)
    assert "I take 5–10 mg." in page
    assert "José" in page
    assert "could not be read" not in page


def test_what_cannot_be_read_is_shown_as_that(domain, signed_in):
    page = page_of(signed_in("nora"), letter(b"I take 5\xff10 mg.", "text/plain; charset=utf-8"))
    assert "I take 5\ufffd10 mg." in page
    assert "could not be read" in page


def test_a_page_of_strangers_is_only_text(domain, signed_in):
    raw = letter(
        "<p>Sugar <70</p><ul><li>am<li>pm</ul><img src=http://x.test/pixel alt='<script>'><a href='http://x.test'>see</a>",
        "text/html",
    )
    page = page_of(signed_in("nora"), raw)
    assert "Sugar &lt;70" in page
    assert "• am\n• pm" in page
    assert "[&lt;script&gt;]" in page
    assert 'href="http://x.test' not in page
    assert 'src="http://x.test' not in page


def test_quotations_are_folded_and_still_there(domain, signed_in):
    page = page_of(
        signed_in("nora"), letter("Yes.\n\nOn Mon, Nov 30, 2026 Clinic <c@x.test> wrote:\n> Can you come?\n")
    )
    assert '<details class="details letter-fold">' in page
    assert "Can you come?" in page
    page = page_of(signed_in("nora"), letter("> Can you\n> come?\n"))
    assert '<details class="details letter-fold" open>' in page


def test_what_others_wrote_is_marked(domain, signed_in):
    inner = b"Content-Type: message/rfc822\r\n\r\n" + letter("Take 2 tablets.", From="Dr. Kim <kim@x.test>")
    note = letter("Take 20 mg", 'text/plain; name="note.txt"')
    read = words_of(page_of(signed_in("nora"), several("multipart/mixed", letter("Right?"), inner, note)))
    assert (
        read.index("Right?") < read.index("Forwarded, written by Dr. Kim <kim@x.test>") < read.index("Take 2 tablets.")
    )
    assert read.index("File note.txt") < read.index("Take 20 mg")


def test_a_calendar_answer_is_told_at_the_clock_of_the_clinic(domain, signed_in):
    event = EVENT.format(method="REPLY", answer="ACCEPTED", start="DTSTART;TZID=America/Los_Angeles:20261209T090000")
    page = page_of(signed_in("nora"), letter(event, "text/calendar; method=REPLY"))
    assert "accepted the invitation for Dec 9, 9:00 AM (Wednesday, 2026, America/Los_Angeles)" in page


def test_what_looks_automatic_is_marked_and_read(domain, signed_in):
    page = page_of(signed_in("nora"), letter("May I come on the 14th?", Subject="On vacation next week"))
    assert "looks like an automatic answer" in page
    assert "May I come on the 14th?" in page


def test_a_letter_that_an_earlier_version_read_is_read_again(domain, signed_in):
    nora = signed_in("nora")
    page_of(nora, letter(b"I take 5\x9610 mg.", "text/plain; charset=iso-8859-1"))
    row = InboundMail.objects.get()
    old = {"sender": "", "sender_name": "", "subject": "", "date": "", "text": "I take 510 mg.", "attachments": []}
    row.sealed = sealing.seal_service(old, table="delivery_inboundmail", row=row.pk)
    row.save(update_fields=["sealed"])
    page = nora.get(f"/delivery/mail/{row.pk}/").content.decode()
    assert "I take 5–10 mg." in page
    assert "510" not in words_of(page)


def test_a_letter_that_could_not_be_read_is_tried_again_when_it_is_opened(domain, signed_in, monkeypatch):
    def too_long(*_: object, **__: object) -> None:
        raise Unopened(Trouble.TIME)

    nora = signed_in("nora")
    with monkeypatch.context() as slow:
        slow.setattr("apps.mail.reading.open_file", too_long)
        page = page_of(nora, letter("I stopped the blood thinner."))
        assert "This letter cannot be read here." in page
        assert "This mail has no text" not in page
    page = nora.get(f"/delivery/mail/{InboundMail.objects.get().pk}/").content.decode()
    assert "I stopped the blood thinner." in page
