"""Django's own mail (password resets, error mails) becomes outbox rows like everything else."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import parseaddr

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from apps.core import actors
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery.models.outbox import MessageKind
from apps.delivery.services.outbox import OutboxItem, ReadyMail, enqueue


def ready(message: EmailMessage, address: str) -> ReadyMail:
    """A Django message to one of its recipients as finished mail with CRLF. Raises ValueError (BadHeaderError)
    for a header with line breaks.
    """
    built = message.message()
    for name in ("To", "Cc", "Bcc"):
        del built[name]
    built["To"] = address
    raw = built.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    kept: list[bytes] = []
    moved: list[bytes] = []
    into = kept
    for line in head.split(b"\r\n"):
        if line[:1] not in (b" ", b"\t"):
            into = moved if line.lower().startswith(b"content-") else kept
        into.append(line)
    entity = b"\r\n".join(moved) + b"\r\n\r\n" + body
    return ReadyMail(parseaddr(address)[1], b"\r\n".join(kept) + b"\r\n", entity)


class OutboxBackend(BaseEmailBackend):
    """`EMAIL_BACKEND`: one outbox row for each recipient, in the caller's transaction."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Put the messages into the outbox; returns how many there were. Nothing is sent from here."""
        items = [
            OutboxItem(
                kind=MessageKind.ACCOUNT,
                purpose=Purpose.ACCOUNT,
                level=Level.IDENTIFIER,
                mail=ready(message, address),
            )
            for message in email_messages
            for address in message.recipients()
        ]
        enqueue(actor=actors.system("mail"), items=items)
        return len(email_messages)
