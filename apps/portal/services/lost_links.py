"""A fresh link for whoever lost theirs: asked for by a page, answered by a worker."""

from __future__ import annotations

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.person import search_values
from apps.core import actors, clock
from apps.portal import notices, policy, selectors
from apps.portal.models import LostLink
from apps.portal.services import throttles
from apps.portal.services.access import link_create, owner_of
from apps.vault import sealing


@transaction.atomic
def lost_link_ask(*, address: str, ip: str, language: str) -> None:
    """Note that an address wants a fresh notice. The same work for every address; a worker looks later."""
    mailbox, place = search_values.mailbox(address), throttles.address_token(ip)
    # All four are counted every time, whatever the others say: the same work for everybody.
    counted = [
        throttles.allowed(act, token)
        for act, token in (("lost", mailbox), ("lost.day", mailbox), ("lost.ip", place), ("lost.ip.day", place))
    ]
    if not all(counted):
        return
    request = LostLink(created_at=clock.now())
    request.sealed = sealing.seal_service(
        {"address": address.strip()[:254], "language": language}, table="portal_lostlink", row=str(request.pk)
    )
    request.save(force_insert=True)
    # No people: whether we know the address is looked up later, and the entry is the same for all.
    record(actor=actors.STRANGER, action=Action.PORTAL_ASK_LINK, kind="mailbox")


def lost_links_answer() -> int:
    """Send a fresh notice to each known address that asked; returns how many mails went. For a worker."""
    sent = 0
    for pk in LostLink.objects.filter(done_at__isnull=True).order_by("created_at").values_list("pk", flat=True)[:200]:
        with transaction.atomic():
            row = LostLink.objects.select_for_update(skip_locked=True).filter(pk=pk, done_at__isnull=True).first()
            if row is None or row.sealed is None:
                continue
            asked = sealing.open_service(row.sealed, table="portal_lostlink", row=str(row.pk))
            sent += _send_fresh_link(str(asked["address"]), str(asked["language"]))
            row.sealed, row.done_at = None, clock.now()
            row.save(update_fields=["sealed", "done_at"])
    return sent


def _send_fresh_link(typed: str, language: str) -> bool:
    mailbox = search_values.mailbox(typed)
    accounts = list(selectors.accounts_of_mailbox(mailbox))
    # To the address on record, never to what was typed: the two may differ where a server folds more than we do.
    owner = owner_of(accounts, mailbox) if accounts else None
    if owner is None:
        return False
    token = link_create(mailbox=mailbox, message_id=None, expires_at=clock.now() + policy.LOST_LINK_LIFE)
    notices.send_fresh_link(person=owner, token=token, language=language)
    record(
        actor=actors.system("portal"),
        action=Action.PORTAL_SEND_LINK,
        kind="mailbox",
        people=[account.person_id for account in accounts],
    )
    return True
