"""What journeys tell the home page: approvals that wait, and those that came back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef
from django.urls import reverse

from apps.approvals import selectors as entries
from apps.core.permissions import Permission
from apps.journeys import approvals, selectors
from apps.journeys.models import Journey
from apps.ui.board import Item
from apps.users.models import User


def waiting(user: User, now: datetime) -> Iterator[Item]:
    """Journeys that this person may decide about, and those that may be switched on or were sent back."""
    decides, edits = user.may(Permission.JOURNEY_APPROVE), user.may(Permission.JOURNEY_EDIT)
    if not decides and not edits:
        return
    asked = entries.entries_of_all(approvals.KIND).filter(subject=OuterRef("pk"))
    for row in Journey.objects.filter(Exists(asked)).order_by("pk"):
        journey = selectors.opened(row)
        standing = approvals.standing(row, journey.draft)
        url = reverse("journeys:activate", args=[row.pk])
        if decides and standing.state == "waiting" and standing.by != f"staff:{user.pk}":
            yield Item(
                f"Approve “{journey.name}”", "Steps, texts and segments.", url, "clipboard-check", at=standing.at
            )
        elif edits and standing.state == "rejected":
            yield Item(f"“{journey.name}” came back", "Read the comment and change it.", url, "message", "caution")
        elif edits and standing.state == "approved" and (row.version is None or journey.changed):
            yield Item(f"“{journey.name}” is approved", "Activate it.", url, "player-play", at=standing.at)
