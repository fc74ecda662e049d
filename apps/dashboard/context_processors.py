"""Small numbers beside entries of the menu."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.core.permissions import Permission
from apps.portal import selectors as portal
from apps.users.models import User


def menu_counts(request: HttpRequest) -> dict[str, Any]:
    """Template variable ``menu_counts``: menu label -> how many wait there; asked once, when a menu is drawn."""
    return {"menu_counts": SimpleLazyObject(lambda: _counts(request))}


def _counts(request: HttpRequest) -> dict[str, int]:
    user = request.user
    if not isinstance(user, User) or not user.may(Permission.INBOX_VIEW):
        return {}
    return {"Inbox": portal.waiting().count()}
