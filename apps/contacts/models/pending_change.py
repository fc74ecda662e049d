"""Changes of identity facts: what waits for confirmation, and what a mailbox is to be told of."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from apps.contacts.models.person import Person
from apps.core import clock
from apps.core.classification import Kind, classify

# Sealed values are bound to the name of their table: it stays what it was when a pending change was a held one.
PENDING_TABLE = "contacts_heldchange"
MOVED_TABLE = "contacts_movedmailbox"


@classify(
    id=Kind.PLAIN,
    person=Kind.PLAIN,
    sealed=Kind.SEALED,
    version=Kind.PLAIN,
    state=Kind.PLAIN,
    job=Kind.PLAIN,
    asked_by=Kind.PLAIN,
    asked_at=Kind.PLAIN,
    decided_by=Kind.PLAIN,
    decided_at=Kind.PLAIN,
)
class PendingChange(models.Model):
    """What somebody who may not see a person's identity facts wants to replace in them.

    ``sealed`` (profile key): new values by name. At most one is open for a person; later wishes join it. Declined
    ones are kept, so that the same list does not ask again. ``job`` is the import it came by.
    """

    class State(models.TextChoices):
        OPEN = "open", "Waits for confirmation"
        CONFIRMED = "confirmed", "Confirmed"
        DECLINED = "declined", "Declined"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="pending_changes")
    sealed = models.BinaryField()
    version = models.IntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    job = models.BigIntegerField(null=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=clock.now)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = PENDING_TABLE
        constraints = [
            models.UniqueConstraint(
                fields=["person"], condition=models.Q(state="open"), name="one_open_held_change_a_person"
            ),
            models.CheckConstraint(
                condition=models.Q(state="open", decided_at__isnull=True)
                | (~models.Q(state="open") & models.Q(decided_at__isnull=False)),
                name="held_change_decided_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"PendingChange {self.pk}"


@classify(id=Kind.PLAIN, person=Kind.PLAIN, sealed=Kind.SEALED, created_at=Kind.PLAIN, told_at=Kind.PLAIN)
class MovedMailbox(models.Model):
    """A person's address was replaced: the old one is told, so that whoever reads it can object.

    ``sealed`` (profile key) holds the old address until the mailbox was told.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="moved_mailboxes")
    sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    told_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="moved_mailbox_untold", condition=models.Q(told_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"MovedMailbox {self.pk}"
