"""What staff do with conversations: open, answer, assign, close; and with an address that is right after all."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.person import search_values
from apps.contacts.person.records import PersonRecord
from apps.contacts.person.selectors import open_person, record_keys
from apps.contacts.services import contacts_change
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.permissions import Permission
from apps.inbox import selectors as inbox
from apps.inbox.models import StaffTask
from apps.organizations import selectors as organizations
from apps.portal import notices, policy
from apps.portal.documents import Said
from apps.portal.models import (
    CONVERSATION_TABLE,
    MESSAGE_TABLE,
    REPLY_TABLE,
    Conversation,
    PortalAccount,
    Reply,
    SecureMessage,
)
from apps.portal.services.messages import message_store, said_in
from apps.users.models import User
from apps.vault import sealing

ANSWER = "answer a patient"


@dataclass(frozen=True)
class OpenConversation:
    """A conversation as staff see it; ``person`` is None when the person was erased."""

    row: Conversation
    person: PersonRecord | None = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    sent_at: datetime
    said: tuple[Said, ...] = ()


@transaction.atomic
def conversation_open(*, actor: Actor, conversation_id: int) -> OpenConversation | None:
    """Open a conversation for staff; the entry is written first, and what was unread counts as read."""
    row = (
        Conversation.objects.select_for_update(of=("self",))
        .select_related("message", "assigned")
        .filter(pk=conversation_id)
        .first()
    )
    if row is None:
        return None
    record_read(
        actor=actor,
        action=Action.CONVERSATION_OPEN,
        kind="conversation",
        subject=row.pk,
        people=[row.person_id],
        purpose=ANSWER,
    )
    person = open_person(actor=actor, purpose=ANSWER, person_id=row.person_id)
    key = record_keys([row.person_id])[row.person_id]
    facts = sealing.open_sealed(key, row.sealed, table=CONVERSATION_TABLE, row=row.pk)
    content = sealing.open_sealed(key, row.message.sealed, table=MESSAGE_TABLE, row=row.message.pk)
    said = said_in(row, key)
    if row.unread:
        now = clock.now()
        row.replies.filter(direction=Reply.Direction.PATIENT, read_at__isnull=True).update(read_at=now)
        row.unread, row.place = 0, policy.inbox_place(False, row.last_at, row.pk)
        row.save(update_fields=["unread", "place"])
    return OpenConversation(row, person, facts["subject"], content.get("text", ""), row.message.created_at, said)


@transaction.atomic
def conversation_answer(*, actor: Actor, conversation_id: int, text: str, once: UUID) -> Reply | None:
    """Answer the patient: kept as a portal message at level Health, with a neutral notice to their mailbox.

    Raises ``Refused`` for an empty or long text, a reply that nobody has read yet, an erased person, or one who cannot
    be reached. The same
    ``once`` answers once (then None).
    """
    row = _locked(conversation_id)
    if Reply.objects.filter(once=once).exists():
        return None
    _ensure_read(row, "Nothing was sent")
    clean = policy.clean_reply(text)
    if not clean:
        raise Refused("answer.empty", "Nothing was sent: the answer is empty. Write something first.")
    if len(clean) > policy.REPLY_LENGTH:
        raise Refused(
            "answer.too_long",
            f"Nothing was sent: the answer is longer than {policy.REPLY_LENGTH:,} characters. Shorten it.",
        )
    person = open_person(actor=actor, purpose=ANSWER, person_id=row.person_id)
    if person is None:
        raise Refused("person.erased", "Nothing was sent: this person was erased.")
    account = PortalAccount.objects.filter(person_id=person.id).first()
    reader = _reader(actor, person, account)
    if not reader.email:
        raise Refused(
            "person.without_mailbox",
            "Nothing was sent: there is no e-mail address for the notice. Call the patient instead.",
        )
    mailbox = search_values.mailbox(reader.email)
    if account is not None and account.refused_mailbox is not None and bytes(account.refused_mailbox) == mailbox:
        raise Refused(
            "mailbox.not_theirs",
            "Nothing was sent: somebody at this mailbox said that it is not this person. See the task in the inbox.",
        )
    facts = sealing.open_sealed(person.record_key, row.sealed, table=CONVERSATION_TABLE, row=row.pk)
    now = clock.now()
    stored = message_store(
        actor=actor,
        person_id=person.id,
        record_key=person.record_key,
        mailbox=mailbox,
        guardian_id=reader.id if reader.id != person.id else None,
        content={
            "subject": _answer_subject(str(facts["subject"])),
            "sender": notices.sender_name(),
            "text": clean,
            "html": "",
            "level": int(Level.HEALTH),
            "origin": {},
        },
    )
    reply_id = next_ids(REPLY_TABLE, 1)[0]
    reply = Reply.objects.create(
        id=reply_id,
        conversation=row,
        direction=Reply.Direction.STAFF,
        author_id=int(actor.id),
        message=stored.message,
        once=once,
        sealed=sealing.seal(person.record_key, {"text": clean}, table=REPLY_TABLE, row=reply_id),
        created_at=now,
    )
    row.unread, row.last_at = 0, now
    row.state, row.closed_at, row.closed_by = Conversation.State.OPEN, None, None
    row.place = policy.inbox_place(False, now, row.pk)
    row.save(update_fields=["unread", "last_at", "place", "state", "closed_at", "closed_by"])
    notices.send(actor=actor, person=reader, token=stored.token)
    record(
        actor=actor,
        action=Action.CONVERSATION_ANSWER,
        kind="conversation",
        subject=row.pk,
        people=[row.person_id],
        purpose="treatment",
        codes={"characters": len(clean), "level": int(Level.HEALTH)},
    )
    return reply


def _reader(actor: Actor, person: PersonRecord, account: PortalAccount | None) -> PersonRecord:
    """Who reads for this person: a minor's guardian of today, if the last notice went to one, otherwise the person."""
    if account is None or account.guardian_id is None or not person.is_minor(clock.today(organizations.current().zone)):
        return person
    guardian = int(person.profile.get("guardian_id") or 0)
    return open_person(actor=actor, purpose=ANSWER, person_id=guardian) or person


