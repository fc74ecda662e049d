"""The trail for administrators and auditors: who did and saw what, whether it is whole, who reviewed it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.audit import exports, filters, people, reading, selectors
from apps.audit.filters import FilterRefused, TrailFilter
from apps.audit.forms import ReviewForm
from apps.audit.services import reviews as watch
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.permissions import Permission, may, require
from apps.ui import datewords

# Above this the check takes longer than somebody waits for a page: beat makes it every night.
VERIFY_AT_ONCE = 200_000


def _head(request: HttpRequest, here: str) -> dict[str, Any]:
    views = [
        ("trail", "Trail"),
        ("configuration", "Configuration"),
        ("integrity", "Integrity"),
        ("reviews", "Reviews"),
    ]
    return {
        "tabs": [{"label": label, "url": reverse(f"audit:{view}"), "current": view == here} for view, label in views],
        "may_export": may(request, Permission.AUDIT_EXPORT),
    }


@require_http_methods(["GET", "POST"])
@require(Permission.AUDIT_VIEW)
def trail(request: HttpRequest) -> HttpResponse:
    """The trail, newest first, filtered by actor, action, person and days.

    The filter comes by POST, because whom it is about may be said by name; the address then holds a number.
    """
    typed = (request.POST if request.method == "POST" else request.GET).dict()
    sought = typed.pop("sought", "").strip()[:200]
    wanted, fault = TrailFilter(), ""
    try:
        wanted = filters.parse(typed, clock.clinic_zone())
    except FilterRefused as refusal:
        fault = str(refusal)
    if request.method == "POST" and not fault:
        if sought:
            return _choose_person(request, wanted, sought)
        return redirect(f"{reverse('audit:trail')}?{urlencode(wanted.as_query())}".rstrip("?"))
    lines, page = ([], None) if fault else _page(request, wanted)
    actor = actor_of(request)
    return render(
        request,
        "audit/trail.html",
        {
            **_head(request, "trail"),
            "lines": lines,
            "page": page,
            "wanted": wanted,
            "fault": fault,
            "typed": typed,
            "sought": sought,
            "named": people.name(actor=actor, person_id=wanted.person) if wanted.person is not None else "",
            "zone": datewords.zone(str(wanted.zone)),
            "actors": selectors.actors(),
            "actions": selectors.actions(),
            "export_query": urlencode(wanted.as_query()),
            "state": selectors.state(clock.now()),
        },
        status=422 if fault else 200,
    )


def _choose_person(request: HttpRequest, wanted: TrailFilter, sought: str) -> HttpResponse:
    """Who may be meant by what was typed; the choice leads to the trail about this person."""
    found, total = people.search(actor=actor_of(request), text=sought)
    query = wanted.as_query()
    number = whole(sought, None)
    if number is not None and {each.id for each in found} <= {number} and selectors.has_met(number):
        # The trail's own number of somebody; it may be all that is left of them. Digits that it never met may be a
        # telephone or record number that was mistyped: those go into no address.
        return redirect(f"{reverse('audit:trail')}?{urlencode({**query, 'person': str(number)})}")
    return render(
        request,
        "audit/person.html",
        {
            **_head(request, "trail"),
            "sought": sought,
            "found": [(each, urlencode({**query, "person": str(each.id)})) for each in found],
            "more": total - len(found),
            "query": query,
            "crumbs": [("Audit", reverse("audit:trail")), ("Find a person", "")],
        },
    )


def _page(request: HttpRequest, wanted: TrailFilter) -> tuple[list[reading.TrailLine], Any]:
    return reading.trail(
        actor=actor_of(request),
        wanted=wanted,
        cursor=request.GET.get("after", ""),
    )


@require_GET
@require(Permission.AUDIT_VIEW)
def entry(request: HttpRequest, entry_id: int) -> HttpResponse:
    """One entry whole, with the reason that was given and the people it is about."""
    found = reading.entry_open(actor=actor_of(request), entry_id=entry_id)
    if found is None:
        raise Http404
    return render(
        request,
        "audit/entry.html",
        {
            **_head(request, "trail"),
            "found": found,
            "people": found.people[:500],
            "more_people": max(len(found.people) - 500, 0),
            "crumbs": [("Audit", reverse("audit:trail")), (f"Entry {entry_id}", "")],
        },
    )


@require_POST
@require(Permission.AUDIT_EXPORT)
def export(request: HttpRequest) -> HttpResponseBase:
    """The filtered trail as CSV or JSON lines."""
    try:
        wanted = filters.parse(request.POST.dict(), clock.clinic_zone())
        form = request.POST.get("format", "csv")
        _, lines = watch.trail_export(actor=actor_of(request), wanted=wanted, format=form)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("audit:trail")
    answer = StreamingHttpResponse(lines, content_type=exports.FORMATS[form])
    answer["Content-Disposition"] = f'attachment; filename="audit-{clock.now():%Y-%m-%d}.{form}"'
    return answer


@require_GET
@require(Permission.AUDIT_VIEW)
def configuration(request: HttpRequest) -> HttpResponse:
    """Settings of the environment, before and after each change, newest first."""
    changes, page = selectors.configuration(request.GET.get("after", ""))
    context = {**_head(request, "configuration"), "changes": changes, "page": page}
    return render(request, "audit/configuration.html", context)


@require_GET
@require(Permission.AUDIT_VIEW)
def integrity(request: HttpRequest) -> HttpResponse:
    """Whether the trail is whole: chain, checkpoints, the last verification."""
    state = selectors.state(clock.now())
    return render(
        request,
        "audit/integrity.html",
        {**_head(request, "integrity"), "state": state, "at_once": state.numbered <= VERIFY_AT_ONCE},
    )


@require_POST
@require(Permission.AUDIT_VIEW)
def verify(request: HttpRequest) -> HttpResponse:
    """Check the whole trail now."""
    if selectors.state(clock.now()).numbered > VERIFY_AT_ONCE:
        messages.error(request, "The trail is too long to check while you wait. It is checked every night.")
        return redirect("audit:integrity")
    found = watch.trail_verify(actor=actor_of(request))
    if found.ok:
        messages.success(request, f"{found.entries:,} entries, every one as it was written.")
    else:
        messages.error(request, f"The trail is broken: {found.reason}")
    return redirect("audit:integrity")


@require_http_methods(["GET", "POST"])
@require(Permission.AUDIT_VIEW)
def reviews(request: HttpRequest) -> HttpResponse:
    """Past reviews, and the form that records one (45 CFR 164.308(a)(1)(ii)(D))."""
    zone = clock.clinic_zone()
    today = clock.now().astimezone(zone).date()
    done = selectors.reviews()
    begin = done[0].review.last_day + timedelta(days=1) if done else today - timedelta(days=30)
    form = ReviewForm(request.POST or None, initial={"first": min(begin, today), "last": today, "outcome": "nothing"})
    if request.method == "POST" and form.is_valid():
        try:
            watch.trail_review(actor=actor_of(request), **form.cleaned_data)
            messages.success(request, "The review is on record.")
            return redirect("audit:reviews")
        except Refused as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "audit/reviews.html",
        {
            **_head(request, "reviews"),
            "form": form,
            "reviews": done,
            "state": selectors.state(clock.now()),
            "summary": selectors.summary(TrailFilter(first=min(begin, today), last=today, zone=zone)),
            "since": min(begin, today),
        },
        status=422 if form.errors else 200,
    )
