"""What contacts say on the home page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse

from apps.contacts.models import PendingChange
from apps.core.permissions import Permission
from apps.ui.board import Item
from apps.users.models import User


def waiting(user: User, now: datetime) -> Iterator[Item]:
    """Identity facts that somebody wants to replace who may not see them."""
    if not (user.may(Permission.CONTACT_REVEAL) and user.may(Permission.CONTACT_EDIT)):
        return
    count = PendingChange.objects.filter(state=PendingChange.State.OPEN).count()
    if count:
        people = "1 person" if count == 1 else f"{count:,} people"
        yield Item(
            f"Confirm changed contact details of {people}",
            "An e-mail address, phone, birth date, record number, guardian or relationship would be replaced.",
            reverse("contacts:changes"),
            "user-check",
        )
