"""What campaigns tell the home page: approvals that wait, what goes out, what was sent last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q
from django.urls import reverse

from apps.campaigns import selectors
from apps.campaigns.models import Campaign, State
from apps.campaigns.report import report_of
from apps.core.permissions import Permission
from apps.ui.board import AHEAD, Item, Step
from apps.ui.datewords import count
from apps.users.models import User

SHOWN = 5


def waiting(user: User, now: datetime) -> Iterator[Item]:
    """Campaigns that this person may decide about, and those that came back to their author."""
    me = f"staff:{user.pk}"
    if user.may(Permission.CAMPAIGN_APPROVE):
        rows = Campaign.objects.filter(state=State.IN_REVIEW).exclude(Q(owner=me) | Q(changed_by=me))
        for row in rows.order_by("changed_at")[:SHOWN]:
            yield Item(
                f"Approve “{selectors.opened(row).name}”",
                "Exactly this content and audience.",
                reverse("campaigns:approval", args=[row.pk]),
                "clipboard-check",
                at=row.changed_at,
            )
    if user.may(Permission.CAMPAIGN_EDIT):
        rows = Campaign.objects.filter(Q(owner=me) | Q(changed_by=me))
        for row in rows.filter(state__in=(State.REJECTED, State.APPROVED)).order_by("changed_at")[:SHOWN]:
            back = row.state == State.REJECTED
            name = selectors.opened(row).name
            yield Item(
                f"“{name}” came back" if back else f"“{name}” is approved",
                "Read the comment and change it." if back else "Send it, or choose a time.",
                reverse("campaigns:approval", args=[row.pk]),
                "message" if back else "send",
                "caution" if back else "info",
                row.changed_at if back else row.approved_at,
            )
        for row in rows.filter(state=State.DRAFT).order_by("-changed_at")[:SHOWN]:
            if voided := selectors.voided(row):
                yield Item(
                    f"“{selectors.opened(row).name}” is a draft again",
                    voided.comment,
                    reverse("campaigns:approval", args=[row.pk]),
                    "message",
                    "caution",
                    voided.at,
                )


def upcoming(user: User, now: datetime) -> Iterator[Item]:
    """Scheduled campaigns of the next seven days."""
    if not user.may(Permission.CAMPAIGN_VIEW):
        return
    rows = Campaign.objects.filter(state=State.SCHEDULED, send_at__gte=now, send_at__lte=now + AHEAD)
    for row in rows.order_by("send_at"):
        name = selectors.opened(row).name
        yield Item(name, "Campaign", reverse("campaigns:detail", args=[row.pk]), "send", at=row.send_at)


def recent(user: User, now: datetime) -> Iterator[Item]:
    """The last campaigns that were sent."""
    if not user.may(Permission.CAMPAIGN_VIEW):
        return
    rows = Campaign.objects.filter(started_at__isnull=False).order_by("-started_at")
    for row in rows[:SHOWN]:
        found = report_of(row)
        yield Item(
            selectors.opened(row).name,
            count(found.sent, "message sent", "messages sent"),
            reverse("campaigns:detail", args=[row.pk]),
            "send",
            at=row.started_at,
            status=row.state,
            figures=(
                ("Sent", f"{found.sent:,}"),
                ("Secured", f"{found.secured:,}"),
                ("Clicked", f"{found.clicked:,}"),
                ("Held", f"{sum(found.held.values()):,}"),
            ),
        )


def first_steps(user: User, now: datetime) -> Iterator[Step]:
    """The last step of the first day: a message is on its way."""
    if user.may(Permission.CAMPAIGN_EDIT):
        sent = Campaign.objects.filter(state__in=[State.SENDING, State.PAUSED, State.DONE]).exists()
        text = "Choose who gets it and see how each message will be protected."
        yield Step(50, "Send a campaign", text, reverse("campaigns:new"), sent)
