"""Sessions of patients: own table, own cookie, one browser each."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from apps.audit.actions import Action
from apps.audit.services import record
from apps.contacts.person import search_values
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import open_people
from apps.core import actors, clock
from apps.core.actors import Actor
from apps.portal import policy
from apps.portal.models import AccessCode, LostLink, NoticeLink, PortalAccount, PortalSession, SecureMessage, Throttle
from apps.portal.policy import EndedWhy

PORTAL = actors.system("portal")


@dataclass(frozen=True)
class Visit:
    """A patient who proved who they are. ``ended`` says why a session is over; then only a draft may be kept."""

    session_id: int
    person_id: int
    seconds: int
    way: str = "code"
    ended: EndedWhy | None = None
    ended_at: datetime | None = field(default=None)

    @property
    def actor(self) -> Actor:
        return actors.patient(self.person_id)

    def may_keep_a_draft(self, now: datetime) -> bool:
        """Whether what this browser still sends may be kept: the session ran out by itself, and lately."""
        if self.ended not in (EndedWhy.IDLE, EndedWhy.WHOLE) or self.ended_at is None:
            return False
        return now - self.ended_at <= policy.DRAFT_GRACE


def session_begin(*, person_id: int, browser: str, way: str, old_token: str = "") -> str:
    """Open a session for ``person_id`` in the browser with secret ``browser``; returns the new 256-bit token.

    The token is always fresh, and a session that this browser had before ends: nobody can plant one. Caller's
    transaction; writes the audit entry of the sign-in.
    """
    now = clock.now()
    if old_token:
        PortalSession.objects.filter(token=policy.hashed(old_token), ended_at__isnull=True).update(
            ended_at=now, ended_why=EndedWhy.REPLACED
        )
    token = policy.new_secret()
    PortalSession.objects.create(
        person_id=person_id,
        token=policy.hashed(token),
        browser=policy.hashed(browser),
        way=way,
        began_at=now,
        seen_at=now,
    )
    PortalAccount.objects.filter(person_id=person_id).update(last_visit_at=now)
    record(
        actor=actors.patient(person_id),
        action=Action.PORTAL_SIGN_IN,
        kind="person",
        subject=person_id,
        people=[person_id],
        codes={"way": way},
    )
    return token


def session_resolve(*, token: str, browser: str, passive: bool = False) -> Visit | None:
    """The visit that the two cookies of a browser stand for, or None.

    A session that ran out is ended here, with its entry. ``passive`` looks without keeping it alive.
    """
    if not token or not browser:
        return None
    row = (
        PortalSession.objects.filter(token=policy.hashed(token), person__erased_at__isnull=True)
        .only("id", "person_id", "browser", "way", "began_at", "seen_at", "ended_at", "ended_why")
        .first()
    )
    if row is None or not hmac.compare_digest(bytes(row.browser), policy.hashed(browser)):
        return None
    now = clock.now()
    if row.ended_at is not None:
        return Visit(row.pk, row.person_id, 0, row.way, EndedWhy(row.ended_why), row.ended_at)
    why = policy.session_end(row.began_at, row.seen_at, now)
    touched = not passive and now - row.seen_at >= timedelta(seconds=15)
    if why is None:
        account = PortalAccount.objects.filter(person_id=row.person_id, state=PortalAccount.State.OPEN).first()
        if account is None or (touched and account.guardian_id is not None and _follow_guardian(account)):
            why = EndedWhy.STAFF
    if why is not None:
        _end_by_itself(row, why, now)
        return Visit(row.pk, row.person_id, 0, row.way, why, now)
    if touched:
        PortalSession.objects.filter(pk=row.pk, ended_at__isnull=True).update(seen_at=now)
        row.seen_at = now
    return Visit(row.pk, row.person_id, policy.seconds_left(row.began_at, row.seen_at, now), row.way)


def guardian_replaced(account: PortalAccount, person: PersonRecord) -> bool:
    """Whether the guardian whom the last notice went to is not the one on record any more."""
    return account.guardian_id is not None and person.profile.get("guardian_id") != account.guardian_id


@transaction.atomic
def _follow_guardian(account: PortalAccount) -> bool:
    """Whether a child's guardian was replaced. Then the old one's way in is over, with every session it opened."""
    found = open_people(actor=PORTAL, purpose="portal session", ids=[account.person_id], with_consents=False)
    person = found.get(account.person_id)
    if person is None or not guardian_replaced(account, person):
        return False
    guardian = int(person.profile.get("guardian_id") or 0)
    new = open_people(actor=PORTAL, purpose="portal session", ids=[guardian], with_consents=False).get(guardian)
    mailbox = search_values.mailbox(new.email) if new is not None and new.email else bytes(account.mailbox)
    PortalAccount.objects.filter(pk=account.pk).update(guardian_id=guardian or None, mailbox=mailbox)
    sessions_end(actor=PORTAL, person_id=account.person_id)
    return True


@transaction.atomic
def _end_by_itself(row: PortalSession, why: EndedWhy, now: datetime) -> None:
    if PortalSession.objects.filter(pk=row.pk, ended_at__isnull=True).update(ended_at=now, ended_why=why):
        record(
            actor=actors.patient(row.person_id),
            action=Action.PORTAL_SESSION_EXPIRE,
            kind="person",
            subject=row.person_id,
            people=[row.person_id],
            codes={"why": why.value},
        )


@transaction.atomic
def session_sign_out(*, actor: Actor, session_id: int) -> None:
    """End one session because the patient said so."""
    row = PortalSession.objects.select_for_update().filter(pk=session_id, ended_at__isnull=True).first()
    if row is None:
        return
    row.ended_at, row.ended_why = clock.now(), EndedWhy.SIGNED_OUT
    row.save(update_fields=["ended_at", "ended_why"])
    record(actor=actor, action=Action.PORTAL_SIGN_OUT, kind="person", subject=row.person_id, people=[row.person_id])


@transaction.atomic
def sessions_end(*, actor: Actor, person_id: int, why: EndedWhy = EndedWhy.STAFF, keep: int | None = None) -> int:
    """End every session of a person but the one with id ``keep``; returns how many ended."""
    rows = PortalSession.objects.filter(person_id=person_id, ended_at__isnull=True)
    if keep is not None:
        rows = rows.exclude(pk=keep)
    ended = rows.update(ended_at=clock.now(), ended_why=why)
    record(
        actor=actor,
        action=Action.PORTAL_END_SESSIONS,
        kind="person",
        subject=person_id,
        people=[person_id],
        codes={"why": why.value, "ended": ended},
    )
    return ended


def sessions_clear() -> int:
    """Remove what has no use any more: old sessions, codes, links, counters, answered requests. Returns rows.

    Of erased people go the ways in, the tokens of their mailboxes and their drafts; the correspondence stays, sealed
    under the record key.
    """
    now = clock.now()
    SecureMessage.objects.filter(person__erased_at__isnull=False, draft__isnull=False).update(draft=None)
    # The closed account of a merged record comes back with an undo, unless the person was erased since.
    erased = Q(person__merged_into__isnull=True) | Q(person__merged_into__erased_at__isnull=False)
    gone = 0
    for rows in (
        PortalAccount.objects.filter(erased, person__erased_at__isnull=False),
        PortalSession.objects.filter(person__erased_at__isnull=False),
        NoticeLink.objects.filter(message__person__erased_at__isnull=False),
        PortalSession.objects.filter(ended_at__lt=now - timedelta(days=2)),
        PortalSession.objects.filter(began_at__lt=now - timedelta(days=2)),
        AccessCode.objects.filter(expires_at__lt=now - timedelta(days=1)),
        NoticeLink.objects.filter(expires_at__lt=now),
        LostLink.objects.filter(created_at__lt=now - timedelta(days=1)),
        Throttle.objects.filter(began_at__lt=now - timedelta(days=2)),
    ):
        gone += rows.delete()[0]
    return gone
