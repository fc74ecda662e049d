"""Signing in: password, then the second factor."""

from __future__ import annotations

import base64
from typing import Any

import segno
from allauth.account.views import LoginView, LogoutView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_otp import login as otp_login

from apps.audit.actions import Action
from apps.audit.services import record
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import enrolment, public, staff_only
from apps.users import services
from apps.users.forms import CodeForm, InvitationForm
from apps.users.models import RecoveryDevice, TotpDevice, User
from apps.users.selectors import BEGAN, SEEN

NEXT = "next"
FRESH_CODES = "fresh_recovery_codes"

_sign_in_view = LoginView.as_view(template_name="users/sign_in.html")
_sign_out_view = LogoutView.as_view(template_name="users/sign_out.html")


@public
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Address and password; a right pair leads on to the second factor."""
    if request.method == "POST":
        request.session.pop(SEEN, None)
        request.session.pop(BEGAN, None)
    return _sign_in_view(request)


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    if request.user.is_authenticated:
        record(actor=actor_of(request), action=Action.USER_SIGN_OUT, kind="user", subject=request.user.pk)
    return _sign_out_view(request)


@public
def signup_closed(request: HttpRequest) -> HttpResponse:
    """Nobody signs up; the library wants the address to exist."""
    return redirect("users:sign_in")


@enrolment
@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """The second factor of somebody who has one: authenticator code or recovery code."""
    user = current_user(request)
    device = TotpDevice.objects.filter(user=user, confirmed=True).first()
    if device is None:
        return redirect("users:enrol")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        recovery = RecoveryDevice.objects.filter(user=user).first()
        chosen: TotpDevice | RecoveryDevice | None = None
        if form.is_recovery:
            if recovery and recovery.verify_token(code):
                chosen = recovery
                record(actor=actor_of(request), action=Action.USER_USE_RECOVERY_CODE, kind="user", subject=user.pk)
        elif device.verify_token(code):
            chosen = device
        if chosen is not None:
            otp_login(request, chosen)
            request.session.cycle_key()
            return redirect(_next(request))
        record(
            actor=actor_of(request),
            action=Action.USER_SIGN_IN_FAILED,
            kind="user",
            subject=user.pk,
            codes={"why": "second factor"},
        )
        form.add_error("code", "That code is not right or was used already. Wait for the next one and type it.")
    return render(request, "users/verify.html", {"form": form}, status=200 if request.method == "GET" else 422)


@enrolment
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """Enrol an authenticator app; nothing else opens before."""
    user = current_user(request)
    if TotpDevice.objects.filter(user=user, confirmed=True).exists():
        return redirect("users:verify")
    device = TotpDevice.objects.filter(user=user, confirmed=False).first() or services.factor_begin(user=user)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = services.factor_confirm(
                actor=actor_of(request), user=user, device=device, code=form.cleaned_data["code"]
            )
        except Refused as refusal:
            form.add_error("code", str(refusal))
        else:
            otp_login(request, device)
            request.session.cycle_key()
            return render(request, "users/recovery_codes.html", {"codes": codes, "next": _next(request)})
    secret = base64.b32encode(device.secret).decode()
    address = f"otpauth://totp/{settings.OTP_TOTP_ISSUER}:staff?secret={secret}&issuer={settings.OTP_TOTP_ISSUER}"
    drawing = segno.make(address, error="m").svg_inline(omitsize=True, border=2, light="#ffffff", dark="#000000")
    context = {"form": form, "drawing": drawing, "secret": " ".join(_groups(secret))}
    return render(request, "users/enrol.html", context, status=200 if request.method == "GET" else 422)


@public
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Choose a password by a one-time link."""
    user = services.invited(uid, token)
    if user is None:
        return render(request, "users/invitation_ended.html", status=410)
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["password"]
        try:
            validate_password(password, user)
        except ValidationError as error:
            form.add_error("password", error)
        else:
            if services.invitation_use(uid=uid, token=token, password=password) is None:
                return render(request, "users/invitation_ended.html", status=410)
            messages.success(request, "Your password is saved. Sign in with it now.")
            return redirect("users:sign_in")
    return render(request, "users/invitation.html", {"form": form}, status=200 if request.method == "GET" else 422)


@staff_only
@require_GET
def session_state(request: HttpRequest) -> JsonResponse:
    """Seconds until the session ends by inactivity. Asked with ``X-Passive`` it does not prolong the session.

    ``csrf``: after a new sign-in in another tab, a page that was covered goes on with the new token. ``user``: only the
    same person's page is uncovered.
    """
    seen = request.session.get(SEEN, clock.now().timestamp())
    left = settings.SESSION_IDLE.total_seconds() - (clock.now().timestamp() - seen)
    return JsonResponse({"seconds_left": max(int(left), 0), "csrf": get_token(request), "user": request.user.pk})


def current_user(request: HttpRequest) -> User:
    """The signed-in member of staff. Raises TypeError where the gate was forgotten."""
    if not isinstance(request.user, User):
        raise TypeError("The gate admits signed-in staff only.")
    return request.user


def _next(request: HttpRequest) -> str:
    target = request.GET.get(NEXT) or request.session.pop(NEXT, "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return target
    return str(settings.LOGIN_REDIRECT_URL)


def _groups(secret: str) -> list[Any]:
    return [secret[start : start + 4] for start in range(0, len(secret), 4)]
