"""Reading for the portal: who could be behind a mailbox, which link, whose message."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.db.models import OuterRef, Q, QuerySet, Subquery

from apps.contacts.models import PersonIdentity, PersonSearch
from apps.core import clock
from apps.portal import policy
from apps.portal.models import Conversation, NoticeLink, PortalAccount, Reply, SecureMessage
from apps.vault import tokens


def accounts_of_mailbox(mailbox: bytes) -> QuerySet[PortalAccount]:
    """Open accounts of records whose mailbox, or whose guardian's mailbox, this is today, in the order of ids.

    A person who changed the address, or whose mailbox said "this is not me", is not among them: an old notice in
    a mailbox that somebody else has now opens nothing.
    """
    owners = PersonIdentity.objects.filter(kind=PersonIdentity.IdentityKind.EMAIL, token=mailbox)
    return (
        PortalAccount.objects.filter(
            state=PortalAccount.State.OPEN,
            person__erased_at__isnull=True,
        )
        .filter(Q(person_id__in=owners.values("person_id")) | Q(guardian_id__in=owners.values("person_id")))
        .exclude(refused_mailbox=mailbox)
        .order_by("pk")
    )


def born_on(person_ids: Sequence[int], day: date | None) -> set[int]:
    """Which of these people were born on ``day``: by the keyed day, so that nobody is opened to compare."""
    token = tokens.day_token("person.birth_date", day) if day else 0
    # Nobody is asked for too: an unknown mailbox must not save a query, and with it time.
    found = PersonSearch.objects.filter(person_id__in=list(person_ids) or [0], birth_day=token)
    return set(found.values_list("person_id", flat=True))


def live_link(token: str) -> NoticeLink | None:
    """The link with this token, if it has not run out and somebody is still behind its mailbox."""
    now = clock.now()
    link = NoticeLink.objects.filter(token=policy.hashed(token), expires_at__gt=now).select_related("message").first()
    if link is None:
        return None
    accounts = accounts_of_mailbox(bytes(link.mailbox))
    if link.message is not None:
        # The link is tied to its message: when that person left this mailbox, the link is dead.
        accounts = accounts.filter(person_id=link.message.person_id)
    return link if accounts.exists() else None


def with_account(people: Sequence[int]) -> set[int]:
    """Those of ``people`` who have an account: there is something that their mailbox opens."""
    return set(PortalAccount.objects.filter(person_id__in=people).values_list("person_id", flat=True))


def messages_of(person_id: int) -> QuerySet[SecureMessage]:
    """What a patient may read now, newest first."""
    return SecureMessage.objects.filter(person_id=person_id, expires_at__gt=clock.now()).order_by("-id")


def message_of(person_id: int, public: str) -> SecureMessage | None:
    """The patient's own message with this public id; somebody else's is None, as one that never was."""
    return messages_of(person_id).filter(public=public).first()


def account_of(person_id: int) -> PortalAccount | None:
    return PortalAccount.objects.filter(person_id=person_id).first()


def _last_word() -> Subquery:
    newest = Reply.objects.filter(conversation=OuterRef("pk")).order_by("-pk")
    return Subquery(newest.values("direction")[:1])


def with_last_word(rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Conversations with ``last_word``, whose the newest text is: "patient", "staff", or None without a text."""
    return rows.annotate(last_word=_last_word())


def waiting() -> QuerySet[Conversation]:
    """Open conversations in which the patient has the last word. To have looked at one is not to have answered it."""
    rows = Conversation.objects.filter(state=Conversation.State.OPEN)
    return rows.annotate(last_word=_last_word()).filter(last_word=Reply.Direction.PATIENT)
