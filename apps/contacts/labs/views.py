"""Labs and vitals: the presets, those of one's own, and how far the results on record are prepared."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.contacts.labs import catalog, services
from apps.contacts.labs.forms import LabForm
from apps.contacts.models import OwnLab
from apps.contacts.timeline.results import LABS
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, require


@require(Permission.CONTACT_IMPORT)
def lab_list(request: HttpRequest) -> HttpResponse:
    """Own labs with their state, and the presets."""
    rows = [{"row": row, "lab": catalog.opened(row)} for row in OwnLab.objects.order_by("-pk")]
    return render(request, "contacts/labs/list.html", {"rows": rows, "presets": LABS.presets.values()})


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def lab_new(request: HttpRequest) -> HttpResponse:
    """Declare a lab."""
    form = LabForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.lab_create(actor=actor_of(request), wanted=form.wanted())
        except Refused as refusal:
            form.add_error("codes" if refusal.code.startswith("lab.code") else None, str(refusal))
        else:
            messages.success(request, f"“{made.label}” added. Results on record are prepared in the background.")
            return redirect("contacts:labs")
    context = {"form": form, "cancel": reverse("contacts:labs")}
    return render(request, "contacts/labs/new.html", context, status=422 if form.is_bound else 200)


@require(Permission.CONTACT_IMPORT)
@require_POST
def lab_renew(request: HttpRequest, lab_id: int) -> HttpResponse:
    """Prepare the results of a lab again, where that failed."""
    if not OwnLab.objects.filter(pk=lab_id).exists():
        raise Http404
    try:
        services.lab_renew(actor=actor_of(request), lab_id=lab_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Started again.")
    return redirect("contacts:labs")
