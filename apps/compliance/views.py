"""Pages of the register."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.compliance import agreements, selectors, services
from apps.compliance.forms import (
    AgreementForm,
    BreachClosingForm,
    BreachForm,
    DocumentForm,
    TerminationForm,
    VendorForm,
)
from apps.compliance.models import Agreement, Document, Vendor
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, may, require
from apps.ui import datewords

_BOTH = require_http_methods(["GET", "HEAD", "POST"])


def _may_edit(request: HttpRequest) -> bool:
    return may(request, Permission.COMPLIANCE_EDIT)


@require(Permission.COMPLIANCE_VIEW)
@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """The list of vendors, and what needs attention."""
    archived = request.GET.get("show") == "archived"
    rows = selectors.vendor_rows(archived=archived)
    return render(
        request,
        "compliance/overview.html",
        {
            "rows": rows,
            "archived": archived,
            "any_archived": Vendor.objects.filter(archived_at__isnull=False).exists(),
            "reminders": [] if archived else selectors.reminders(),
            "in_force": sum(row.standing in ("baa_in_force", "baa_expiring") for row in rows),
            "needed": sum(row.vendor.handles_health_information for row in rows),
            "may_edit": _may_edit(request),
            "now": clock.now(),
        },
    )


@require(Permission.COMPLIANCE_EDIT)
@_BOTH
def vendor_new(request: HttpRequest) -> HttpResponse:
    form = VendorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            vendor = services.vendor_create(actor=actor_of(request), **form.given())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Vendor entered.")
            return redirect("compliance:vendor", vendor.pk)
    status = 422 if form.is_bound else 200
    return render(request, "compliance/vendor_form.html", {"form": form, "vendor": None}, status=status)


@require(Permission.COMPLIANCE_VIEW)
@require_GET
def vendor(request: HttpRequest, vendor_id: int) -> HttpResponse:
    """A vendor: facts on the right, agreements and breaches on the left."""
    return vendor_page(request, get_object_or_404(Vendor, pk=vendor_id))


def vendor_page(
    request: HttpRequest,
    found: Vendor,
    *,
    breach: BreachForm | None = None,
    closing: BreachClosingForm | None = None,
    closing_of: int = 0,
    status: int = 200,
) -> HttpResponse:
    """The page of a vendor; ``breach`` or ``closing`` is a form that was refused."""
    day = selectors.today()
    rows = [
        (agreement, selectors.judgement_of(agreement, day))
        for agreement in found.agreements.prefetch_related("documents").order_by("-effective", "-id")
    ]
    return render(
        request,
        "compliance/vendor.html",
        {
            "vendor": found,
            "rows": rows,
            "in_force": selectors.baa_in_force(found),
            "breaches": [
                {
                    "row": each,
                    "form": closing
                    if closing is not None and closing_of == each.pk
                    else BreachClosingForm(initial={"on": day}, auto_id=f"id_{each.pk}_%s"),
                    "form_open": closing is not None and closing_of == each.pk,
                }
                for each in found.breaches.order_by("-found", "-id")
            ],
            "breached": any(each.is_open(day) for each in found.breaches.all()),
            "breach_form": breach or BreachForm(initial={"found": day}),
            "breach_open": breach is not None,
            "review_due": found.next_review is not None and found.next_review <= day,
            "may_edit": _may_edit(request) and found.archived_at is None,
        },
        status=status,
    )


@require(Permission.COMPLIANCE_EDIT)
@_BOTH
def vendor_edit(request: HttpRequest, vendor_id: int) -> HttpResponse:
    found = get_object_or_404(Vendor, pk=vendor_id, archived_at__isnull=True)
    form = VendorForm(request.POST) if request.method == "POST" else VendorForm.of(found)
    if request.method == "POST" and form.is_valid():
        try:
            services.vendor_change(actor=actor_of(request), vendor_id=found.pk, **form.given())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Changes saved.")
            return redirect("compliance:vendor", found.pk)
    status = 422 if form.is_bound else 200
    return render(request, "compliance/vendor_form.html", {"form": form, "vendor": found}, status=status)


@require(Permission.COMPLIANCE_EDIT)
@require_POST
def vendor_archive(request: HttpRequest, vendor_id: int) -> HttpResponse:
    try:
        services.vendor_archive(actor=actor_of(request), vendor_id=vendor_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("compliance:vendor", vendor_id)
    messages.success(request, "Vendor archived. Its agreements are kept.")
    return redirect("compliance:overview")


@require(Permission.COMPLIANCE_EDIT)
@_BOTH
def agreement_new(request: HttpRequest, vendor_id: int) -> HttpResponse:
    owner = get_object_or_404(Vendor, pk=vendor_id, archived_at__isnull=True)
    form = AgreementForm(request.POST or None, initial={"party": owner.name})
    if request.method == "POST" and form.is_valid():
        try:
            made = services.agreement_create(actor=actor_of(request), vendor_id=owner.pk, **form.given())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Agreement entered. Now upload the signed document.")
            return redirect("compliance:agreement", made.pk)
    status = 422 if form.is_bound else 200
    context = {"form": form, "vendor": owner, "agreement": None}
    return render(request, "compliance/agreement_form.html", context, status=status)


@require(Permission.COMPLIANCE_VIEW)
@require_GET
def agreement(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """An agreement with its checklist, papers and dates."""
    found = get_object_or_404(Agreement.objects.select_related("vendor"), pk=agreement_id)
    return _agreement_page(request, found)


@require(Permission.COMPLIANCE_EDIT)
@_BOTH
def agreement_edit(request: HttpRequest, agreement_id: int) -> HttpResponse:
    found = get_object_or_404(Agreement.objects.select_related("vendor"), pk=agreement_id, terminated__isnull=True)
    form = AgreementForm(request.POST) if request.method == "POST" else AgreementForm.of(found)
    if request.method == "POST" and form.is_valid():
        try:
            services.agreement_change(actor=actor_of(request), agreement_id=found.pk, **form.given())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Changes saved.")
            return redirect("compliance:agreement", found.pk)
    status = 422 if form.is_bound else 200
    context = {"form": form, "vendor": found.vendor, "agreement": found}
    return render(request, "compliance/agreement_form.html", context, status=status)


@require(Permission.COMPLIANCE_EDIT)
@require_POST
def document_add(request: HttpRequest, agreement_id: int) -> HttpResponse:
    found = get_object_or_404(Agreement.objects.select_related("vendor"), pk=agreement_id)
    form = DocumentForm(request.POST, request.FILES)
    if form.is_valid():
        upload = form.cleaned_data["document"]
        try:
            services.document_add(
                actor=actor_of(request), agreement_id=found.pk, name=upload.name or "", content=upload.read()
            )
        except Refused as refusal:
            form.add_error("document", str(refusal))
        else:
            messages.success(request, "Document kept, sealed.")
            return redirect("compliance:agreement", found.pk)
    return _agreement_page(request, found, upload=form, status=422)


@require(Permission.COMPLIANCE_VIEW)
@require_GET
def document(request: HttpRequest, document_id: int) -> HttpResponse:
    """Download a signed document; on the trail."""
    found = get_object_or_404(Document, pk=document_id)
    try:
        content = selectors.document_open(actor=actor_of(request), document=found)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("compliance:agreement", found.agreement_id)
    response = HttpResponse(content, content_type=found.opened["type"])
    response["Content-Disposition"] = content_disposition_header(True, found.name) or "attachment"
    return response


@require(Permission.COMPLIANCE_EDIT)
@require_POST
def agreement_terminate(request: HttpRequest, agreement_id: int) -> HttpResponse:
    found = get_object_or_404(Agreement.objects.select_related("vendor"), pk=agreement_id)
    if found.terminated is not None:
        raise Http404
    form = TerminationForm(request.POST)
    if form.is_valid():
        try:
            services.agreement_terminate(actor=actor_of(request), agreement_id=found.pk, **form.given())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Agreement terminated. It is kept for six years.")
            return redirect("compliance:agreement", found.pk)
    return _agreement_page(request, found, ending=form, status=422)


def _agreement_page(
    request: HttpRequest,
    found: Agreement,
    *,
    upload: DocumentForm | None = None,
    ending: TerminationForm | None = None,
    status: int = 200,
) -> HttpResponse:
    facts = found.opened
    kept = agreements.keep_until(clock.clinic_day(found.created_at), found.expires, found.terminated)
    clauses = facts.get("clauses", {})
    options = facts.get("options", {})
    return render(
        request,
        "compliance/agreement.html",
        {
            "agreement": found,
            "vendor": found.vendor,
            "facts": facts,
            "judgement": selectors.judgement_of(found, selectors.today()),
            "clauses": [(c, c.code in clauses, clauses.get(c.code, "")) for c in agreements.CLAUSES],
            "options": [(c, c.code in options, options.get(c.code, "")) for c in agreements.OPTIONS],
            "documents": found.documents.order_by("-id"),
            "kept_until": datewords.day(kept) if kept else "",
            "ending_words": services.ENDINGS.get(facts.get("ending", {}).get("data", ""), ""),
            "upload": upload or DocumentForm(),
            "ending": ending or TerminationForm(initial={"on": selectors.today()}),
            "ending_open": ending is not None,
            "may_edit": _may_edit(request) and found.vendor.archived_at is None,
        },
        status=status,
    )
