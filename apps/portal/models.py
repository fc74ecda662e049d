"""Patients in the portal. They are not users of Django: own accounts, own sessions, own cookie.

Texts are sealed under the person's record key, because law makes us keep correspondence; secrets are hashed.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.contacts.models import Person
from apps.core import clock
from apps.core.classification import Kind, classify

MESSAGE_TABLE = "portal_securemessage"
DRAFT_TABLE = "portal_securemessage.draft"
CONVERSATION_TABLE = "portal_conversation"
REPLY_TABLE = "portal_reply"
LOST_LINK_TABLE = "portal_lostlink"


@classify(
    id=Kind.PLAIN,
    person=Kind.PLAIN,
    password=Kind.SECRET,
    password_since=Kind.PLAIN,
    password_mailbox=Kind.TOKEN,
    mailbox=Kind.TOKEN,
    refused_mailbox=Kind.TOKEN,
    guardian=Kind.PLAIN,
    state=Kind.PLAIN,
    failed_tries=Kind.PLAIN,
    last_failed_at=Kind.PLAIN,
    locks=Kind.PLAIN,
    locked_until=Kind.PLAIN,
    created_at=Kind.PLAIN,
    last_visit_at=Kind.PLAIN,
)
class PortalAccount(models.Model):
    """One person's way in. ``mailbox`` is where the last notice went; ``refused_mailbox`` said "this is not me".

    ``password_mailbox`` is the mailbox that proved who set the password: with another one it is worth nothing. None
    for passwords of before it was noted, until their next use.

    ``failed_tries`` counts for the person, whatever browser or link the wrong answers came by. ``guardian`` is set
    when a minor's notices go to a parent's mailbox.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="portal_account")
    password = models.CharField(max_length=160, blank=True)
    password_since = models.DateTimeField(null=True)
    password_mailbox = models.BinaryField(max_length=16, null=True)
    mailbox = models.BinaryField(max_length=16)
    refused_mailbox = models.BinaryField(max_length=16, null=True)
    guardian = models.ForeignKey(Person, null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    failed_tries = models.PositiveSmallIntegerField(default=0)
    last_failed_at = models.DateTimeField(null=True)
    locks = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    last_visit_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["mailbox"], name="portal_account_mailbox")]
        constraints = [
            models.CheckConstraint(
                condition=Q(password="", password_since__isnull=True)
                | (~Q(password="") & Q(password_since__isnull=False)),
                name="portal_password_has_a_date",
            )
        ]

    def __str__(self) -> str:
        return f"PortalAccount {self.pk}"

    def is_locked(self, now: datetime) -> bool:
        return self.locked_until is not None and self.locked_until > now


