"""Somebody answers one of our mails by a program, ten thousand times: the inbox and the disk stay usable."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core import clock
from apps.delivery import selectors
from apps.delivery.models import InboundMail, InboundTally, OutboxMessage
from apps.delivery.models.outbox import MessageKind
from apps.delivery.returns import destinations
from apps.delivery.returns import services as inbound
from apps.delivery.returns.destinations import AT_MOST, NotHere
from apps.mail import return_paths
from apps.vault import keys, tokens
from tests.delivery.conftest import people
from tests.delivery.test_inbound import ADDRESS, BOUNCES, RECEIVER, arf, domain, dsn, letter, scopes, sent, take

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("strangers_in_process")]
__all__ = ["domain", "people", "sent"]


def reply_address(message: int) -> str:
    return return_paths.address("reply", message, BOUNCES, keys.ring().link)


def flood(path: str, times: int, words: str = "I am away") -> int:
    """Letters, each a little different; how many were taken."""
    taken = 0
    for number in range(times):
        try:
            taken += take(path, letter(text=f"{words} {number}", Auto="x")).new
        except NotHere as not_here:
            if (not_here.what, not_here.code) != ("often", 452):
                raise
    return taken


def test_one_conversation_takes_ten_a_day(noon: Any, sent: Any, signed_in: Any) -> None:
    path = reply_address(sent.row.pk)
    assert flood(path, 15) == AT_MOST["message"] == InboundMail.objects.count()
    assert InboundTally.objects.get(what="often").count == 5
    with pytest.raises(NotHere, match="often"):
        inbound.accept(path)  # before a byte of the letter was sent
    nora = signed_in("nora")
    assert b"Some mail was put off" in nora.get("/delivery/mail/").content
    assert b"More mail from here is put off" in nora.get(f"/delivery/mail/{InboundMail.objects.first().pk}/").content
    with clock.frozen(noon + timedelta(days=1, minutes=1)):
        assert flood(path, 1, "Back again") == 1


def test_a_bounce_flood_is_one_too_and_a_complaint_still_counts(noon: Any, sent: Any) -> None:
    for number in range(AT_MOST["message"]):
        take(sent.path, dsn(status="4.2.2", said=f"452 mailbox full {number}"))
    with pytest.raises(NotHere, match="often"):
        take(sent.path, dsn(status="4.2.2", said="452 again"))
    take("complaints@clinic.test", arf(sent.path))
    assert scopes() == {"commercial": "complaint"}


def test_what_is_no_complaint_is_limited_at_their_address_too(noon: Any, sent: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(AT_MOST, "nobody", 5)
    assert flood("complaints@clinic.test", 9) == 5 == InboundMail.objects.count()
    take("complaints@clinic.test", arf(sent.path))
    assert scopes() == {"commercial": "complaint"}


def test_one_person_takes_thirty_whatever_the_message(noon: Any, sent: Any) -> None:
    more = [
        OutboxMessage.objects.create(
            kind=MessageKind.CAMPAIGN, stream="bulk", source_id=number, person_id=sent.dana.id,
            purpose=sent.row.purpose, level=sent.row.level, state="sent", route="tls", finished_at=noon,
        )
        for number in range(100, 104)
    ]  # fmt: skip
    assert sum(flood(reply_address(row.pk), 10) for row in more) == AT_MOST["person"]


def test_who_forges_her_address_does_not_silence_her(noon: Any, sent: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(AT_MOST, "nobody", 40)
    for number in range(45):
        try:
            take("care@clinic.test", letter(sender=ADDRESS, text=f"Forged {number}"))
        except NotHere as not_here:
            if not_here.what != "often":
                raise
    # Forged, they name nobody; and they are no more than that.
    assert InboundMail.objects.filter(person__isnull=True, message__isnull=True).count() == 40
    assert flood(reply_address(sent.row.pk), 1) == 1
    assert selectors.inbound_until(sent.row.pk) is None


def test_without_a_flood_no_page_speaks_of_one(noon: Any, sent: Any, signed_in: Any) -> None:
    flood(reply_address(sent.row.pk), 2)
    nora = signed_in("nora")
    assert b"put off" not in nora.get("/delivery/mail/").content
    assert b"put off" not in nora.get(f"/delivery/mail/{InboundMail.objects.first().pk}/").content


def test_the_address_for_complaints_is_no_way_around_the_limits(noon: Any, sent: Any, monkeypatch: Any) -> None:
    """It is in RFC 2142, so everybody knows it; filled, it must not close the door to those who write to us."""
    monkeypatch.setitem(AT_MOST, "nobody", 6)
    for number in range(6):
        raw = arf("bounce+forged@bounce.clinic.test") + b"%d" % number if number % 2 else letter(text=f"Buy {number}")
        inbound.mail_receive(actor=RECEIVER, recipient="abuse@clinic.test", raw=raw, network="192.0.2.0/24")
    assert selectors.inbound_network_full(tokens.token128("inbound.network", "192.0.2.0/24")) is False
    assert InboundMail.objects.filter(network__isnull=False).count() == 6
    with pytest.raises(NotHere, match="often"):
        inbound.mail_receive(actor=RECEIVER, recipient="abuse@clinic.test", raw=letter(text="One more"))
    take("abuse@clinic.test", arf(sent.path))
    assert scopes() == {"commercial": "complaint"}


def test_one_network_fills_the_hour_of_nobody_else_by_complaints(noon: Any, sent: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(destinations, "FROM_A_NETWORK", 3)
    for number in range(3):
        inbound.mail_receive(
            actor=RECEIVER, recipient="fbl@clinic.test", raw=letter(text=f"Buy {number}"), network="192.0.2.0/24"
        )
    for recipient in ("fbl@clinic.test", "care@clinic.test"):
        with pytest.raises(NotHere, match="often"):
            inbound.mail_receive(
                actor=RECEIVER, recipient=recipient, raw=letter(text="One more"), network="192.0.2.0/24"
            )
    assert inbound.mail_receive(
        actor=RECEIVER, recipient="care@clinic.test", raw=letter(text="My visit"), network="198.51.100.0/24"
    ).new
