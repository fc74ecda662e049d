"""The builder: the draft's tree, edited by buttons, keys and drags.

Every edit answers to htmx with the new canvas, and beside it (out of band) the palette, the settings, the bar and
the sentence for the live region. Without script the same forms work by redirect.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.audit import selectors as audit
from apps.contacts.attributes import definitions as attributes
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.permissions import Permission, require
from apps.journeys import approvals, context, describe, editing, selectors, services, steps
from apps.journeys.definition import Definition, DefinitionBroken, path_of, walk
from apps.journeys.forms import EntryForm, NameForm, StepForm
from apps.journeys.protocol import Labels
from apps.journeys.selectors import OpenedJourney
from apps.segments import builder as rule_builder
from apps.segments import draft


def _is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _builder(
    journey: OpenedJourney,
    *,
    chosen: str = "",
    panel: str = "",
    form: Any = None,
    gap: tuple[str, int] | None = None,
    said: str = "",
    error: str = "",
    focus: str = "",
) -> dict[str, Any]:
    """Everything the builder draws. ``panel``: what the settings show; ``chosen``: the step with the tint."""
    problems = selectors.problems(journey.draft)
    definition = journey.draft
    stake = approvals.at_stake(journey.row, definition)
    drawn: dict[str, Any] = {
        "journey": journey,
        "nodes": selectors.nodes(definition, problems=problems),
        "problems": [
            {"problem": problem, "url": _edit_url(journey, problem.step) if problem.step else ""}
            for problem in problems
        ],
        "trigger": describe.trigger(definition.trigger),
        "rules": describe.rules_of(definition),
        "kinds": [{"kind": each.kind, "label": each.label, "icon": each.icon} for each in steps.KINDS.values()],
        "chosen": chosen,
        "panel": panel,
        "gap": gap,
        "said": said,
        "error": error,
        "focus": focus,
        "revision": journey.row.revision,
        "stake": stake,
        "stake_by": audit.actors_in_words([stake.by])[stake.by] if stake is not None else "",
        "runs": stake is None and journey.active is not None and not journey.changed,
    }
    if chosen and panel == "step":
        place = editing.locate(definition, chosen)
        labels = context.labels(definition)
        drawn |= {
            "place": place,
            "words": place.step.words(labels),
            "form": form or StepForm(step=place.step, definition=definition),
            "targets": _targets(definition, chosen, labels),
            "under": sum(1 for _ in walk(Definition(definition.trigger, steps=(place.step,)))) - 1,
        }
    if panel == "entry":
        drawn["form"] = form or EntryForm(definition=definition)
    if panel == "name":
        drawn["form"] = form or NameForm(initial={"name": journey.name, "about": journey.about})
    return drawn


def _edit_url(journey: OpenedJourney, step: str) -> str:
    return f"{reverse('journeys:edit', args=[journey.id])}?step={step}"


def _targets(definition: Definition, step_id: str, labels: Labels) -> list[tuple[str, str]]:
    """Every path a step may move to, with its words: the way to move without dragging (WCAG 2.5.7)."""
    inside = {
        each.step.id for each in walk(Definition(definition.trigger, steps=(editing.locate(definition, step_id).step,)))
    }
    found = [("", "The main path")]
    for place in walk(definition):
        if place.step.branches and place.step.id not in inside:
            words = place.step.words(labels)
            found += [
                (path_of(place.step, branch.name), f"Step {place.number}: {words.branches[branch.name]}")
                for branch in place.step.branches
            ]
    return found


def _answer(request: HttpRequest, drawn: dict[str, Any], status: int = 200) -> HttpResponse:
    """The changed parts for htmx, the whole page otherwise."""
    name = "journeys/live.html" if _is_htmx(request) else "journeys/edit.html"
    return render(request, name, drawn, status=status)


@require_GET
@require(Permission.JOURNEY_EDIT)
def edit(request: HttpRequest, journey_id: int) -> HttpResponse:
    """The builder. ``?step=s3`` chooses a step, ``?panel=entry|name|check`` another panel."""
    journey = selectors.by_id(journey_id)
    step_id = request.GET.get("step", "")
    known = {place.step.id for place in walk(journey.draft)}
    if step_id in known:
        return _answer(request, _builder(journey, chosen=step_id, panel="step"))
    panel = request.GET.get("panel", "")
    return _answer(request, _builder(journey, panel=panel if panel in ("entry", "name", "check") else ""))


@require_POST
@require(Permission.JOURNEY_EDIT)
def change(request: HttpRequest, journey_id: int) -> HttpResponse:
    """One edit of the tree: ``do`` is a verb with its places ("up s3", "add wait s3.then 0", "move s2 main 1")."""
    journey = selectors.by_id(journey_id)
    words = request.POST.get("do", "").split()
    try:
        if words[:1] == ["undo"]:
            row = services.draft_undo(
                actor=actor_of(request),
                journey=journey.row,
                revision=_revision(request),
                keep_approval=_keep(request),
            )
            return _done(request, row.pk, "", "Took back the last change.")
        if words[:1] == ["gap"] and len(words) == 3:
            return _answer(request, _builder(journey, panel="gap", gap=(words[1], int(words[2]))))
        done = _apply(journey.draft, words, request)
        row = services.draft_save(
            actor=actor_of(request),
            journey=journey.row,
            revision=_revision(request),
            definition=done.definition,
            keep_approval=_keep(request),
        )
    except services.WouldVoid:
        return _ask(request, journey)
    except Refused as refusal:
        return _refused(request, journey_id, str(refusal))
    except (ValueError, IndexError, KeyError):
        raise Http404 from None
    return _done(request, row.pk, done.step, done.said, settings=words[0] == "add")


def _apply(definition: Definition, words: list[str], request: HttpRequest) -> editing.Edit:
    match words:
        case ["up", step]:
            return editing.shift(definition, step_id=step, by=-1)
        case ["down", step]:
            return editing.shift(definition, step_id=step, by=1)
        case ["delete", step]:
            return editing.delete(definition, step_id=step)
        case ["add", kind, path, index]:
            return editing.add(definition, kind=kind, path=_path(path), index=int(index))
        case ["move", step, path, index]:
            return editing.move(definition, step_id=step, path=_path(path), index=int(index))
        case ["move", step]:
            path, position = request.POST["path"], request.POST["position"]
            return editing.move(definition, step_id=step, path=path, index=max(int(position) - 1, 0))
    raise ValueError("No such edit.")


def _path(word: str) -> str:
    return "" if word == "main" else word


def _revision(request: HttpRequest) -> int:
    return whole(request.POST.get("revision", ""), 0)


def _done(request: HttpRequest, journey_id: int, step: str, said: str, settings: bool = False) -> HttpResponse:
    """After an edit: the new state, the focus on the step that moved."""
    journey = selectors.by_id(journey_id)
    known = {place.step.id for place in walk(journey.draft)}
    chosen = step if step in known else ""
    if not _is_htmx(request):
        return redirect(_edit_url(journey, chosen) if chosen else reverse("journeys:edit", args=[journey_id]))
    panel = "step" if chosen else ""
    return _answer(request, _builder(journey, chosen=chosen, panel=panel, said=said, focus=chosen))


def _refused(request: HttpRequest, journey_id: int, text: str, **given: Any) -> HttpResponse:
    """A refusal: the newest state with the reason beside it."""
    return _answer(request, _builder(selectors.by_id(journey_id), error=text, said=text, **given), status=422)


def _keep(request: HttpRequest) -> bool:
    """Whether the editor has not said yet that the approval may go."""
    return request.POST.get("void") != "yes"


def _ask(request: HttpRequest, journey: OpenedJourney, **given: Any) -> HttpResponse:
    """Nothing saved: the state as it is, with the question whether this edit may void the approval."""
    again = [
        (key, value)
        for key, values in request.POST.lists()
        for value in values
        if key not in ("csrfmiddlewaretoken", "void")
    ]
    return _answer(request, _builder(journey, **given) | {"ask": again, "ask_url": request.path}, 422)


@require_http_methods(["GET", "POST"])
@require(Permission.JOURNEY_EDIT)
def step(request: HttpRequest, journey_id: int, step_id: str) -> HttpResponse:
    """The settings of one step."""
    journey = selectors.by_id(journey_id)
    try:
        place = editing.locate(journey.draft, step_id)
    except Refused as refusal:
        return _refused(request, journey_id, str(refusal))
    if request.method == "GET":
        return _answer(request, _builder(journey, chosen=step_id, panel="step"))
    form = StepForm(request.POST, step=place.step, definition=journey.draft)
    if not form.is_valid():
        return _answer(request, _builder(journey, chosen=step_id, panel="step", form=form), status=422)
    try:
        done = editing.change(journey.draft, step_id=step_id, values=form.values())
        services.draft_save(
            actor=actor_of(request),
            journey=journey.row,
            revision=_revision(request),
            definition=done.definition,
            keep_approval=_keep(request),
        )
    except DefinitionBroken as broken:
        for problem in broken.problems:
            form.add_error(None, problem.text)
        return _answer(request, _builder(journey, chosen=step_id, panel="step", form=form), status=422)
    except services.WouldVoid:
        return _ask(request, journey, chosen=step_id, panel="step", form=form)
    except Refused as refusal:
        return _refused(request, journey_id, str(refusal), chosen=step_id, panel="step", form=form)
    return _done(request, journey_id, step_id, done.said)


@require_POST
@require(Permission.JOURNEY_EDIT)
def rows(request: HttpRequest, journey_id: int, step_id: str) -> HttpResponse:
    """The rows of a condition's rule after one change (add, remove, another kind); nothing is saved."""
    selectors.by_id(journey_id)
    tree = draft.read(request.POST.dict(), attributes.catalog())
    focus = None
    if action := request.POST.get("do", ""):
        tree, focus = draft.change(tree, action)
    return render(request, "segments/_rows.html", rule_builder.drawn(tree, focus=focus))


