"""Pages of segments: list, builder with live count, detail, and "why is this person in?"."""

from __future__ import annotations

import contextlib
import re
import secrets
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.contacts.attributes import definitions as attributes
from apps.contacts.models import Vocabulary
from apps.contacts.timeline.terms import shown_term
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import NOTHING_SEEN, whole
from apps.core.permissions import Permission, allows, may, require, role_of
from apps.segments import counting, draft, explaining, naming, rules, selectors, services
from apps.segments.builder import drawn
from apps.segments.conditions.base.controls import join_code, split_code
from apps.segments.counting import absent_codes
from apps.segments.selectors import OpenedSegment
from apps.vault.tokens import normalize

SAMPLE = 5
PAGE = 50
TERMS_SHOWN = 20
# Names are sealed, so a page of them is chosen after opening: the first are shown, the others are searched for.
LISTED = 100
_LIST_ID = re.compile(r"n[0-9-]{1,40}-terms")


def _segment(segment_id: int) -> OpenedSegment:
    found = selectors.by_id(segment_id)
    if found is None:
        raise Http404
    return found


@require(Permission.SEGMENT_VIEW)
@require_http_methods(["GET", "POST"])
def segment_list(request: HttpRequest) -> HttpResponse:
    """All segments by name; a search by POST, because a segment's name may tell a condition."""
    query = " ".join(request.POST.get("q", "").split())
    everyone = selectors.everyone()
    wanted = normalize(query)
    shown = [each for each in everyone if wanted in normalize(f"{each.name} {each.description}")]
    return render(
        request,
        "segments/list.html",
        {
            "segments": [(each, each.sentence) for each in shown[:LISTED]],
            "found": len(shown),
            "total": len(everyone),
            "query": query,
            "may_edit": _may_edit(request),
        },
    )


@require(Permission.SEGMENT_VIEW)
@require_safe
def detail(request: HttpRequest, segment_id: int) -> HttpResponse:
    """What the segment says, how large it was, and where it is used."""
    segment = _segment(segment_id)
    history = list(segment.row.counts.filter(version=segment.version).order_by("at"))
    return render(
        request,
        "segments/detail.html",
        {
            "segment": segment,
            "tree": explaining.outline(segment.rule),
            "absent": absent_codes(segment.rule),
            "may_see_people": may(request, Permission.CONTACT_VIEW),
            "history": history,
            "days": [clock.clinic_day(row.at).strftime("%b %-d") for row in history],
            "sizes": [("People", [row.count for row in history])],
            "uses": selectors.where_used(segment_id),
            "may_export": may(request, Permission.CONTACT_EXPORT),
            "may_tag": may(request, Permission.CONTACT_EDIT),
            "may_edit": _may_edit(request),
        },
    )


def _came_with(request: HttpRequest) -> draft.Draft | None:
    """The condition that the page of a finished import asks for, with the import's number in the address."""
    number, which = whole(request.GET.get("import", ""), None), request.GET.get("which", "any")
    return None if number is None else {"import": number, "op": which}


@require(Permission.SEGMENT_EDIT)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, segment_id: int | None = None) -> HttpResponse:
    """The builder. A save that is refused comes back as it was typed, with the reason at its place."""
    segment = _segment(segment_id) if segment_id is not None else None
    if request.method == "GET":
        first = _came_with(request) or draft.NEW_CONDITION
        tree = naming.document(segment.rule) if segment else {"match": "all", "rules": [first]}
        return _builder(request, segment, tree, segment.name if segment else "")
    tree, name = draft.read(request.POST.dict(), attributes.catalog()), request.POST.get("name", "")
    try:
        saved = services.segment_save(
            actor=actor_of(request),
            name=name,
            rule=tree,
            description=request.POST.get("description", ""),
            segment_id=segment_id,
            version=whole(request.POST.get("version", ""), NOTHING_SEEN),
        )
    except Refused as refusal:
        return _builder(request, segment, tree, name, refusal=refusal)
    # The page it leads to shows a size; one that cannot be counted in time is still saved.
    with contextlib.suppress(Refused):
        services.segment_count(actor=actor_of(request), segment_id=saved.pk)
    messages.success(request, "Segment saved.")
    return redirect("segments:detail", saved.pk)


