"""What waits for staff that the inbox knows itself: tasks, and the pending changes of contacts, which lie below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.db.models import Count, QuerySet

from apps.contacts.models import PendingChange
from apps.core.permissions import Permission
from apps.inbox import selectors, task_kinds, waiting
from apps.ui.board import Item


class Tasks:
    """Open tasks: one tab, and a row of the home page for each kind of task."""

    key = "tasks"
    order = 20
    page = "inbox:tasks"
    tabs = (waiting.Tab("tasks", "Tasks"),)
    in_menu = False

    def is_for(self, role: str) -> bool:
        return bool(task_kinds.seen_by(role))

    def count(self, role: str) -> int:
        return selectors.open_tasks(role).count()

    def lines(self, role: str) -> Iterator[Item]:
        found = selectors.open_tasks(role).order_by("kind").values_list("kind").annotate(Count("pk"))
        for code, number in found:
            yield replace(task_kinds.of(code).line(number), url=waiting.front_page())


def _pending_changes() -> QuerySet[PendingChange]:
    return PendingChange.objects.filter(state=PendingChange.State.OPEN)


def _pending_change_line(count: int) -> Item:
    people = "1 person" if count == 1 else f"{count:,} people"
    return Item(
        f"Confirm changed contact details of {people}",
        "An e-mail address, phone, birth date, record number, guardian or relationship would be replaced.",
        icon="user-check",
    )


PENDING_CHANGES = waiting.Rows(
    key="pending_changes",
    order=40,
    # Who decides sees what was and what would be.
    permissions=(Permission.CONTACT_REVEAL, Permission.CONTACT_EDIT),
    page="contacts:changes",
    rows=_pending_changes,
    line=_pending_change_line,
)
