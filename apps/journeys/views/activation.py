"""The page "What will happen": asking for approval, deciding, and switching a journey on."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import NOTHING_SEEN, whole
from apps.core.permissions import Permission, check, require
from apps.journeys import context, describe, preview, selectors, services
from apps.journeys.definition import DefinitionBroken, mails
from apps.journeys.review_forms import CommentForm
from apps.journeys.selectors import OpenedJourney
from apps.journeys.views import approval
from apps.journeys.views.pages import rights
from apps.journeys.vocabulary import PURPOSES


@require_http_methods(["GET", "POST"])
@require(Permission.JOURNEY_VIEW)
def activate(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Says in words what will happen, then does it."""
    journey = selectors.by_id(journey_id)
    actor = actor_of(request)
    if request.method == "POST":
        check(request, Permission.JOURNEY_ACTIVATE)
        try:
            version = services.journey_activate(
                actor=actor, journey=journey.row, take_in=request.POST.get("take_in") == "yes"
            )
        except DefinitionBroken as broken:
            messages.error(request, str(broken))
            return redirect(f"{reverse('journeys:edit', args=[journey_id])}?panel=check")
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("journeys:activate", journey_id)
        messages.success(request, f"Version {version.number} is active.")
        return redirect("journeys:flow", journey_id)
    return _page(request, journey)


def _page(
    request: HttpRequest, journey: OpenedJourney, refused: str = "", form: CommentForm | None = None
) -> HttpResponse:
    """The page "What will happen": the draft's steps and mails, who is at the door, who has to approve."""
    journey_id, actor = journey.id, actor_of(request)
    problems = selectors.problems(journey.draft)
    at_the_door = None
    if not problems:
        at_the_door = preview.first_activation(
            actor=actor, journey=journey.row, definition=journey.draft, now=clock.now()
        )
    numbers = selectors.figures(journey.row)
    sends = [
        {"number": place.number, "template": mail.template, "purpose": PURPOSES[mail.purpose]}
        for place, mail in mails(journey.draft)
    ]
    return render(
        request,
        "journeys/activate.html",
        {
            **rights(request),
            **approval.panel(request, journey),
            "journey": journey,
            "nodes": selectors.nodes(journey.draft),
            "refused": refused,
            "comment_form": form or CommentForm(),
            "problems": problems,
            "preview": at_the_door,
            "numbers": numbers,
            "sends": sends,
            "trigger": describe.trigger(journey.draft.trigger),
            "rules": describe.rules_of(journey.draft),
            "level": context.level_of(journey.draft) if not problems else None,
            "next_number": (journey.row.version.number if journey.row.version else 0) + 1,
            "crumbs": [
                ("Journeys", reverse("journeys:list")),
                (journey.name, reverse("journeys:flow", args=[journey_id])),
                ("Activate", ""),
            ],
        },
        status=422 if refused else 200,
    )


@require(Permission.JOURNEY_VIEW)
@require_POST
def decide(request: HttpRequest, journey_id: int, act: str) -> HttpResponse:
    """``ask``, ``approve`` or ``reject``."""
    journey = selectors.by_id(journey_id)
    actor = actor_of(request)
    form = CommentForm(request.POST)
    comment = form.cleaned_data["comment"] if form.is_valid() else ""
    looked_at = whole(request.POST.get("looked_at", ""), NOTHING_SEEN)
    try:
        match act:
            case "ask":
                check(request, Permission.JOURNEY_EDIT)
                services.journey_submit(actor=actor, journey=journey.row)
                said = "Asked for approval. Reviewers see it on their home page."
            case "approve":
                check(request, Permission.JOURNEY_APPROVE)
                services.journey_approve(actor=actor, journey=journey.row, comment=comment, looked_at=looked_at)
                said = "Approved. A marketer or an administrator can activate it."
            case "reject":
                check(request, Permission.JOURNEY_APPROVE)
                services.journey_reject(actor=actor, journey=journey.row, comment=comment, looked_at=looked_at)
                said = "Sent back with your comment."
            case _:
                raise Http404
    except DefinitionBroken as broken:
        messages.error(request, str(broken))
    except Refused as refusal:
        # What was written stays in the form: a comment is not typed twice.
        return _page(request, journey, refused=str(refusal), form=form)
    else:
        messages.success(request, said)
    return redirect("journeys:activate", journey_id)
