"""What waits for staff that the inbox knows itself: tasks, and what contacts, which lie below, wait for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.db.models import Count, QuerySet

from apps.contacts.models import Appointment, DuplicatePair, PendingChange
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


def _held_visits() -> QuerySet[Appointment]:
    return Appointment.objects.filter(held_at__isnull=False, person__erased_at__isnull=True)


def _held_visit_line(count: int) -> Item:
    visits = "1 visit" if count == 1 else f"{count:,} visits"
    return Item(
        f"Check {visits} that an import is in doubt about",
        "No reminder leaves until you say what is right.",
        icon="calendar-event",
    )


HELD_VISITS = waiting.Rows(
    key="visits_held",
    order=30,
    # Who decides sees what the row said, and may move or cancel the visit.
    permissions=(Permission.CONTACT_REVEAL, Permission.CONTACT_EDIT),
    page="contacts:visits_held",
    rows=_held_visits,
    line=_held_visit_line,
)


def _duplicates() -> QuerySet[DuplicatePair]:
    return DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN)


def _duplicate_line(count: int) -> Item:
    pairs = "1 pair of people" if count == 1 else f"{count:,} pairs of people"
    return Item(
        f"Compare {pairs} who may be on record twice",
        "Whoever has two records misses what is in the other one, or is written to twice.",
        icon="users",
    )


DUPLICATES = waiting.Rows(
    key="duplicates",
    order=50,
    # Who decides sees what tells people apart.
    permissions=(Permission.CONTACT_REVEAL, Permission.CONTACT_EDIT),
    page="contacts:duplicates",
    rows=_duplicates,
    line=_duplicate_line,
)
