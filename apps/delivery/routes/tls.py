"""The message as it is; the connection protects it. What the connection must be, the policy says."""

from __future__ import annotations

from apps.delivery.send.recipients import Recipient
from apps.mail.compiled import MergedMessage
from apps.mail.envelopes import SealedMail


def can_carry(recipient: Recipient) -> bool:
    """Always: the class is a matter of the connection, measured when it is there."""
    return bool(recipient.address)


def seal(message: MergedMessage, recipient: Recipient) -> SealedMail:
    """Head and entity, unchanged."""
    return SealedMail(
        head=message.head,
        entity=message.entity,
        length=len(message.entity),
        recipient_key_id="",
        inner_sha256=message.sha256,
    )
