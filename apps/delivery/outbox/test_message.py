"""A test message to any address, by the road that every message takes."""

from __future__ import annotations

from django.core.mail import EmailMessage

from apps.core.actors import Actor
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.purposes import Purpose
from apps.delivery import selectors
from apps.delivery.models.outbox import MessageKind
from apps.delivery.outbox.email_backend import address_it, ready
from apps.delivery.outbox.services.enqueue import OutboxItem, enqueue_one

_TEXT = """This is a test message from Carelane.

It holds nothing personal. How it travelled (server, encryption, certificate and answer) stands on the page
where it was sent from.
"""


def send_test(*, actor: Actor, address: str, level: Level) -> int:
    """Put a test message into the outbox and return its id. It is protected as `level` demands."""
    setup = selectors.setup()
    message = EmailMessage(subject="Test message", body=_TEXT)
    address_it(message, setup.sending_domain or setup.helo)
    item = OutboxItem(kind=MessageKind.TEST, purpose=Purpose.OPERATIONS, level=level, mail=ready(message, address))
    message_id = enqueue_one(actor=actor, item=item)
    if message_id is None:
        raise Refused("test_copy.not_queued", "The test message could not be queued. Try again.")
    return message_id
