"""What every page needs: the menu, the clinic's name, the demo ribbon."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.core import navigation


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template variables ``menu``, ``demo``, ``idle_seconds`` and ``user_theme``."""
    user = getattr(request, "user", None)
    return {
        "menu": SimpleLazyObject(lambda: navigation.menu(request)),
        "demo": settings.DEMO,
        "idle_seconds": int(settings.SESSION_IDLE.total_seconds()),
        "user_theme": getattr(user, "theme", "") or "",
    }
