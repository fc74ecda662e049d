"""Undo of an import: what would happen in numbers, its progress, and what it did."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, require
from apps.imports.models import ImportJob, ImportUndo
from apps.imports.undo import services
from apps.references import selectors as references
from apps.references.models import Noun


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def import_undo(request: HttpRequest, job_id: int) -> HttpResponse:
    """The page, the button, and while it runs the card that asks for itself."""
    job = ImportJob.objects.filter(pk=job_id).first()
    if job is None:
        raise Http404
    if request.method == "POST":
        try:
            services.undo_start(actor=actor_of(request), job_id=job.pk)
        except Refused as refusal:
            messages.error(request, str(refusal))
        return redirect("imports:undo", job.pk)
    undo = ImportUndo.objects.filter(job=job).first()
    if request.headers.get("HX-Request") and undo is not None:
        if undo.under_way:
            return render(request, "imports/undo_progress.html", {"job": job, "undo": undo})
        response = HttpResponse(status=204)
        response["HX-Redirect"] = reverse("imports:undo", args=[job.pk])
        return response
    context: dict[str, Any] = {
        "job": job,
        "undo": undo,
        "data": undo.opened() if undo is not None else {},
        "uses": references.used_by(Noun.IMPORT, job.pk),
        "days": services.KEEP.days,
        "stopped_title": f"Canceled after {undo.done:,} of {undo.total:,} pieces." if undo is not None else "",
    }
    if undo is None or undo.state in services.RESUMABLE:
        try:
            context["foretold"] = services.undo_foretold(job=job)
        except Refused as refusal:
            context["problem"] = str(refusal)
    return render(request, "imports/undo.html", context)


@require(Permission.CONTACT_IMPORT)
@require_POST
def import_undo_cancel(request: HttpRequest, job_id: int) -> HttpResponse:
    """Stop an undo after the rows at hand."""
    if not ImportJob.objects.filter(pk=job_id).exists():
        raise Http404
    try:
        services.undo_cancel(actor=actor_of(request), job_id=job_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The undo stops after the rows at hand.")
    return redirect("imports:undo", job_id)
