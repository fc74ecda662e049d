"""Telling an old mailbox that a person's address was replaced, so that whoever reads it can object."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.changes.pending import moved_address, moved_told
from apps.contacts.models import MovedMailbox
from apps.contacts.person.selectors import open_people
from apps.core import actors
from apps.portal import notices
from apps.portal.models import PortalAccount
from apps.portal.services.sessions import sessions_end

BATCH = 200
BEAT = actors.system("portal")


def moved_mailboxes_tell() -> int:
    """Write to the old mailbox of each person with a portal account; returns how many mails went. For a worker.

    Whoever came in by that mailbox is signed out: it may have been somebody else's by then.

    Others have nothing behind that mailbox that could be lost: their notes just end.
    """
    sent = 0
    while True:
        with transaction.atomic():
            rows = list(
                MovedMailbox.objects.select_for_update(skip_locked=True)
                .filter(told_at__isnull=True, sealed__isnull=False)
                .order_by("created_at")[:BATCH]
            )
            if not rows:
                return sent
            accounts = PortalAccount.objects.filter(person__in=[row.person_id for row in rows])
            known = set(accounts.values_list("person_id", flat=True))
            concerned = [row for row in rows if row.person_id in known]
            people = open_people(
                actor=BEAT, purpose="tell an old mailbox", ids=[row.person_id for row in concerned], with_consents=False
            )
            for row in concerned:
                person = people.get(row.person_id)
                if person is None:
                    continue
                old = replace(person, profile={**person.profile, "email": moved_address(row, person.profile_key)})
                notices.send_address_changed(person=old, language=person.language)
                sessions_end(actor=BEAT, person_id=person.id)
                sent += 1
            moved_told([row.pk for row in rows])
            if concerned:
                record(
                    actor=BEAT,
                    action=Action.PORTAL_TELL_MAILBOX,
                    kind="mailbox",
                    people=[row.person_id for row in concerned],
                )
