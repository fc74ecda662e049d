"""Brands: who writes, and how it looks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from apps.content import authors, lint, selectors, services
from apps.content.blocks import Design
from apps.content.forms import BrandForm
from apps.content.models import Brand
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import seen
from apps.core.permissions import Permission, require


@require(Permission.BRAND_EDIT)
@require_GET
def brand_list(request: HttpRequest) -> HttpResponse:
    """All brands."""
    return render(request, "content/brands.html", {"brands": list(Brand.objects.order_by("-is_default", "pk"))})


@require(Permission.BRAND_EDIT)
@require_http_methods(["GET", "POST"])
def brand_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """One brand, new or old."""
    brand = get_object_or_404(Brand, pk=pk) if pk else None
    initial = None
    if brand:
        # A color that was never chosen is shown as the product's, not as the browser's black.
        chosen = {name: value for name, value in brand.opened.items() if value}
        initial = {**chosen, "is_default": brand.is_default, "version": brand.version}
    form = BrandForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.brand_save(
                actor=actor_of(request),
                brand=brand,
                data=form.cleaned_data,
                is_default=form.cleaned_data["is_default"],
                version=seen(form.cleaned_data["version"]),
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"Saved “{saved.name}”.")
            return redirect("content:brands")
    findings = []
    if brand is not None:
        rules = ("contrast", "contrast-page", "sender")
        empty = Design("x", "x", "en", ())
        findings = [f for f in lint.check(empty, selectors.brand_facts(brand)) if f.rule in rules]
    steered = brand is not None and authors.is_in_notices(brand) and not authors.may_steer(actor_of(request))
    context = {"form": form, "brand": brand, "findings": findings, "steered": services.STEERED if steered else ""}
    return render(request, "content/brand.html", context, status=422 if form.errors else 200)
