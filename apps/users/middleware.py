"""The gate: no staff page without a verified second factor, and no session that nobody uses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import actors, clock
from apps.users import devices
from apps.users.models import TotpDevice
from apps.users.selectors import BEGAN, DEVICE, SEEN

LARGEST_ID = 2**63 - 1

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionTimeoutMiddleware:
    """Ends a staff session after 15 idle minutes or 12 hours (NIST SP 800-63B-4; 45 CFR 164.312(a)(2)(iii))."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        if user.is_authenticated:
            now = clock.now().timestamp()
            seen, began = request.session.get(SEEN), request.session.get(BEGAN)
            idle, whole = settings.SESSION_IDLE.total_seconds(), settings.SESSION_ABSOLUTE.total_seconds()
            if (seen and now - seen > idle) or (began and now - began > whole):
                record(
                    actor=actors.staff(user.pk, getattr(user, "role", "")),
                    action=Action.USER_SESSION_EXPIRE,
                    kind="user",
                    subject=user.pk,
                )
                logout(request)
                # Said on the sign-in page; a heartbeat or an htmx part shows its own cover instead.
                if not request.headers.get("X-Passive") and not request.headers.get("HX-Request"):
                    messages.info(request, "You were signed out because nothing happened for a while.")
                request.session_ended = True  # type: ignore[attr-defined]
                request.actor = actors.STRANGER  # type: ignore[attr-defined]
            # The look-only heartbeat must not keep a session alive; writing every request would be wasteful.
            elif not request.headers.get("X-Passive") and (not seen or now - seen > 15 or not began):
                request.session[SEEN] = now
                request.session.setdefault(BEGAN, now)
                request.session[DEVICE] = devices.code_of(request.headers.get("User-Agent", ""))
        return self.get_response(request)


def _is_nobodys(value: Any) -> bool:
    """Whether a part of an address names nothing of ours: the database refuses even to look for such a thing."""
    return "\x00" in value if isinstance(value, str) else isinstance(value, int) and value > LARGEST_ID


class SecondFactorGate:
    """Default deny: a view without a guard is closed; a guarded one needs a verified second factor."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        if any(_is_nobodys(value) for value in kwargs.values()) or "%00" in request.META.get("QUERY_STRING", ""):
            return render(request, "404.html", status=404)
        guard = getattr(view, "guard", None)
        if guard == "public":
            return None
        user = request.user
        if guard is None:
            return render(request, "404.html", status=404)
        if not user.is_authenticated or not user.is_active:
            return self._to_sign_in(request)
        if guard == "enrolment" or user.is_verified():  # type: ignore[attr-defined]
            return None
        enrolled = TotpDevice.objects.filter(user_id=user.pk, confirmed=True).exists()
        step = reverse("users:verify" if enrolled else "users:enrol")
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401, headers={"HX-Redirect": step})
        return redirect(step)

    @staticmethod
    def _to_sign_in(request: HttpRequest) -> HttpResponseBase:
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401, headers={"HX-Redirect": reverse(settings.LOGIN_URL)})
        # A path may carry an id, never personal data, so it may come back as ?next=.
        target = request.get_full_path() if request.method == "GET" else ""
        return redirect_to_login(target, settings.LOGIN_URL) if target else redirect(settings.LOGIN_URL)
