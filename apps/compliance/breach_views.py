"""Recording and closing a material breach, from the page of its vendor."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from apps.compliance.forms import BreachClosingForm, BreachForm
from apps.compliance.models import MaterialBreach, Vendor
from apps.compliance.services import breaches
from apps.compliance.views import vendor_page
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, require


@require(Permission.COMPLIANCE_EDIT)
@require_POST
def breach_new(request: HttpRequest, vendor_id: int) -> HttpResponse:
    """Record a breach: from then on no health information goes to the vendor."""
    vendor = get_object_or_404(Vendor, pk=vendor_id, archived_at__isnull=True)
    form = BreachForm(request.POST)
    if form.is_valid():
        try:
            breaches.breach_open(actor=actor_of(request), vendor_id=vendor.pk, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Breach recorded. No health information goes to this vendor until it is closed.")
            return redirect("compliance:vendor", vendor.pk)
    return vendor_page(request, vendor, breach=form, status=422)


@require(Permission.COMPLIANCE_EDIT)
@require_POST
def breach_close(request: HttpRequest, breach_id: int) -> HttpResponse:
    """Close a breach by its cure, or by the end of the agreement."""
    breach = get_object_or_404(MaterialBreach.objects.select_related("vendor"), pk=breach_id)
    form = BreachClosingForm(request.POST, auto_id=f"id_{breach.pk}_%s")
    if form.is_valid():
        try:
            breaches.breach_close(actor=actor_of(request), breach_id=breach.pk, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Breach closed.")
            return redirect("compliance:vendor", breach.vendor_id)
    return vendor_page(request, breach.vendor, closing=form, closing_of=breach.pk, status=422)
