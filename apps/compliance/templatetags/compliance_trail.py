"""Small tags of the register's pages."""

from __future__ import annotations

from django import template
from django.urls import reverse

from apps.compliance.models import Vendor

register = template.Library()


@register.simple_tag
def vendor_crumbs(vendor: Vendor | None = None, linked: bool = False) -> list[tuple[str, str]]:
    """Breadcrumbs of a page about a vendor; ``linked`` when the page lies below the vendor's own."""
    crumbs = [("Vendors and agreements", reverse("compliance:overview"))]
    if vendor is not None:
        crumbs.append((vendor.name, reverse("compliance:vendor", args=[vendor.pk]) if linked else ""))
    return crumbs
