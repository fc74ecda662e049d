"""Tasks for staff: something about a person that somebody should look into."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.contacts.models import Person
from apps.core import clock
from apps.core.classification import Kind, classify

# Sealed values are bound to the name of their table: it stays what it was when tasks were the portal's.
TASK_TABLE = "portal_inboxtask"


@classify(
    id=Kind.PLAIN,
    person=Kind.PLAIN,
    kind=Kind.PLAIN,
    sealed=Kind.SEALED,
    state=Kind.PLAIN,
    created_at=Kind.PLAIN,
    done_at=Kind.PLAIN,
    done_by=Kind.PLAIN,
)
class StaffTask(models.Model):
    """Something for staff to look at. ``sealed`` (record key) holds what it is about, such as an address.

    ``kind`` is the code of a kind that an app registered (``task_kinds``). A person has one open task of a kind.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        DONE = "done", "Done"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="staff_tasks")
    kind = models.CharField(max_length=12)
    sealed = models.BinaryField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    created_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = TASK_TABLE
        constraints = [
            models.UniqueConstraint(
                fields=["person", "kind"], condition=Q(state="open"), name="one_open_task_of_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(state="open", done_at__isnull=True, done_by__isnull=True)
                | Q(state="done", done_at__isnull=False, done_by__isnull=False),
                name="inbox_task_done_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"StaffTask {self.pk}"
