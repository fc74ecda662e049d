"""Trying a journey with one invented person: what would happen when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core import clock, zones
from apps.core.permissions import Permission, require
from apps.journeys import context, describe, outgoing, selectors, simulate
from apps.journeys.definition import Definition, message_names
from apps.journeys.engine import Plan, State, prepare
from apps.journeys.forms import TrialForm
from apps.journeys.views.pages import head
from apps.ui import datewords

ICONS = {"entered": "bolt", "waits": "hourglass", "answer": "hand-finger", "ended": "flag"}


@require_safe
@require(Permission.JOURNEY_VIEW)
def try_out(request: HttpRequest, journey_id: int) -> HttpResponse:
    """The walk of one invented person through the draft or the active version. Nothing is stored, nobody is opened."""
    journey = selectors.by_id(journey_id)
    which = request.GET.get("which", "")
    if which not in ("draft", "active") or journey.active is None:
        which = "draft" if journey.active is None or journey.changed else "active"
    definition = journey.draft if which == "draft" or journey.active is None else journey.active
    plan = prepare(definition)
    now, zone = clock.now(), context.zone()
    asked = "start_date" in request.GET
    form = TrialForm(request.GET if asked else None, definition=definition, plan=plan, now=now, zone=zone)
    lines: tuple[simulate.Line, ...] = ()
    there = zone
    if not asked or form.is_valid():
        scenario = form.scenario(zone)
        lines = simulate.walk_through(plan, scenario)
        there = scenario.zone
    rows = _rows(lines, plan, definition, there)
    return render(
        request,
        "journeys/trial.html",
        {
            **head(request, journey, "trial"),
            "form": form,
            "which": which,
            "both": journey.active is not None,
            "lines": rows,
            "sends": simulate.sends(lines),
            "lasts": _span(lines[-1].at - lines[0].at) if lines else "",
        },
        status=422 if form.errors else 200,
    )


def _rows(
    lines: tuple[simulate.Line, ...], plan: Plan, definition: Definition, there: ZoneInfo
) -> list[dict[str, Any]]:
    """The lines in words, with icon and tone of the timeline; ``there`` is the clock of the appointment's place."""
    sent = message_names(definition)
    labels = context.labels(definition)
    languages = outgoing.languages_of(definition)
    numbers = describe.numbers(definition)

    def name(step: str) -> str:
        return f"Step {numbers[step]}: {plan.steps[step].words(labels).title}"

    rows: list[dict[str, Any]] = []
    before: simulate.Line | None = None
    for line in lines:
        row: dict[str, Any] = {"at": line.at, "icon": ICONS.get(line.kind, "check"), "tone": "good", "note": ""}
        row["there"] = _there(line.until or line.at, there)
        match line.kind:
            case "entered":
                row |= {"title": "Comes in", "tone": "info"}
            case "waits":
                row |= {"title": name(line.step), "tone": "info", "until": line.until}
            case "answer":
                row |= {"title": f"{describe.ANSWERED[line.outcome]} “{sent.get(line.step, '')}”"}
            case "ended":
                row |= {"title": _ending(line), "tone": "bad" if line.outcome == State.FAILED else "info"}
            case _:
                skipped = line.outcome == "skipped"
                row |= {"title": name(line.step), "icon": "corner-down-right" if skipped else "check"}
                row["tone"] = "caution" if skipped else "good"
                reason = describe.reason(line.reason).lower() if line.reason else ""
                row["note"] = describe.outcome(line.outcome).capitalize() + (f": {reason}" if reason else "")
                if line.outcome == "sent" and line.step in languages:
                    row |= {"icon": "send", "note": f"{row['note']}. {languages[line.step]}"}
                if before is not None and _waited_for(before, line):
                    # A wait that came to its end is told once, with what came of it.
                    rows[-1] |= {"tone": row["tone"], "note": row["note"]}
                    before = line
                    continue
        rows.append(row)
        before = line
    return rows


def _there(moment: datetime, place: ZoneInfo) -> str:
    """A moment on the clock of the appointment's place, or "" where that is the clinic's."""
    at = moment.astimezone(place)
    called = zones.to_say(at, context.zone().key)
    return f"{datewords.clock_time(at)} {called}" if called else ""


def _waited_for(before: simulate.Line, line: simulate.Line) -> bool:
    """Whether ``line`` is what came of the wait told just before, at the time it was to end."""
    return before.kind == "waits" and (before.step, before.until) == (line.step, line.at)


def _ending(line: simulate.Line) -> str:
    if line.outcome == State.LEFT:
        return f"Leaves: {describe.reason(line.reason).lower()}"
    if line.outcome == State.FAILED:
        return "Stops: this could not be decided"
    return "The end" if line.reason == "completed" else f"The end: {describe.reason(line.reason).lower()}"


def _span(span: timedelta) -> str:
    if span < timedelta(days=1):
        hours = round(span.total_seconds() / 3600)
        return f"{hours} hour{'s' if hours != 1 else ''}"
    return f"{span.days:,} day{'s' if span.days != 1 else ''}"
