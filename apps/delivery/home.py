"""What delivery says on the status page about mail that comes in."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings

from apps.delivery.returns.receiver import GREETING, address_of
from apps.ui.board import Check

_WAIT = 0.5  # seconds


def checks(now: datetime) -> Iterator[Check]:
    """Whether our receiver of inbound mail listens wherever the settings say."""
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
