"""Settings, Users: who works here and what they may do."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, require
from apps.users import selectors, services
from apps.users.forms import InviteForm, StaffForm
from apps.users.selectors import StaffRow

CRUMBS = [("Settings", "/settings/"), ("Users", "")]


class Row(NamedTuple):
    """A row of the settings' front page."""

    url: str
    icon: str
    title: str
    text: str


# URL name, icon, title, what is there. Pages of apps that are not installed are left out.
SETTINGS: list[tuple[str, list[tuple[str, str, str, str]]]] = [
    (
        "Your clinic",
        [
            ("organizations:edit", "building-hospital", "Organization", "Name, address, time zone, logo, officials"),
            ("content:brands", "palette", "Brands and senders", "From-name, reply address, colors, footer"),
            ("content:images", "photo", "Images", "Pictures for messages"),
        ],
    ),
    (
        "People who work here",
        [
            ("users:list", "users-group", "Users", "Invite, change roles, reset a second factor, end access"),
            ("users:account", "user-circle", "My account", "Appearance, password, recovery codes, sessions"),
        ],
    ),
    (
        "Sending",
        [
            ("delivery:settings", "truck-delivery", "Delivery", "Domains, routes, protection policy, test send"),
            ("delivery:overview", "mail-fast", "Queue and hygiene", "What waits, what bounced, who is suppressed"),
            ("portal:settings", "shield-lock", "Portal", "How patients sign in and what they may do"),
            ("compliance:overview", "certificate", "Agreements", "Business associates and what they may carry"),
        ],
    ),
    (
        "System",
        [
            ("dashboard:status", "activity", "Status", "Web, worker, schedule, queue, disk, certificates, clock"),
            ("audit:trail", "history", "Audit trail", "Who did and who saw what"),
            ("ui:components", "template", "Components", "Every part of this product's look"),
        ],
    ),
]


@require(Permission.ORGANIZATION_EDIT)
@require_GET
def settings_index(request: HttpRequest) -> HttpResponse:
    """The front page of the settings: every page that is installed, in four groups."""
    groups = []
    for title, rows in SETTINGS:
        shown = [Row(found, *words) for name, *words in rows if (found := _address(name))]
        if shown:
            groups.append((title, shown))
    return render(request, "users/settings.html", {"groups": groups})


@require(Permission.USER_MANAGE)
@require_GET
def staff_list(request: HttpRequest) -> HttpResponse:
    rows = selectors.staff_rows()
    return render(request, "users/list.html", {"rows": rows, "crumbs": CRUMBS})


@require(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Name, address, role; then the one-time link goes out by mail, or is shown this once."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            invitation = services.staff_invite(actor=actor_of(request), **form.cleaned_data)
        except Refused as refusal:
            form.add_error("email", str(refusal))
        else:
            return _show_link(request, invitation)
    status = 422 if request.method == "POST" else 200
    crumbs = [("Settings", "/settings/"), ("Users", reverse("users:list")), ("Invite", "")]
    return render(request, "users/invite.html", {"form": form, "crumbs": crumbs}, status=status)


@require(Permission.USER_MANAGE)
@require_http_methods(["GET", "POST"])
def staff_detail(request: HttpRequest, user_id: int) -> HttpResponse:
    row = _row(user_id)
    form = StaffForm(request.POST or None, initial={"name": row.user.name, "role": row.user.role})
    if request.method == "POST" and form.is_valid():
        try:
            services.user_change(actor=actor_of(request), user=row.user, **form.cleaned_data)
        except Refused as refusal:
            form.add_error("role", str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("users:detail", user_id)
    status = 422 if request.method == "POST" else 200
    crumbs = [("Settings", "/settings/"), ("Users", reverse("users:list")), (row.user.name, "")]
    context = {
        "row": row,
        "form": form,
        "crumbs": crumbs,
        "is_self": request.user.pk == user_id,
        "sessions": selectors.session_rows(row.user, request.session.session_key or ""),
    }
    return render(request, "users/detail.html", context, status=status)


@require(Permission.USER_MANAGE)
@require_POST
def new_link(request: HttpRequest, user_id: int) -> HttpResponse:
    """A new link for an invitation that ended or a forgotten password; ``hand`` shows it instead of mailing it."""
    row = _row(user_id)
    by_mail = "hand" not in request.POST
    try:
        invitation = services.link_renew(actor=actor_of(request), user=row.user, by_mail=by_mail)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("users:detail", user_id)
    return _show_link(request, invitation)


@require(Permission.USER_MANAGE)
@require_POST
def disable(request: HttpRequest, user_id: int) -> HttpResponse:
    row = _row(user_id)
    try:
        services.user_disable(actor=actor_of(request), user=row.user)
        messages.success(request, "Access is disabled and every session has ended.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("users:detail", user_id)


@require(Permission.USER_MANAGE)
@require_POST
def enable(request: HttpRequest, user_id: int) -> HttpResponse:
    services.user_enable(actor=actor_of(request), user=_row(user_id).user)
    messages.success(request, "Access is back. The password and the second factor are as they were.")
    return redirect("users:detail", user_id)


@require(Permission.USER_MANAGE)
@require_POST
def unlock(request: HttpRequest, user_id: int) -> HttpResponse:
    services.user_unlock(actor=actor_of(request), user=_row(user_id).user)
    messages.success(request, "Unlocked. They can try again now.")
    return redirect("users:detail", user_id)


@require(Permission.USER_MANAGE)
@require_POST
def reset_factor(request: HttpRequest, user_id: int) -> HttpResponse:
    services.factor_reset(actor=actor_of(request), user=_row(user_id).user)
    messages.success(request, "The second factor is gone. They set up a new one when they sign in next.")
    return redirect("users:detail", user_id)


@require(Permission.USER_MANAGE)
@require_POST
def session_end(request: HttpRequest, user_id: int) -> HttpResponse:
    """End one session of a member of staff."""
    try:
        services.session_end(actor=actor_of(request), user=_row(user_id).user, handle=request.POST.get("session", ""))
        messages.success(request, "That session has ended.")
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("users:detail", user_id)


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _row(user_id: int) -> StaffRow:
    row = selectors.staff_row(user_id)
    if row is None:
        raise Http404
    return row


def _show_link(request: HttpRequest, invitation: services.Invitation) -> HttpResponse:
    # Shown in the answer itself: a redirect would need a place that keeps the link.
    crumbs = [("Settings", "/settings/"), ("Users", reverse("users:list")), ("Link", "")]
    return render(request, "users/link.html", {"invitation": invitation, "crumbs": crumbs})
