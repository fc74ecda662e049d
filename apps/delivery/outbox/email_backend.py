"""Django's own mail (password resets, error mails) becomes outbox rows like everything else."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import format_datetime, make_msgid, parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from apps.core import actors, clock
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import selectors
from apps.delivery.models.outbox import MessageKind
from apps.delivery.outbox.services.enqueue import OutboxItem, ReadyMail, enqueue
from apps.organizations import selectors as organizations


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


def _lacks_sender(message: EmailMessage) -> bool:
    return bool(message.from_email == settings.DEFAULT_FROM_EMAIL)


def address_it(message: EmailMessage, domain: str) -> None:
    """Fill in what a message of ours needs where its maker left it out: sender, Message-ID, Date, and who wrote it."""
    if _lacks_sender(message):
        name = organizations.current().name.replace("\r", " ").replace("\n", " ").replace('"', "") or "Carelane"
        message.from_email = f'"{name}" <no-reply@{domain}>'
    known = {"Message-ID": make_msgid(domain=domain), "Date": format_datetime(clock.now())}
    # RFC 3834 section 5: no answer by a machine is wanted.
    message.extra_headers = {**known, "Auto-Submitted": "auto-generated", **message.extra_headers}


class OutboxBackend(BaseEmailBackend):
    """`EMAIL_BACKEND`: one outbox row for each recipient, in the caller's transaction."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Put the messages into the outbox; returns how many there were. Nothing is sent from here.

        A message that names no sender gets ours. Before delivery is set up there is none that anybody chose: such a
        message is left out, and its maker learns it by the number.
        """
        setup = selectors.setup()
        is_set_up = bool(setup.sending_domain and selectors.settings_version())
        taken = [each for each in email_messages if is_set_up or not _lacks_sender(each)]
        for message in taken:
            address_it(message, setup.sending_domain or setup.helo)
        items = [
            OutboxItem(
                kind=MessageKind.ACCOUNT,
                purpose=Purpose.ACCOUNT,
                level=Level.IDENTIFIER,
                mail=ready(message, address),
            )
            for message in taken
            for address in message.recipients()
        ]
        enqueue(actor=actors.system("mail"), items=items)
        return len(taken)
