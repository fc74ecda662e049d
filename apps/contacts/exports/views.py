"""Exports of people: ask with a reason, watch, download for a day."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.contacts import sources
from apps.contacts.attributes import definitions as attributes
from apps.contacts.exports import columns as exporting
from apps.contacts.exports import services as exports
from apps.contacts.models import ContactExport
from apps.contacts.person.views.people import searched
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.pages import keyset
from apps.core.permissions import Permission, require


@require(Permission.CONTACT_EXPORT)
def export_list(request: HttpRequest) -> HttpResponse:
    """All exports, newest first."""
    page = keyset(ContactExport.objects.all(), request.GET.get("after", ""))
    rows = [{"export": each, "name": _name(each), "reason": each.opened()["reason"]} for each in page.items]
    return render(request, "contacts/exports/list.html", {"page": page, "rows": rows})


@require(Permission.CONTACT_EXPORT)
@require_http_methods(["GET", "POST"])
def export_new(request: HttpRequest) -> HttpResponse:
    """Columns and a reason. From the contact list it comes by POST, with what was searched for."""
    given = request.POST if request.method == "POST" else request.GET
    segment = given.get("segment", "")
    # A segment that is written strangely is no segment: never everybody instead.
    source, source_id = ("segment", whole(segment, 0)) if segment else (sources.LIST, None)
    text, filters = "", dict[str, str]()
    if request.method == "POST" and source == sources.LIST:
        text, filters = searched(request)
    problem = ""
    if request.method == "POST" and "asked" in request.POST:
        try:
            made = exports.export_create(
                actor=actor_of(request),
                columns=request.POST.getlist("columns"),
                reason=request.POST.get("reason", ""),
                source=source,
                source_id=source_id,
                text=text,
                filters=filters,
            )
            return redirect("contacts:export", made.pk)
        except Refused as refusal:
            problem = str(refusal)
    try:
        name = sources.source_name(source, source_id)
    except Refused:
        raise Http404 from None
    chosen = set(request.POST.getlist("columns")) if problem else set(exporting.USUAL)
    context = {
        "name": name,
        "segment": source_id,
        "text": text,
        "filters": filters,
        "groups": exporting.columns(attributes.catalog()),
        "chosen": chosen,
        "reason": request.POST.get("reason", ""),
        "problem": problem,
    }
    return render(request, "contacts/exports/new.html", context, status=422 if problem else 200)


@require(Permission.CONTACT_EXPORT)
def export(request: HttpRequest, export_id: int) -> HttpResponse:
    """One export: how far it is, or the button to download it."""
    return render(request, "contacts/exports/export.html", _context(_export(export_id)))


@require(Permission.CONTACT_EXPORT)
def export_progress(request: HttpRequest, export_id: int) -> HttpResponse:
    """The job card again; when the job is over, the whole page."""
    found = _export(export_id)
    if found.under_way:
        return render(request, "contacts/exports/progress.html", _context(found))
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse("contacts:export", args=[export_id])
    return response


@require(Permission.CONTACT_EXPORT)
@require_POST
def export_cancel(request: HttpRequest, export_id: int) -> HttpResponse:
    """Stop it; nothing of it is kept."""
    _export(export_id)
    try:
        exports.export_cancel(actor=actor_of(request), export_id=export_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("contacts:export", export_id)


@require(Permission.CONTACT_EXPORT)
@require_POST
def export_download(request: HttpRequest, export_id: int) -> HttpResponseBase:
    """The file. By POST, because taking it is on the trail; its name says nothing about who is in it."""
    _export(export_id)
    try:
        pieces = exports.export_open(actor=actor_of(request), export_id=export_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("contacts:export", export_id)
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="contacts-{export_id}.csv"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _export(export_id: int) -> ContactExport:
    found = ContactExport.objects.filter(pk=export_id).first()
    if found is None:
        raise Http404
    return found


def _name(found: ContactExport) -> str:
    try:
        return sources.source_name(found.source, found.source_id)
    except Refused:
        return "A segment that was deleted"


def _context(found: ContactExport) -> dict[str, Any]:
    data = found.opened()
    labels = {name: label for _, group in exporting.columns(attributes.catalog()) for name, label in group}
    seconds = (clock.now() - found.created_at).total_seconds() if found.under_way else 0
    return {
        "export": found,
        "name": _name(found),
        "narrowed": bool(data["text"] or data["filters"]),
        "reason": data["reason"],
        "problem": data.get("problem", ""),
        "columns": [labels.get(name, name) for name in data["columns"]],
        "rate": int(found.done / seconds) if seconds > 1 else None,
        "until": found.finished_at + exports.KEEP if found.finished_at else None,
    }
