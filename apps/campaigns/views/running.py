"""Decisions about a campaign: each view is one call, an answer in words, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.campaigns import plans, services
from apps.campaigns.forms import CommentForm, ScheduleForm
from apps.campaigns.models import State
from apps.campaigns.services import sending
from apps.campaigns.views.preparing import approval_page
from apps.campaigns.views.shared import campaign_or_404
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import NOTHING_SEEN, whole
from apps.core.permissions import Permission, require


def _do(request: HttpRequest, campaign_id: int, act: Callable[[], Any], done: str, to: str) -> HttpResponse:
    campaign_or_404(campaign_id)
    try:
        act()
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect(to, campaign_id)


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def submit(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Ask a second person for approval."""
    actor = actor_of(request)

    def act() -> None:
        campaign = campaign_or_404(campaign_id)
        # Whoever asks has just looked at the plan; it is drawn once more only when it is not at hand any more.
        drawn = plans.plan_at_hand(actor=actor, campaign=campaign) or plans.plan_of(actor=actor, campaign=campaign)
        services.campaign_submit(actor=actor, campaign_id=campaign_id, planned=drawn.audience)

    return _do(request, campaign_id, act, "Sent to review.", "campaigns:approval")


@require(Permission.CAMPAIGN_APPROVE)
@require_POST
def approve(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Approve exactly what was submitted."""
    comment = request.POST.get("comment", "")[:2000]
    looked_at = whole(request.POST.get("looked_at", ""), NOTHING_SEEN)

    def act() -> None:
        services.campaign_approve(
            actor=actor_of(request), campaign_id=campaign_id, comment=comment, looked_at=looked_at
        )

    return _do(request, campaign_id, act, "Approved.", "campaigns:approval")


@require(Permission.CAMPAIGN_APPROVE)
@require_POST
def reject(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Send it back with a comment."""
    form = CommentForm(request.POST)
    comment = form.cleaned_data["comment"] if form.is_valid() else ""
    looked_at = whole(request.POST.get("looked_at", ""), NOTHING_SEEN)

    def act() -> None:
        services.campaign_reject(actor=actor_of(request), campaign_id=campaign_id, comment=comment, looked_at=looked_at)

    return _do(request, campaign_id, act, "Sent back to the author.", "campaigns:approval")


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def withdraw(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Take back what was asked for or approved."""

    def act() -> None:
        services.campaign_withdraw(actor=actor_of(request), campaign_id=campaign_id)

    return _do(request, campaign_id, act, "This campaign is a draft again.", "campaigns:approval")


@require(Permission.CAMPAIGN_SEND)
@require_POST
def send(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Send now."""

    def act() -> None:
        sending.campaign_send(actor=actor_of(request), campaign_id=campaign_id)

    return _do(request, campaign_id, act, "Sending has begun.", "campaigns:detail")


@require(Permission.CAMPAIGN_SEND)
@require_POST
def schedule(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Send at a time."""
    form = ScheduleForm(request.POST)
    if form.is_valid():
        try:
            services.ensure_time(form.cleaned_data["send_at"], clock.now())
        except Refused as refusal:
            form.add_error("send_at", str(refusal))
    if form.errors:
        if campaign_or_404(campaign_id).state == State.APPROVED:
            # Beside the field, with what was typed: it is one digit that is wrong.
            return approval_page(request, campaign_id, form)
        messages.error(request, "Choose a day and a time.")
        return redirect("campaigns:approval", campaign_id)

    def act() -> None:
        sending.campaign_send(actor=actor_of(request), campaign_id=campaign_id, at=form.cleaned_data["send_at"])

    return _do(request, campaign_id, act, "Scheduled.", "campaigns:approval")


@require(Permission.CAMPAIGN_SEND)
@require_POST
def unschedule(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Cancel the schedule."""

    def act() -> None:
        sending.campaign_unschedule(actor=actor_of(request), campaign_id=campaign_id)

    return _do(request, campaign_id, act, "The schedule is canceled. The approval still holds.", "campaigns:approval")


@require(Permission.CAMPAIGN_SEND)
@require_POST
def pause(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Let nothing more leave for now."""

    def act() -> None:
        sending.campaign_pause(actor=actor_of(request), campaign_id=campaign_id)

    return _do(request, campaign_id, act, "Paused. What is on the wire still arrives.", "campaigns:detail")


@require(Permission.CAMPAIGN_SEND)
@require_POST
def resume(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Go on."""

    def act() -> None:
        sending.campaign_resume(actor=actor_of(request), campaign_id=campaign_id)

    return _do(request, campaign_id, act, "Sending goes on.", "campaigns:detail")


@require(Permission.CAMPAIGN_SEND)
@require_POST
def cancel(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Stop for good."""
    stopped: list[int] = []

    def act() -> None:
        stopped.append(sending.campaign_cancel(actor=actor_of(request), campaign_id=campaign_id))

    return _do(request, campaign_id, act, "Stopped. What has left cannot be called back.", "campaigns:detail")


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def duplicate(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """A copy as a draft, opened at its first page."""
    campaign_or_404(campaign_id)
    try:
        copy = services.campaign_duplicate(actor=actor_of(request), campaign_id=campaign_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("campaigns:detail", campaign_id)
    messages.success(request, "Campaign duplicated.")
    return redirect("campaigns:audience", copy.pk)


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def delete(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Delete a campaign from which nothing was sent."""
    campaign_or_404(campaign_id)
    try:
        services.campaign_delete(actor=actor_of(request), campaign_id=campaign_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("campaigns:detail", campaign_id)
    messages.success(request, "Campaign deleted.")
    return redirect("campaigns:list")
