"""What the demo's patients do with their mail: open links, read and answer in the portal or by mail, unsubscribe.

They come once, when the demo's campaign has gone out. Links are followed over HTTP as a browser does; in the
portal they act as themselves through its services, so that reports, inbox and tasks show what really happened.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import time
import urllib.request
import uuid
from collections.abc import Iterable
from email.message import EmailMessage
from email.policy import SMTP
from html import unescape
from pathlib import Path

from django.conf import settings

from apps.campaigns.models import Campaign, State
from apps.campaigns.selectors import name_token
from apps.core import actors
from apps.delivery.models import OutboxMessage
from apps.delivery.models.outbox import MessageKind
from apps.demo.keyholders import Keyholders
from apps.demo.mail import Arrived, Store
from apps.demo.world import FLU_SHOTS
from apps.portal import notices, selectors
from apps.portal.models import Conversation, SecureMessage
from apps.portal.services import conversations, messages
from apps.portal.services.access import not_me
from apps.users.models import User

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CLICKS, READERS = 18, 9
REPLIES = (
    "Is there a time after 5 pm? I work until half past four.",
    "I had my flu shot at the pharmacy two weeks ago. Do I still need to come?",
    "Can my husband come with me and get his as well?",
)
BY_MAIL = "Good morning,\r\n\r\nI am away until the 10th. Are the walk-in hours the same in the week after?\r\n"
ANSWER = "Thank you for telling us. We have noted it, and you do not need to come for this one."
_CLICK = re.compile(r'href="([^"]+/r/c/[^"]+)"')
_UNSUBSCRIBE = re.compile(rb"^List-Unsubscribe:\s*<([^>]+)>", re.MULTILINE | re.IGNORECASE)


def awaited() -> bool:
    """Whether the patients have still to come."""
    read = SecureMessage.objects.filter(outbox__isnull=False, read_at__isnull=False)
    return campaign() is not None and not read.exists()


def campaign() -> Campaign | None:
    """The demo's campaign that is sent at the first start."""
    return Campaign.objects.filter(name_token=name_token(FLU_SHOTS)).first()


def wait_until_sent(seconds: float) -> bool:
    """Whether the campaign's messages have left within this time; those that a provider put off may be missing."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = campaign()
        if found is None or found.state == State.DONE:
            return found is not None
        rows = OutboxMessage.objects.filter(kind=MessageKind.CAMPAIGN, source_id=found.pk)
        if (
            found.fed_all
            and rows.filter(state="sent").exists()
            and not rows.filter(state="queued", attempts=0).exists()
        ):
            return True
        time.sleep(1)
    return False


def follow_links(wait: float) -> int:
    """Open the first link of some messages, and unsubscribe from two with one click; how many were followed."""
    # Whoever clicks in the first seconds is taken for a mail scanner, rightly.
    time.sleep(wait)
    followed = 0
    for arrived in _readable():
        letter = Keyholders(Path(settings.CARELANE_HOME)).read(arrived.raw, arrived.mailbox)
        link = _CLICK.search(letter.html)
        if link is None:
            continue
        _fetch(unescape(link.group(1)))
        followed += 1
        if followed in (5, 11) and (leave := _UNSUBSCRIBE.search(arrived.raw)):
            _fetch(leave.group(1).decode("ascii"), b"List-Unsubscribe=One-Click")
        if followed == CLICKS:
            break
    return followed


def _readable() -> Iterable[Arrived]:
    # The last hour only: an earlier demo in the same folder is history.
    return Store(Path(settings.CARELANE_HOME) / "demo-mail").all()[:2_000]


class _Stay(urllib.request.HTTPRedirectHandler):
    """Where a link leads (the clinic's invented site) is not asked."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _fetch(url: str, body: bytes | None = None) -> None:
    if not url.startswith(settings.PUBLIC_URL + "/"):
        return
    request = urllib.request.Request(url, data=body, headers={"User-Agent": FIREFOX})  # noqa: S310 - our own address
    with contextlib.suppress(OSError):
        urllib.request.build_opener(_Stay).open(request, timeout=10).close()


def write_back() -> bool:
    """One of them answers from the mail program, as people do; whether the receiver of inbound mail took it."""
    host, _, port = settings.INBOUND_SMTP.rpartition(":")
    store = Keyholders(Path(settings.CARELANE_HOME))
    for arrived in _readable():
        if not host or not _CLICK.search(store.read(arrived.raw, arrived.mailbox).html):
            continue
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"] = arrived.mailbox, "care@riverbend.test"
        mail["Subject"], mail["Message-ID"] = "Re: Flu shots at Riverbend", f"<{uuid.uuid4()}@goodmail.test>"
        mail.set_content(BY_MAIL)
        with contextlib.suppress(OSError, smtplib.SMTPException), smtplib.SMTP(host, int(port), timeout=10) as server:
            server.send_message(mail, arrived.mailbox, ["care@riverbend.test"])
            return True
        return False
    return False


def visit_portal() -> int:
    """Some read, three of them answer, care staff answer one, and one mailbox says "this is not me"."""
    found = campaign()
    mail = OutboxMessage.objects.filter(kind=MessageKind.CAMPAIGN, source_id=found.pk if found else 0)
    waiting = list(SecureMessage.objects.filter(outbox__in=mail.values("pk"), read_at__isnull=True).order_by("pk"))
    readers, others = waiting[:READERS], waiting[READERS:]
    for number, row in enumerate(readers):
        patient = actors.patient(row.person_id)
        messages.message_open(actor=patient, person_id=row.person_id, public=str(row.public))
        if number % 3 == 0:
            text = REPLIES[number // 3 % len(REPLIES)]
            messages.reply_send(
                actor=patient, person_id=row.person_id, public=str(row.public), text=text, once=uuid.uuid4()
            )
    nora = User.objects.by_email("nora@riverbend.test")
    second = Conversation.objects.filter(unread__gt=0).order_by("-pk")[1:2].first()
    if nora is not None and second is not None:
        staff = actors.staff(nora.pk, nora.role)
        conversations.conversation_open(actor=staff, conversation_id=second.pk)
        conversations.conversation_answer(actor=staff, conversation_id=second.pk, text=ANSWER, once=uuid.uuid4())
    for row in others:
        link = selectors.live_link(notices.token_for(row.outbox or 0))
        if link is not None:
            not_me(actor=actors.STRANGER, link=link)
            break
    return len(readers)
