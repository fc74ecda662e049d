"""Secure messages of one patient: stored, listed, opened, answered. Texts live under the record key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from apps.audit.actions import Action
from apps.audit.services import record, record_read
from apps.contacts.person.selectors import record_keys
from apps.contacts.services import NewEvent, events_record
from apps.core import clock
from apps.core.actors import Actor
from apps.core.bulk import next_ids
from apps.core.errors import Refused
from apps.portal import policy, selectors
from apps.portal.documents import Opened, Said
from apps.portal.models import (
    CONVERSATION_TABLE,
    DRAFT_TABLE,
    MESSAGE_TABLE,
    REPLY_TABLE,
    Conversation,
    NoticeLink,
    PortalAccount,
    Reply,
    SecureMessage,
)
from apps.portal.services.access import link_create
from apps.vault import sealing

READ = "read portal message"


class ReplyRefused(Refused):
    """A reply that is not taken. The page has the words for its code, in the patient's language."""

    def __init__(self, code: str) -> None:
        super().__init__(code, "The reply was not sent.")


@dataclass(frozen=True)
class Stored:
    """A stored message and the token of the link its notice carries."""

    message: SecureMessage
    token: str = field(repr=False)


@dataclass(frozen=True)
class Line:
    """One row of the patient's list."""

    public: UUID
    subject: str = field(repr=False)
    sender: str
    sent_at: datetime
    read: bool
    replies: int = 0


@transaction.atomic
def message_store(
    *,
    actor: Actor,
    person_id: int,
    record_key: bytes,
    mailbox: bytes,
    content: Mapping[str, Any],
    guardian_id: int | None = None,
    outbox: int | None = None,
    token: str = "",
) -> Stored:
    """Keep a message for its patient and make the link of its notice; opens an account where there is none.

    ``content`` holds ``subject``, ``sender``, ``text``, ``html``, ``level`` and ``origin`` (code words and ids of
    what sent it). The same ``outbox`` id twice stores once. ``guardian_id``: whose mailbox a minor's notice goes
    to. ``token`` is given by a caller who must be able to
    make the same notice again; otherwise it is drawn.
    """
    now = clock.now()
    known = SecureMessage.objects.filter(outbox=outbox).first() if outbox is not None else None
    if known is None:
        message_id = next_ids(MESSAGE_TABLE, 1)[0]
        known = SecureMessage.objects.create(
            id=message_id,
            person_id=person_id,
            outbox=outbox,
            sealed=sealing.seal(record_key, dict(content), table=MESSAGE_TABLE, row=message_id),
            created_at=now,
            expires_at=now + policy.MESSAGE_LIFE,
        )
        place = {"mailbox": mailbox, "guardian_id": guardian_id}
        account, fresh = PortalAccount.objects.get_or_create(person_id=person_id, defaults=place)
        if not fresh and (bytes(account.mailbox) != mailbox or account.guardian_id != guardian_id):
            account.mailbox, account.guardian_id = mailbox, guardian_id
            account.save(update_fields=["mailbox", "guardian"])
        record(
            actor=actor,
            action=Action.SECURE_MESSAGE_STORE,
            kind="secure_message",
            subject=known.pk,
            people=[person_id],
            codes={"level": int(content.get("level", 2))},
        )
    elif token:
        return Stored(known, token)
    if token:
        link_keep(token=token, mailbox=mailbox, message=known)
    else:
        token = link_create(mailbox=mailbox, message_id=known.pk, expires_at=known.expires_at)
    return Stored(known, token)


def link_keep(*, token: str, mailbox: bytes, message: SecureMessage) -> None:
    """Make a link with a token that the caller derived. Caller's transaction and entry."""
    NoticeLink.objects.get_or_create(
        token=policy.hashed(token),
        defaults={
            "mailbox": mailbox,
            "message": message,
            "created_at": clock.now(),
            "expires_at": message.expires_at,
        },
    )


def messages_list(*, actor: Actor, person_id: int) -> list[Line]:
    """What waits for a patient and what was read, newest first (at most 200); on the trail first."""
    record_read(
        actor=actor,
        action=Action.SECURE_MESSAGE_LIST,
        kind="person",
        subject=person_id,
        people=[person_id],
        purpose=READ,
    )
    key = record_keys([person_id])[person_id]
    rows = selectors.messages_of(person_id).select_related("conversation")[:200]
    lines = []
    for row in rows:
        content = sealing.open_sealed(key, row.sealed, table=MESSAGE_TABLE, row=row.pk)
        lines.append(
            Line(row.public, content["subject"], content.get("sender", ""), row.created_at, row.read_at is not None)
        )
    return lines