@require(Permission.SEGMENT_VIEW)
@require_safe
def people(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Who is in the segment now, page by page; looking is on the trail."""
    role = role_of(request)
    if not allows(role, Permission.CONTACT_VIEW):
        raise Http404
    segment = _segment(segment_id)
    try:
        shown, following = explaining.people_page(
            actor=actor_of(request),
            rule=segment.rule,
            role=role,
            size=PAGE,
            after=_number(request.GET.get("after")) or 0,
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("segments:detail", segment_id)
    return render(request, "segments/people.html", {"segment": segment, "people": shown, "next": following})


@require(Permission.SEGMENT_EDIT)
@require_POST
def builder_rows(request: HttpRequest) -> HttpResponse:
    """The rows after one change (add, remove, move, another kind of condition), ready to be swapped in."""
    tree = draft.restored(request.POST.get("restore", "")) if request.POST.get("restore") else None
    focus: draft.Path | None = None
    if tree is None:
        tree = draft.read(request.POST.dict(), attributes.catalog())
        if action := request.POST.get("do", ""):
            tree, focus = draft.change(tree, action)
    context = drawn(tree, segment_id=_number(request.POST.get("segment_id")), focus=focus)
    return render(request, "segments/_rows.html", context)


@require(Permission.SEGMENT_EDIT)
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Count, level, sentence and a masked sample of the draft. A newer preview stops the running one."""
    ticket = request.POST.get("ticket", "")
    counting.stop(ticket)
    found: dict[str, Any] = {"now": clock.now()}
    try:
        rule = selectors.parse(draft.read(request.POST.dict(), attributes.catalog()))
        names = selectors.names_for(rule)
        found["level"] = rules.level(rule, names)
        found["sentence"] = selectors.sentence(rule)
        found["absent"] = absent_codes(rule, names)
        found["counted"] = counting.count(rule, ticket=ticket, timeout_ms=counting.LIVE_TIMEOUT_MS)
        found["people"] = explaining.sample(actor=actor_of(request), rule=rule, size=SAMPLE, ticket=ticket)
    except counting.Superseded:
        return HttpResponse(status=204)
    except counting.TooSlow as slow:
        found["slow"] = str(slow)
    except Refused as wrong:
        found["wrong"] = str(wrong)
    return render(request, "segments/_preview.html", found)


@require(Permission.SEGMENT_EDIT)
@require_POST
def find_terms(request: HttpRequest) -> HttpResponse:
    """Options of a code picker: terms and codes that have every word that was typed.

    The browser sends the whole rule along, so the list of the picker (``n0-1-terms``) says in which row it stands.
    """
    box = request.POST.get("list", "")
    if not _LIST_ID.fullmatch(box):
        raise Http404
    typed = request.POST.get(f"{box.removesuffix('-terms')}.code", "")
    if typed.endswith(")") and (picked := split_code(typed))[1]:
        typed = picked[2]  # a line of the list that was chosen before, not words to look for
    words = typed.split()
    found = Vocabulary.objects.filter(system=request.POST.get("system", ""))
    for word in words[:6]:
        found = found.filter(term__icontains=word) | found.filter(code__startswith=word)
    shown = found.order_by("term")[:TERMS_SHOWN]
    options = [
        {"value": join_code(term, row.system, row.code), "term": term, "code": f"{row.system} {row.code}"}
        for row in shown
        for term in [shown_term(row.term)]
    ]
    return render(request, "segments/_terms.html", {"options": options, "list": box})


@require(Permission.SEGMENT_VIEW)
@require_POST
def count(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Count now and remember the size."""
    _segment(segment_id)
    try:
        found = services.segment_count(actor=actor_of(request), segment_id=segment_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{found.count:,} people, counted in {found.ms} ms.")
    return redirect("segments:detail", segment_id)


@require(Permission.SEGMENT_EDIT)
@require_POST
def duplicate(request: HttpRequest, segment_id: int) -> HttpResponse:
    """A copy, opened in the builder."""
    _segment(segment_id)
    try:
        copy = services.segment_duplicate(actor=actor_of(request), segment_id=segment_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("segments:detail", segment_id)
    messages.success(request, "Segment duplicated.")
    return redirect("segments:edit", copy.pk)


@require(Permission.SEGMENT_EDIT)
@require_POST
def delete(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Delete a segment that nobody uses."""
    _segment(segment_id)
    try:
        services.segment_delete(actor=actor_of(request), segment_id=segment_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("segments:detail", segment_id)
    messages.success(request, "Segment deleted.")
    return redirect("segments:list")


@require(Permission.CONTACT_VIEW)
@require_POST
def why(request: HttpRequest, segment_id: int, person_id: int) -> HttpResponse:
    """Why a person is in a segment or not: opens the record, so it is a POST and on the trail."""
    if not may(request, Permission.SEGMENT_VIEW):
        raise Http404
    segment = _segment(segment_id)
    found = explaining.why(actor=actor_of(request), segment=segment, person_id=person_id)
    if found is None:
        raise Http404
    return render(request, "segments/_why.html", {"segment": segment, "why": found})


# -- The builder's context -------------------------------------------------------------------------------------


def _may_edit(request: HttpRequest) -> bool:
    return may(request, Permission.SEGMENT_EDIT)


def _number(text: str | None) -> int | None:
    return whole(text, None)


def _builder(
    request: HttpRequest,
    segment: OpenedSegment | None,
    tree: draft.Draft,
    name: str,
    *,
    refusal: Refused | None = None,
) -> HttpResponse:
    wrong, problems = _problems(tree, refusal)
    context = drawn(tree, segment_id=segment.id if segment else None, wrong=wrong)
    context |= {
        "segment": segment,
        "name": name,
        "description": request.POST.get("description", segment.description if segment else ""),
        "version": request.POST.get("version", segment.version if segment else ""),
        "problems": problems,
        "wrong_name": str(refusal) if isinstance(refusal, services.NameRefused) else "",
        "ticket": secrets.token_hex(12),
        "back": reverse("segments:detail", args=[segment.id]) if segment else reverse("segments:list"),
        "level": segment.level if segment else None,
    }
    return render(request, "segments/builder.html", context, status=422 if refusal else 200)


def _problems(tree: draft.Draft, refusal: Refused | None) -> tuple[dict[draft.Path, str], list[tuple[str, str]]]:
    """What is wrong at which condition, and all of it for the top of the page as (id of the control, sentence)."""
    if refusal is None:
        return {}, []
    wrong: dict[draft.Path, str] = {}
    problems: list[tuple[str, str]] = []
    found = refusal
    if isinstance(refusal, services.NameRefused):
        problems.append(("segment-name", str(refusal)))
        try:  # the name is looked at first; what else is wrong is said in the same breath
            selectors.parse(tree)
        except rules.RuleError as error:
            found = error
    if isinstance(found, rules.RuleError):
        wrong[found.path] = found.what
        wrong |= dict.fromkeys(draft.unchosen(tree), rules.NOTHING_CHOSEN)
        problems += [
            (f"{draft.key(path)}-{'what' if path else 'match'}", f"{rules.place_of(path)}: {what}")
            for path, what in sorted(wrong.items())
        ]
    elif found is refusal and not problems:
        problems.append(("", str(refusal)))
    return wrong, problems
