"""S/MIME for a recipient who gave us a key."""

from __future__ import annotations

from apps.delivery.send.recipients import Recipient
from apps.mail import smime
from apps.mail.compiled import MergedMessage
from apps.mail.envelopes import SealedMail, neutral_head


def can_carry(recipient: Recipient) -> bool:
    """Whether there is a key that still serves."""
    key = recipient.keys.get("smime")
    return key is not None and (key.expires is None or key.expires > recipient.now)


def seal(message: MergedMessage, recipient: Recipient) -> SealedMail:
    """Encrypted for the recipient's key, with a neutral subject outside."""
    head = neutral_head(message.head, recipient.neutral_subject)
    return smime.seal(message.entity, head, [recipient.keys["smime"]], recipient.now)
