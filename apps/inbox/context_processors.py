"""Small numbers beside entries of the menu."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.core.permissions import role_of
from apps.inbox import waiting


def menu_counts(request: HttpRequest) -> dict[str, Any]:
    """Template variable ``menu_counts``: menu label -> how many wait there; asked once, when a menu is drawn."""
    return {"menu_counts": SimpleLazyObject(lambda: waiting.menu_counts(role_of(request)))}
