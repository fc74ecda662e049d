"""What every page needs: the menu, the clinic's name, the demo ribbon."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.ui import navigation

PATIENTS = "/portal/"


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template variables ``menu``, ``demo``, ``idle_seconds``, ``error_frame``, ``error_home``, ``user_theme``,
    ``user_compact``.
    """
    user = getattr(request, "user", None)
    return {
        "menu": SimpleLazyObject(lambda: navigation.menu(request)),
        "demo": settings.DEMO,
        "idle_seconds": int(settings.SESSION_IDLE.total_seconds()),
        # Error pages: in the shell for staff who are fully signed in, in the public frame for everybody else.
        "error_frame": "base.html" if _is_staff(user) else "public.html",
        # A patient who mistyped an address of the portal is not led to the sign-in of staff.
        "error_home": PATIENTS if not _is_staff(user) and request.path.startswith(PATIENTS) else "/",
        "user_theme": getattr(user, "theme", "") or "",
        "user_compact": bool(getattr(user, "compact", False)),
    }


def _is_staff(user: Any) -> bool:
    return bool(user and user.is_authenticated and getattr(user, "is_verified", lambda: False)())
