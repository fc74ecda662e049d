"""Delivery's portal route: the message waits here, and a neutral notice travels instead of it."""

from __future__ import annotations

from email import message_from_bytes
from email import policy as mail_policy
from email.utils import parsedate_to_datetime

from apps.contacts.person import search_values
from apps.content.merging import render
from apps.core import actors
from apps.core.errors import Refused
from apps.delivery.models import OutboxMessage
from apps.delivery.send.recipients import Recipient
from apps.mail.compiled import Envelope, MergedMessage
from apps.mail.envelopes import SealedMail
from apps.organizations import selectors as organizations
from apps.portal import notices, policy
from apps.portal.models import PortalAccount
from apps.portal.services import message_store

SEALER = actors.system("portal route")


def can_carry(recipient: Recipient) -> bool:
    """Whether this person could prove who they are: somebody on record, with a mailbox and a date of birth.

    Asked for every message of a campaign, so it looks at nothing but the opened record.
    """
    return recipient.record is not None and bool(recipient.address) and recipient.record.birth_date is not None


def seal(message: MergedMessage, recipient: Recipient) -> SealedMail:
    """Store the message once for its outbox row, and make the notice that leaves.

    Asked again after a retry it gives the same link, Date and Message-ID. Raises ``Refused`` when the portal
    account was closed, or the mailbox said that it is not this person.
    """
    record = recipient.record
    if record is None:
        raise Refused("portal.not_on_record", "Only a person on record can read in the portal. Choose another route.")
    mailbox = search_values.mailbox(recipient.address)
    account = PortalAccount.objects.filter(person_id=record.id).first()
    if account is not None and account.state == PortalAccount.State.CLOSED:
        raise Refused("portal.closed", "This person's portal access is closed.")
    if account is not None and account.refused_mailbox is not None and bytes(account.refused_mailbox) == mailbox:
        raise Refused(
            "mailbox.not_theirs", "Somebody at this mailbox said that it is not this person. See the task in the inbox."
        )
    shown = render(message.message)
    own = bool(record.email) and search_values.mailbox(record.email) == mailbox
    token = notices.token_for(recipient.message_id)
    message_store(
        actor=SEALER,
        person_id=record.id,
        record_key=record.record_key,
        mailbox=mailbox,
        guardian_id=None if own else record.profile.get("guardian_id"),
        content={
            "subject": policy.one_line(shown.subject),
            "sender": notices.sender_name(),
            "text": shown.text,
            "html": shown.html,
            "level": int(recipient.level),
            "origin": _origin(recipient.message_id),
        },
        outbox=recipient.message_id,
        token=token,
    )
    head = message_from_bytes(message.head + b"\r\n", policy=mail_policy.SMTP)
    sent = head["Date"]
    envelope = Envelope(
        to_address=recipient.address,
        date=parsedate_to_datetime(str(sent)) if sent else recipient.now,
        # The notice goes out in the message's place, so that bounces and evidence name one message.
        message_id=str(head["Message-ID"] or "").strip().strip("<>") or f"{token[:24]}@localhost",
        portal_url=notices.link_address(token, recipient.language),
        zone=organizations.current().zone,
    )
    made = notices.notice(language=recipient.language, envelope=envelope)
    return SealedMail(
        head=made.head,
        entity=made.entity,
        length=len(made.entity),
        recipient_key_id="",
        inner_sha256=message.sha256,
    )


def _origin(message_id: int) -> dict[str, str | int]:
    """What sent the message, as code words and ids: reading it is an event that segments and journeys ask for."""
    row = OutboxMessage.objects.filter(pk=message_id).only("kind", "source_id", "node", "visit").first()
    if row is None or row.source_id is None:
        return {}
    found: dict[str, str | int] = {row.kind: row.source_id}
    if row.node:
        found |= {"node": row.node, "visit": row.visit}
    return found