def message_open(*, actor: Actor, person_id: int, public: str, whole: bool = True) -> Opened | None:
    """Open a patient's own message: first the entry, then the content, then what reading means.

    The first reading is an event of the timeline. ``whole`` False opens the mail's body for the frame on a page
    that was counted already. Somebody else's message is None, like one that never was.
    """
    row = selectors.message_of(person_id, public)
    if row is None:
        return None
    record_read(
        actor=actor,
        action=Action.SECURE_MESSAGE_OPEN,
        kind="secure_message",
        subject=row.pk,
        people=[person_id],
        purpose=READ,
        codes={"part": "page" if whole else "body"},
    )
    key = record_keys([person_id])[person_id]
    content = sealing.open_sealed(key, row.sealed, table=MESSAGE_TABLE, row=row.pk)
    if whole:
        _count_reading(actor, row, content)
    conversation = conversation_of(row)
    draft = sealing.open_sealed(key, row.draft, table=DRAFT_TABLE, row=row.pk) if row.draft else {}
    return Opened(
        public=row.public,
        subject=content["subject"],
        sender=content.get("sender", ""),
        text=content.get("text", ""),
        html=content.get("html", ""),
        sent_at=row.created_at,
        expires_at=row.expires_at,
        said=said_in(conversation, key) if conversation and whole else (),
        draft=draft.get("text", ""),
        closed=conversation is not None and conversation.state == Conversation.State.CLOSED,
    )


def message_export(*, actor: Actor, person_id: int, public: str, form: str) -> Opened | None:
    """Open a message for a copy that leaves the portal (``html`` or ``txt``); a trace of its own."""
    row = selectors.message_of(person_id, public)
    if row is None:
        return None
    record_read(
        actor=actor,
        action=Action.SECURE_MESSAGE_EXPORT,
        kind="secure_message",
        subject=row.pk,
        people=[person_id],
        purpose=READ,
        codes={"form": form},
    )
    key = record_keys([person_id])[person_id]
    content = sealing.open_sealed(key, row.sealed, table=MESSAGE_TABLE, row=row.pk)
    return Opened(
        row.public,
        content["subject"],
        content.get("sender", ""),
        content.get("text", ""),
        content.get("html", ""),
        row.created_at,
        row.expires_at,
    )


@transaction.atomic
def _count_reading(actor: Actor, row: SecureMessage, content: Mapping[str, Any]) -> None:
    now = clock.now()
    first = SecureMessage.objects.filter(pk=row.pk, read_at__isnull=True).update(read_at=now, opened=1)
    if not first:
        SecureMessage.objects.filter(pk=row.pk).update(opened=F("opened") + 1)
        return
    Reply.objects.filter(message=row, read_at__isnull=True).update(read_at=now)
    events_record(actor=actor, events=[_event(row, "message.read", f"message.read:{row.pk}", content)], action=None)


def _event(row: SecureMessage, kind: str, source: str, content: Mapping[str, Any]) -> NewEvent:
    origin = content.get("origin") or {}
    groups = ["any:message"] + [f"{kind}:{name}:{origin[name]}" for name in ("campaign", "journey") if name in origin]
    return NewEvent(
        person_id=row.person_id,
        kind=kind,
        on=clock.clinic_day(),
        source=source,
        facts={"message": row.outbox, "secure_message": row.pk, "route": "portal", **origin},
        groups=tuple(groups),
    )


@transaction.atomic
def draft_save(*, actor: Actor, person_id: int, public: str, text: str) -> bool:
    """Keep what a patient typed and did not send; empty text forgets it. Whether there is such a message.

    The same text again writes nothing, so that the page may ask every few seconds.
    """
    row = selectors.message_of(person_id, public)
    if row is None:
        return False
    key = record_keys([person_id])[person_id]
    kept = policy.clean_reply(text)[: policy.REPLY_LENGTH * 2]
    known = sealing.open_sealed(key, row.draft, table=DRAFT_TABLE, row=row.pk)["text"] if row.draft else ""
    if kept == known:
        return True
    draft = sealing.seal(key, {"text": kept}, table=DRAFT_TABLE, row=row.pk) if kept else None
    SecureMessage.objects.filter(pk=row.pk).update(draft=draft)
    record(
        actor=actor,
        action=Action.SECURE_MESSAGE_DRAFT,
        kind="secure_message",
        subject=row.pk,
        people=[person_id],
        codes={"characters": len(kept)},
    )
    return True