def _answer_subject(subject: str) -> str:
    plain = policy.one_line(subject)
    return plain if plain.casefold().startswith("re:") else f"Re: {plain}"


@transaction.atomic
def conversation_assign(*, actor: Actor, conversation_id: int, user_id: int | None) -> None:
    """Give a conversation to a member of staff who may answer, or to nobody. Raises ``Refused``."""
    row = _locked(conversation_id)
    if user_id is not None:
        user = User.objects.filter(pk=user_id, is_active=True).first()
        if user is None or not user.may(Permission.INBOX_REPLY):
            raise Refused(
                "conversation.assignee_not_allowed",
                "That person cannot answer patients. Choose somebody from care staff.",
            )
    row.assigned_id = user_id
    row.save(update_fields=["assigned"])
    record(
        actor=actor,
        action=Action.CONVERSATION_ASSIGN,
        kind="conversation",
        subject=row.pk,
        people=[row.person_id],
        codes={"to": user_id or 0},
    )


@transaction.atomic
def conversation_close(*, actor: Actor, conversation_id: int) -> None:
    """Nothing more to do. A new reply of the patient opens it again. Raises ``Refused`` while a reply is unread."""
    row = _locked(conversation_id)
    if row.state == Conversation.State.CLOSED:
        return
    _ensure_read(row, "It stays open")
    row.state, row.closed_at, row.closed_by_id = Conversation.State.CLOSED, clock.now(), int(actor.id)
    row.unread = 0
    row.place = policy.inbox_place(False, row.last_at, row.pk)
    row.save(update_fields=["state", "closed_at", "closed_by", "unread", "place"])
    record(actor=actor, action=Action.CONVERSATION_CLOSE, kind="conversation", subject=row.pk, people=[row.person_id])


@transaction.atomic
def conversation_reopen(*, actor: Actor, conversation_id: int) -> None:
    """There is more to do after all."""
    row = _locked(conversation_id)
    if row.state == Conversation.State.OPEN:
        return
    row.state, row.closed_at, row.closed_by = Conversation.State.OPEN, None, None
    row.save(update_fields=["state", "closed_at", "closed_by"])
    record(actor=actor, action=Action.CONVERSATION_REOPEN, kind="conversation", subject=row.pk, people=[row.person_id])


def _ensure_read(row: Conversation, kept: str) -> None:
    """Raise ``Refused`` while the patient has written something that nobody was shown: it would count as dealt with."""
    if row.unread:
        raise Refused(
            "conversation.changed", f"{kept}: the patient wrote again while you looked. Read what is there now."
        )


def _locked(conversation_id: int) -> Conversation:
    row = Conversation.objects.select_for_update(of=("self",)).filter(pk=conversation_id).first()
    if row is None:
        raise Refused("conversation.unknown", "There is no such conversation any more.")
    return row


def last_answer_message(conversation: Conversation) -> SecureMessage | None:
    """The portal message of the newest answer, to see whether the patient has read it."""
    reply = conversation.replies.filter(direction=Reply.Direction.STAFF).select_related("message").last()
    return reply.message if reply else None


# -- A task that is done by more than a word --------------------------------------------------------------------


def address_put_back(actor: Actor, task: StaffTask) -> None:
    """Staff asked the person and the address is right: mail goes there again. Raises ``Refused``.

    Caller's transaction, with the task locked; the caller's entry says that it was put back.
    """
    person = open_person(actor=actor, purpose=ANSWER, person_id=task.person_id)
    if person is None:
        raise Refused("person.erased", "This person was erased; close the task instead.")
    if person.email:
        raise Refused("task.address_replaced", "The person has another address by now. Close the task instead.")
    facts = inbox.facts_of(task, person.record_key)
    contacts_change(actor=actor, profiles={person.id: {**person.profile, "email": facts["address"]}})
    PortalAccount.objects.filter(person_id=person.id).update(refused_mailbox=None)