@classify(
    id=Kind.PLAIN,
    token=Kind.SECRET,
    browser=Kind.SECRET,
    person=Kind.PLAIN,
    way=Kind.PLAIN,
    began_at=Kind.PLAIN,
    seen_at=Kind.PLAIN,
    ended_at=Kind.PLAIN,
    ended_why=Kind.PLAIN,
)
class PortalSession(models.Model):
    """A patient signed in: SHA-256 of a 256-bit token, and of the secret of the browser it belongs to."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="portal_sessions")
    token = models.BinaryField(max_length=32, unique=True)
    browser = models.BinaryField(max_length=32)
    way = models.CharField(max_length=8, choices=[("code", "One-time code"), ("password", "Password")])
    began_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=12, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_why="") | (Q(ended_at__isnull=False) & ~Q(ended_why="")),
                name="portal_session_end_has_a_reason",
            )
        ]

    def __str__(self) -> str:
        return f"PortalSession {self.pk}"


@classify(
    id=Kind.PLAIN,
    mailbox=Kind.TOKEN,
    browser=Kind.SECRET,
    code=Kind.SECRET,
    created_at=Kind.PLAIN,
    expires_at=Kind.PLAIN,
    used_at=Kind.PLAIN,
)
class AccessCode(models.Model):
    """Eight digits sent to a mailbox: keyed hash, ten minutes, one use, one browser (ASVS 6.5.1, 6.5.5)."""

    mailbox = models.BinaryField(max_length=16)
    browser = models.BinaryField(max_length=32)
    code = models.BinaryField(max_length=16)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["mailbox", "-created_at"], name="access_code_mailbox")]

    def __str__(self) -> str:
        return f"AccessCode {self.pk}"


@classify(
    id=Kind.PLAIN,
    public=Kind.PLAIN,
    person=Kind.PLAIN,
    outbox=Kind.PLAIN,
    sealed=Kind.SEALED,
    draft=Kind.SEALED,
    created_at=Kind.PLAIN,
    expires_at=Kind.PLAIN,
    read_at=Kind.PLAIN,
    opened=Kind.PLAIN,
)
class SecureMessage(models.Model):
    """A message that waits in the portal. ``sealed``: subject, sender, html, text, level, and where it came from.

    ``outbox`` is the id of delivery's message (one portal copy each); a staff answer has none. ``draft`` is a
    reply that the patient began and did not send.
    """

    public = models.UUIDField(default=uuid.uuid4, unique=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="secure_messages")
    outbox = models.BigIntegerField(null=True, unique=True)
    sealed = models.BinaryField()
    draft = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    opened = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["person", "-id"], name="secure_message_person")]
        constraints = [
            models.CheckConstraint(
                condition=Q(read_at__isnull=True, opened=0) | Q(read_at__isnull=False, opened__gt=0),
                name="secure_message_read_is_counted",
            )
        ]

    def __str__(self) -> str:
        return f"SecureMessage {self.pk}"


@classify(
    id=Kind.PLAIN,
    token=Kind.SECRET,
    mailbox=Kind.TOKEN,
    message=Kind.PLAIN,
    created_at=Kind.PLAIN,
    expires_at=Kind.PLAIN,
)
class NoticeLink(models.Model):
    """What a notice links to: SHA-256 of a 256-bit token, the mailbox it went to, the message if it is about one.

    The link proves nothing and shows nothing. It says to which mailbox a code may be sent.
    """

    token = models.BinaryField(max_length=32, unique=True)
    mailbox = models.BinaryField(max_length=16)
    message = models.ForeignKey(SecureMessage, null=True, on_delete=models.CASCADE, related_name="links")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"NoticeLink {self.pk}"


@classify(
    id=Kind.PLAIN,
    person=Kind.PLAIN,
    message=Kind.PLAIN,
    sealed=Kind.SEALED,
    state=Kind.PLAIN,
    unread=Kind.PLAIN,
    assigned=Kind.PLAIN,
    place=Kind.PLAIN,
    created_at=Kind.PLAIN,
    last_at=Kind.PLAIN,
    closed_at=Kind.PLAIN,
    closed_by=Kind.PLAIN,
)
class Conversation(models.Model):
    """Replies of a patient and answers of staff about one message. ``place`` orders the inbox: unread first."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="conversations")
    message = models.OneToOneField(SecureMessage, on_delete=models.PROTECT, related_name="conversation")
    sealed = models.BinaryField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    unread = models.PositiveSmallIntegerField(default=0)
    assigned = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="conversations"
    )
    place = models.BigIntegerField(unique=True)
    created_at = models.DateTimeField(default=clock.now)
    last_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True, closed_by__isnull=True)
                | Q(state="closed", closed_at__isnull=False, closed_by__isnull=False),
                name="conversation_closed_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"Conversation {self.pk}"


@classify(
    id=Kind.PLAIN,
    conversation=Kind.PLAIN,
    direction=Kind.PLAIN,
    author=Kind.PLAIN,
    message=Kind.PLAIN,
    once=Kind.PLAIN,
    sealed=Kind.SEALED,
    created_at=Kind.PLAIN,
    read_at=Kind.PLAIN,
)
class Reply(models.Model):
    """One text of a conversation. A staff answer names its author and the secure message that carries it.

    ``once`` comes from the form: a button pressed twice sends once.
    """

    class Direction(models.TextChoices):
        PATIENT = "patient", "From the patient"
        STAFF = "staff", "From staff"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="replies")
    direction = models.CharField(max_length=8, choices=Direction.choices)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    message = models.OneToOneField(SecureMessage, null=True, on_delete=models.PROTECT, related_name="answer")
    once = models.UUIDField(unique=True)
    sealed = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(direction="patient", author__isnull=True, message__isnull=True)
                | Q(direction="staff", author__isnull=False, message__isnull=False),
                name="staff_answer_has_an_author",
            )
        ]

    def __str__(self) -> str:
        return f"Reply {self.pk}"


@classify(id=Kind.PLAIN, sealed=Kind.SEALED, created_at=Kind.PLAIN, done_at=Kind.PLAIN)
class LostLink(models.Model):
    """An address that asked for a fresh notice, sealed under the service key until a worker has looked.

    The page only writes this row: it does the same work, and takes the same time, whether we know the address.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"LostLink {self.pk}"


@classify(
    id=Kind.PLAIN,
    act=Kind.PLAIN,
    token=Kind.TOKEN,
    count=Kind.PLAIN,
    began_at=Kind.PLAIN,
    locks=Kind.PLAIN,
    locked_until=Kind.PLAIN,
)
class Throttle(models.Model):
    """How often something was tried, by a keyed token of a mailbox or of a network address.

    Known and unknown addresses have rows alike, so that being locked out says nothing.
    """

    act = models.CharField(max_length=16)
    token = models.BinaryField(max_length=16)
    count = models.PositiveIntegerField(default=0)
    began_at = models.DateTimeField(default=clock.now)
    locks = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["act", "token"], name="one_throttle_per_act")]

    def __str__(self) -> str:
        return f"Throttle {self.pk}"
