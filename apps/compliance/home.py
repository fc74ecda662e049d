"""What compliance says on the home page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from apps.compliance import selectors
from apps.core.permissions import Permission
from apps.ui.board import Item
from apps.users.models import User

_TEXT = {
    "bad": "Enter the agreement, tick what it says, and upload the signed document.",
    "caution": "Open the vendor to see what to do.",
}


def problems(user: User, now: datetime) -> Iterator[Item]:
    """Vendors without an agreement in force, agreements that end soon, reviews that are due."""
    if user.may(Permission.COMPLIANCE_VIEW):
        for reminder in selectors.reminders():
            icon = "shield-x" if reminder.tone == "bad" else "hourglass"
            yield Item(
                reminder.words, _TEXT[reminder.tone], reminder.url, icon, reminder.tone, action="Open the vendor"
            )
