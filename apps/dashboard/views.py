"""The first page of the day, and the pages that say how the machinery is."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from apps.core import clock
from apps.core.permissions import Permission, public, require
from apps.dashboard import home_page
from apps.dashboard.status import checks, healthy
from apps.ui import datewords
from apps.users.views.sign_in import current_user

WORST = ("down", "warning", "unknown", "ok")


@require(Permission.HOME)
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """What is wrong, what waits for me, what goes out, how the last campaigns did; at first, five steps."""
    now = clock.now()
    user = current_user(request)
    steps = sorted(home_page.gather("first_steps", user, now), key=lambda step: step.order)
    context = {
        "now": now,
        "today": datewords.weekday(timezone.localtime(now)),
        "status_url": home_page.address("dashboard:status") if user.may(Permission.STATUS_VIEW) else "",
        "campaigns_url": home_page.address("campaigns:list"),
        "greeting": _greeting(timezone.localtime(now).hour),
        "problems": home_page.by_severity(home_page.gather("problems", user, now)),
        "waiting": home_page.gather("waiting", user, now),
        "upcoming": sorted(home_page.gather("upcoming", user, now), key=lambda item: item.at)[:12],
        "recent": home_page.gather("recent", user, now)[:6],
        "steps": steps,
        "steps_done": sum(step.done for step in steps),
        "is_new": not all(step.done for step in steps),
    }
    return render(request, "dashboard/home.html", context)


@require(Permission.STATUS_VIEW)
@require_GET
def status(request: HttpRequest) -> HttpResponse:
    """Web, worker, schedule, queue, disk, certificates, clock."""
    now = clock.now()
    found = list(checks(now))
    worst = min((check.state for check in found), key=WORST.index)
    # Auditors see the status, but not the settings it stands among.
    top = ("Settings", "/settings/") if current_user(request).may(Permission.ORGANIZATION_EDIT) else ("Home", "/")
    context = {"checks": found, "worst": worst, "now": now, "crumbs": [top, ("Status", "")]}
    return render(request, "dashboard/status.html", context)


@public
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """For load balancers and compose: 200 when database and Redis answer, else 503. Says nothing else."""
    well = healthy()
    return JsonResponse({"status": "ok" if well else "unavailable"}, status=200 if well else 503)


def _greeting(hour: int) -> str:
    """By the clinic's clock; who is there at night has the morning before them."""
    return "Good morning" if hour < 12 else "Good afternoon" if hour < 18 else "Good evening"
