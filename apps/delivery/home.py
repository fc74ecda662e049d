"""What delivery says on the home page and the status page about mail that comes in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Min
from django.urls import reverse

from apps.core.board import Check, Item
from apps.core.datewords import count
from apps.core.permissions import Permission
from apps.delivery.models import InboundMail
from apps.delivery.receiver import address_of
from apps.users.models import User

_WAIT = 0.5  # seconds


def waiting(user: User, now: datetime) -> Iterator[Item]:
    """Answers that came by mail."""
    if not user.may(Permission.INBOX_VIEW):
        return
    rows = InboundMail.objects.filter(state=InboundMail.State.WAITING).aggregate(
        number=Count("pk"), oldest=Min("received_at")
    )
    if rows["number"]:
        title = f"{count(rows['number'], 'answer')} by mail"
        url, which = reverse("delivery:mail_list"), "oldest:" if rows["number"] > 1 else ""
        yield Item(title, "Waiting for somebody to read", url, "mail", "info", rows["oldest"], at_words=which)


def checks(now: datetime) -> Iterator[Check]:
    """Whether the receiver of inbound mail listens."""
    place = settings.INBOUND_LMTP or settings.INBOUND_SMTP
    if not place:
        yield Check("Inbound mail", "warning", "No receiver is configured: bounces are not seen.", "mail-x")
    elif _listens(place):
        yield Check("Inbound mail", "ok", "The receiver takes bounces, complaints and answers.", "mail-check")
    else:
        yield Check("Inbound mail", "down", "The receiver does not answer. Start “manage.py receive_mail”.", "mail-x")


def _listens(place: str) -> bool:
    try:
        if place.startswith("/"):
            with socket.socket(socket.AF_UNIX) as attempt:
                attempt.settimeout(_WAIT)
                attempt.connect(place)
        else:
            host, port = address_of(place)
            socket.create_connection((host if host != "0.0.0.0" else "127.0.0.1", port), _WAIT).close()  # noqa: S104
    except (OSError, ValueError):
        return False
    return True