@transaction.atomic
def reply_send(*, actor: Actor, person_id: int, public: str, text: str, once: UUID) -> bool:
    """Send a patient's reply to staff; False when the message is not theirs. The same ``once`` sends once.

    A closed conversation opens again. Raises ``ReplyRefused``; then the text is best kept by ``draft_save``.
    """
    message = selectors.message_of(person_id, public)
    if message is None:
        return False
    # The account first: replies to many messages at once are counted one after the other.
    PortalAccount.objects.select_for_update().filter(person_id=person_id).first()
    # A button pressed twice, or two tabs: the second waits here and finds what the first one wrote.
    SecureMessage.objects.select_for_update().get(pk=message.pk)
    if Reply.objects.filter(once=once).exists():
        return True
    clean = policy.clean_reply(text)
    if not clean:
        raise ReplyRefused("reply.empty")
    if len(clean) > policy.REPLY_LENGTH:
        raise ReplyRefused("reply.too_long")
    now = clock.now()
    lately = Reply.objects.filter(
        conversation__person_id=person_id,
        direction=Reply.Direction.PATIENT,
        created_at__gt=now - timedelta(days=1),
    )
    if lately.count() >= policy.REPLIES_PER_DAY:
        raise ReplyRefused("reply.too_many_today")
    if lately.filter(created_at__gt=now - timedelta(hours=1)).count() >= policy.REPLIES_PER_HOUR:
        raise ReplyRefused("reply.too_many_this_hour")
    key = record_keys([person_id])[person_id]
    content = sealing.open_sealed(key, message.sealed, table=MESSAGE_TABLE, row=message.pk)
    conversation = conversation_of(message, lock=True) or _conversation_begin(message, content, key, now)
    reply_id = next_ids(REPLY_TABLE, 1)[0]
    Reply.objects.create(
        id=reply_id,
        conversation=conversation,
        direction=Reply.Direction.PATIENT,
        once=once,
        sealed=sealing.seal(key, {"text": clean}, table=REPLY_TABLE, row=reply_id),
        created_at=now,
    )
    conversation.unread += 1
    conversation.last_at = now
    conversation.state, conversation.closed_at, conversation.closed_by = Conversation.State.OPEN, None, None
    conversation.place = policy.inbox_place(True, now, conversation.pk)
    conversation.save(update_fields=["unread", "last_at", "state", "closed_at", "closed_by", "place"])
    SecureMessage.objects.filter(pk=message.pk).update(draft=None)
    events_record(
        actor=actor, events=[_event(message, "message.replied", f"message.replied:{reply_id}", content)], action=None
    )
    record(
        actor=actor,
        action=Action.SECURE_MESSAGE_REPLY,
        kind="conversation",
        subject=conversation.pk,
        people=[person_id],
        codes={"characters": len(clean)},
    )
    return True


def conversation_of(message: SecureMessage, lock: bool = False) -> Conversation | None:
    """The conversation a message began, or the one in which it is an answer."""
    rows = Conversation.objects.select_for_update() if lock else Conversation.objects.all()
    found = rows.filter(message_id=message.pk).first()
    if found is None:
        answer = Reply.objects.filter(message_id=message.pk).values_list("conversation_id", flat=True).first()
        found = rows.filter(pk=answer).first() if answer else None
    return found


def _conversation_begin(message: SecureMessage, content: Mapping[str, Any], key: bytes, now: datetime) -> Conversation:
    conversation_id = next_ids(CONVERSATION_TABLE, 1)[0]
    facts = {"subject": content["subject"]}
    return Conversation.objects.create(
        id=conversation_id,
        person_id=message.person_id,
        message=message,
        sealed=sealing.seal(key, facts, table=CONVERSATION_TABLE, row=conversation_id),
        place=policy.inbox_place(True, now, conversation_id),
        created_at=now,
        last_at=now,
    )


def said_in(conversation: Conversation, key: bytes) -> tuple[Said, ...]:
    """The texts of a conversation in the order they were written. The caller has recorded the opening."""
    rows = conversation.replies.select_related("author").order_by("id")
    return tuple(
        Said(
            from_patient=row.direction == Reply.Direction.PATIENT,
            text=sealing.open_sealed(key, row.sealed, table=REPLY_TABLE, row=row.pk)["text"],
            at=row.created_at,
            author=row.author.name if row.author else "",
            read_at=row.read_at,
            reply_id=row.pk,
        )
        for row in rows
    )
