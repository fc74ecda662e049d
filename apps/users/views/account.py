"""My account: what people see and change about their own access."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import staff_only
from apps.users import selectors, services
from apps.users.forms import AccountForm, ConfirmPasswordForm, PasswordForm
from apps.users.views.sign_in import current_user

WRONG = "That is not your password."


@staff_only
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Name and appearance; below them the cards for password, second factor and sessions."""
    user = current_user(request)
    form = AccountForm(request.POST or None, initial={"name": user.name, "theme": user.theme or "system"})
    if request.method == "POST" and form.is_valid():
        actor = actor_of(request)
        if form.cleaned_data["name"].strip() != user.name:
            services.user_change(actor=actor, user=user, name=form.cleaned_data["name"], role=user.role)
        services.preferences_change(actor=actor, user=user, theme=form.cleaned_data["theme"].removeprefix("system"))
        messages.success(request, "Saved.")
        return redirect("users:account")
    context = {
        "form": form,
        "codes_left": selectors.recovery_codes_left(user),
        "sessions": selectors.session_rows(user, request.session.session_key or ""),
    }
    return render(request, "users/account.html", context, status=422 if request.method == "POST" else 200)


@staff_only
@require_POST
def compact(request: HttpRequest) -> HttpResponse:
    """Remember how high the rows of tables shall be."""
    chosen = request.POST.get("compact") == "1"
    services.compact_change(actor=actor_of(request), user=current_user(request), compact=chosen)
    return HttpResponse(status=204)


@staff_only
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change the password; every other session ends, this one goes on."""
    user = current_user(request)
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data["password"]
        if not services.password_confirm(actor=actor_of(request), user=user, password=form.cleaned_data["current"]):
            if user.is_locked(clock.now()):
                return _out(request)
            form.add_error("current", WRONG)
        try:
            validate_password(chosen, user)
        except ValidationError as error:
            form.add_error("password", error)
        if form.is_valid():
            services.user_set_password(actor=actor_of(request), user=user, password=chosen)
            update_session_auth_hash(request, user)
            messages.success(request, "Your password is changed. Other browsers were signed out.")
            return redirect("users:account")
    return render(request, "users/password.html", {"form": form}, status=422 if request.method == "POST" else 200)


@staff_only
@require_http_methods(["GET", "POST"])
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes, after the password; the old ones end."""
    user = current_user(request)
    form = ConfirmPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if services.password_confirm(actor=actor_of(request), user=user, password=form.cleaned_data["current"]):
            codes = services.recovery_codes_renew(actor=actor_of(request), user=user)
            return render(request, "users/recovery_codes.html", {"codes": codes, "next": "/account/"})
        if user.is_locked(clock.now()):
            return _out(request)
        form.add_error("current", WRONG)
    status = 422 if request.method == "POST" else 200
    return render(request, "users/recovery_codes_renew.html", {"form": form}, status=status)


def _out(request: HttpRequest) -> HttpResponse:
    """Five wrong passwords in a session: whoever sits there is perhaps not who signed in."""
    logout(request)
    messages.error(request, "You were signed out: the password was wrong five times. Try again in 15 minutes.")
    return redirect("users:sign_in")


@staff_only
@require_POST
def sessions(request: HttpRequest) -> HttpResponse:
    """End every other session of this person."""
    keep = request.session.session_key or ""
    ended = services.sessions_end_others(actor=actor_of(request), user=current_user(request), keep=keep)
    messages.success(request, f"{ended} other {'session' if ended == 1 else 'sessions'} ended.")
    return redirect("users:account")


@staff_only
@require_POST
def session(request: HttpRequest) -> HttpResponse:
    """End one session of this person."""
    try:
        services.session_end(
            actor=actor_of(request), user=current_user(request), handle=request.POST.get("session", "")
        )
        messages.success(request, "That session has ended.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("users:account")
