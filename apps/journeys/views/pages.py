"""Pages about journeys that run: the list, one journey's flow and numbers, its people."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.content import selectors as content
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.permissions import Permission, may, require
from apps.journeys import approvals, context, describe, naming, outgoing, presets, selectors, services
from apps.journeys.definition import walk
from apps.journeys.models import JourneyRun, RunState
from apps.journeys.parse import parse
from apps.journeys.protocol import StepOutcome
from apps.journeys.selectors import OpenedJourney, PeopleQuery
from apps.journeys.vocabulary import TriggerKind


@require_GET
@require(Permission.JOURNEY_VIEW)
def journey_list(request: HttpRequest) -> HttpResponse:
    """All journeys with their state and numbers."""
    return render(
        request, "journeys/list.html", {"rows": selectors.list_rows(), "ready": presets.PRESETS, **rights(request)}
    )


@require_POST
@require(Permission.JOURNEY_EDIT)
def new(request: HttpRequest) -> HttpResponse:
    """A draft from a ready-made journey (``ready`` is its place in the list) or an empty one with a name."""
    chosen = request.POST.get("ready", "")
    try:
        if chosen:
            number = whole(chosen, len(presets.PRESETS))
            if number >= len(presets.PRESETS):
                raise Refused(
                    "journey.preset_unknown", "There is no such ready-made journey. Choose one from the list."
                )
            journey = services.journey_from_preset(actor=actor_of(request), preset=presets.PRESETS[number])
        else:
            journey = services.journey_create(
                actor=actor_of(request),
                name=request.POST.get("name", ""),
                definition={"format": 1, "trigger": {"kind": TriggerKind.MANUAL.value}, "steps": []},
            )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("journeys:list")
    return redirect("journeys:edit", journey.pk)


def rights(request: HttpRequest) -> dict[str, bool]:
    """What the reader may do here, for templates."""
    return {
        "may_edit": may(request, Permission.JOURNEY_EDIT),
        "may_activate": may(request, Permission.JOURNEY_ACTIVATE),
    }


def head(request: HttpRequest, journey: OpenedJourney, here: str) -> dict[str, Any]:
    """What every page of one journey shows on top."""
    views = [("flow", "Flow"), ("people", "People"), ("trial", "Try it"), ("versions", "Versions")]
    tabs = [
        {"label": label, "url": reverse(f"journeys:{view}", args=[journey.id]), "current": view == here}
        for view, label in views
    ]
    facts = [describe.trigger((journey.active or journey.draft).trigger)]
    if journey.row.version is not None:
        facts.append(f"Version {journey.row.version.number}")
    return {
        "journey": journey,
        "crumbs": [("Journeys", reverse("journeys:list")), (journey.name, "")],
        "facts": facts,
        "tabs": tabs,
        "stale": selectors.stale_templates(journey.row),
        "moved": approvals.moved_segments(journey.row),
        "may_approve_this": may(request, Permission.JOURNEY_APPROVE)
        and approvals.standing(journey.row, journey.draft).state == "waiting",
        **rights(request),
    }


@require_GET
@require(Permission.JOURNEY_VIEW)
def flow(request: HttpRequest, journey_id: int) -> HttpResponse:
    """The active tree (the draft's before the first activation) with the numbers of each step."""
    journey = selectors.by_id(journey_id)
    numbers = selectors.figures(journey.row)
    definition = journey.active or journey.draft
    endings = [
        {
            "label": describe.reason(reason),
            "hint": describe.REASON_HINTS.get(reason, ""),
            "count": count,
            "state": state,
            "reason": reason,
        }
        for state, reason, count in numbers.ended
    ]
    return render(
        request,
        "journeys/flow.html",
        {
            **head(request, journey, "flow"),
            "nodes": selectors.nodes(
                definition, numbers, messages=journey.row.version.messages() if journey.row.version else None
            ),
            "numbers": numbers,
            "failed_now": JourneyRun.objects.filter(journey=journey.row, state=RunState.FAILED).count(),
            "endings": endings,
            "rules": describe.rules_of(definition),
            "trigger": describe.trigger(definition.trigger),
        },
    )


@require_GET
@require(Permission.JOURNEY_VIEW)
def people(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Who is where and why, masked; each figure of the tree leads here."""
    journey = selectors.by_id(journey_id)
    query = PeopleQuery(
        **{name: request.GET.get(name, "")[:40] for name in ("step", "outcome", "reason", "state", "language")}
    )
    rows, page = selectors.people(
        actor=actor_of(request),
        journey=journey,
        query=query,
        cursor=request.GET.get("after", ""),
    )
    titles = {place.step.id: f"Step {place.number}" for place in walk(journey.active or journey.draft)}
    shown = [
        {"row": row, "where": titles.get(row.step, row.step), "why": describe.reason(row.reason) if row.reason else ""}
        for row in rows
    ]
    return render(
        request,
        "journeys/people.html",
        {
            **head(request, journey, "people"),
            "rows": shown,
            "page": page,
            "query": query,
            "title": query.words(journey.active or journey.draft),
            "states": RunState.choices,
        },
    )


def _run(journey_id: int, run_id: int) -> JourneyRun:
    return get_object_or_404(JourneyRun.objects.select_related("version"), pk=run_id, journey_id=journey_id)


@require_GET
@require(Permission.JOURNEY_VIEW)
def run(request: HttpRequest, journey_id: int, run_id: int) -> HttpResponse:
    """Why one person is where they are: everything their run came by."""
    journey, found = selectors.by_id(journey_id), _run(journey_id, run_id)
    definition = naming.with_names(parse(found.version.opened()))
    labels = context.labels(definition)
    words = {place.step.id: (place.number, place.step.words(labels).title) for place in walk(definition)}
    trail = selectors.trail(found)
    messages = outgoing.messages_of(visit.pk for visit in trail if visit.outcome == StepOutcome.SENT)
    visits = [
        {
            "visit": visit,
            "letter": messages.get(visit.pk),
            "language": content.language_of(messages[visit.pk].skeleton_id) if visit.pk in messages else "",
            "title": f"Step {words[visit.step][0]}: {words[visit.step][1]}" if visit.step in words else visit.step,
            "outcome": describe.outcome(visit.outcome).capitalize(),
            "reason": describe.reason(visit.reason) if visit.reason else "",
        }
        for visit in trail
    ]
    number, title = words.get(found.step or "", ("", ""))
    return render(
        request,
        "journeys/run.html",
        {
            **head(request, journey, "people"),
            "run": found,
            "visits": visits,
            "here": f"Step {number}: {title}" if number else "",
            "reason": describe.reason(found.reason) if found.reason else "",
            "name": selectors.masked_person(actor=actor_of(request), person_id=found.person_id),
        },
    )


@require_POST
@require(Permission.JOURNEY_EDIT)
def run_act(request: HttpRequest, journey_id: int, run_id: int) -> HttpResponse:
    """Try a failed run again, or take a person out."""
    found = _run(journey_id, run_id)
    try:
        match request.POST.get("do"):
            case "retry":
                services.run_retry(actor=actor_of(request), run=found)
                messages.success(request, "Tried again. The page shows where the person is now.")
            case "remove":
                services.run_remove(actor=actor_of(request), run=found)
                messages.success(request, "Taken out. Nothing more is sent by this journey.")
            case _:
                raise Http404
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("journeys:run", journey_id, run_id)


@require_GET
@require(Permission.JOURNEY_VIEW)
def versions(request: HttpRequest, journey_id: int) -> HttpResponse:
    """What was active when, and who is still on the way in an old version."""
    journey = selectors.by_id(journey_id)
    return render(
        request,
        "journeys/versions.html",
        {**head(request, journey, "versions"), "versions": selectors.versions(journey.row)},
    )


@require_http_methods(["POST"])
@require(Permission.JOURNEY_ACTIVATE)
def pause(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Stop everybody where they are."""
    return _switch(request, journey_id, services.journey_pause, "Paused. Everybody keeps their place.")


@require_http_methods(["POST"])
@require(Permission.JOURNEY_ACTIVATE)
def resume(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Go on."""
    return _switch(request, journey_id, services.journey_resume, "Resumed. Who is due moves within a minute.")


def _switch(request: HttpRequest, journey_id: int, act: Any, said: str) -> HttpResponse:
    journey = selectors.by_id(journey_id)
    try:
        act(actor=actor_of(request), journey=journey.row)
        messages.success(request, said)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("journeys:flow", journey_id)
