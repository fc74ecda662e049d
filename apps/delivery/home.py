"""What delivery says on the status page about mail that comes in and about stopped mailboxes, and to administrators."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from apps.contacts.suppressions.register.services import BUCKETS, Findings, stops_state
from apps.core.permissions import Permission
from apps.delivery.returns.receiver import GREETING, address_of
from apps.ui.board import Check, Item
from apps.ui.datewords import count
from apps.users.models import User

_WAIT = 0.5  # seconds


def problems(user: User, now: datetime) -> Iterator[Item]:
    """Stops of mailboxes that somebody altered in the database."""
    if user.may(Permission.ORGANIZATION_EDIT) and not (found := stops_state()).sound:
        text = "Mail to those mailboxes is held. Find out who had access, then run “manage.py suppression_check”."
        yield Item(_altered(found), text, reverse("delivery:suppressions"), "shield-x", "bad", action="See the stops")


def _altered(found: Findings) -> str:
    said = [count(found.altered, "stop") + " of a mailbox altered"] if found.altered else []
    if found.buckets:
        said.append("stops missing among " + count(found.buckets, "part") + f" of {BUCKETS}")
    return ", ".join(said)[:1].upper() + ", ".join(said)[1:]


def checks(now: datetime) -> Iterator[Check]:
    """Whether what stops mailboxes is as it was written, and our receiver of inbound mail listens."""
    found = stops_state()
    text = f"{found.rows:,} as they were written." if found.sound else f"{_altered(found)}. Mail to them is held."
    yield Check("Stopped mailboxes", "ok" if found.sound else "down", text, "mail-off")
    yield from _receiver()


def _receiver() -> Iterator[Check]:
    places = [place for place in (settings.INBOUND_LMTP, settings.INBOUND_SMTP) if place]
    if not places:
        yield Check("Inbound mail", "warning", "No receiver is configured: bounces are not seen.", "mail-x")
        return
    greetings = [_greeting(place) for place in places]
    if None in greetings:
        yield Check("Inbound mail", "down", "The receiver does not answer. Start “manage.py receive_mail”.", "mail-x")
    elif any(words != GREETING for words in greetings):
        text = "Another program answers at the receiver's address, so bounces are not seen. Stop it, or choose another."
        yield Check("Inbound mail", "down", text, "mail-x")
    else:
        yield Check("Inbound mail", "ok", "The receiver takes bounces, complaints and answers.", "mail-check")


def _greeting(place: str) -> bytes | None:
    """The first line of whoever listens there, b"" when they say nothing; None when nobody listens."""
    try:
        with _connected(place) as there:
            try:
                said = there.recv(512)
                # Without a good-bye every look at the page would be a broken conversation in the receiver's log.
                there.sendall(b"QUIT\r\n")
            except OSError:
                return b""
    except (OSError, ValueError):
        return None
    return said.partition(b"\r\n")[0]


def _connected(place: str) -> socket.socket:
    if not place.startswith("/"):
        host, port = address_of(place)
        return socket.create_connection((host if host != "0.0.0.0" else "127.0.0.1", port), _WAIT)  # noqa: S104
    attempt = socket.socket(socket.AF_UNIX)
    try:
        attempt.settimeout(_WAIT)
        attempt.connect(place)
    except OSError:
        attempt.close()
        raise
    return attempt