@require_http_methods(["GET", "POST"])
@require(Permission.JOURNEY_EDIT)
def entry(request: HttpRequest, journey_id: int) -> HttpResponse:
    """How people come in, start over and leave."""
    journey = selectors.by_id(journey_id)
    if request.method == "GET":
        return _answer(request, _builder(journey, panel="entry"))
    form = EntryForm(request.POST, definition=journey.draft)
    if not form.is_valid():
        return _answer(request, _builder(journey, panel="entry", form=form), status=422)
    try:
        done = editing.settings(journey.draft, values=form.values())
        services.draft_save(
            actor=actor_of(request),
            journey=journey.row,
            revision=_revision(request),
            definition=done.definition,
            keep_approval=_keep(request),
        )
    except DefinitionBroken as broken:
        for problem in broken.problems:
            form.add_error(None, problem.text)
        return _answer(request, _builder(journey, panel="entry", form=form), status=422)
    except services.WouldVoid:
        return _ask(request, journey, panel="entry", form=form)
    except Refused as refusal:
        return _refused(request, journey_id, str(refusal), panel="entry", form=form)
    if not _is_htmx(request):
        return redirect(f"{reverse('journeys:edit', args=[journey_id])}?panel=entry")
    return _answer(request, _builder(selectors.by_id(journey_id), panel="entry", said=done.said))


@require_http_methods(["GET", "POST"])
@require(Permission.JOURNEY_EDIT)
def name(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Name and description."""
    journey = selectors.by_id(journey_id)
    if request.method == "GET":
        return _answer(request, _builder(journey, panel="name"))
    form = NameForm(request.POST)
    if not form.is_valid():
        return _answer(request, _builder(journey, panel="name", form=form), status=422)
    try:
        services.draft_save(
            actor=actor_of(request),
            journey=journey.row,
            revision=_revision(request),
            name=form.cleaned_data["name"],
            about=form.cleaned_data["about"],
        )
    except Refused as refusal:
        form.add_error("name", str(refusal))
        return _answer(request, _builder(journey, panel="name", form=form), status=422)
    if not _is_htmx(request):
        return redirect(f"{reverse('journeys:edit', args=[journey_id])}?panel=name")
    return _answer(request, _builder(selectors.by_id(journey_id), panel="name", said="Saved the name."))
