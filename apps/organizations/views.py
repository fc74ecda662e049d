"""Settings, Organization; and the logo that every page shows."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import seen
from apps.core.permissions import Permission, public, require
from apps.organizations import selectors, services
from apps.organizations.forms import OrganizationForm
from apps.organizations.logo import NotALogo

FACTS = ("name", "phone", "web", "postal_address", "privacy_official", "security_official", "complaint_contact")


@require(Permission.ORGANIZATION_EDIT)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest) -> HttpResponse:
    """The one organization of this installation."""
    organization = selectors.current()
    facts = {fact: organization.opened.get(fact, "") for fact in FACTS}
    initial = {**facts, "zone": organization.zone, "version": organization.version}
    form = OrganizationForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        upload, version = given.pop("logo"), seen(given.pop("version"))
        actor = actor_of(request)
        try:
            if upload:
                version = services.logo_change(actor=actor, content=upload.read(), version=version).version
            services.organization_change(actor=actor, version=version, **given)
        except NotALogo as refusal:
            form.add_error("logo", str(refusal))
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("organizations:edit")
    context = {"form": form, "crumbs": [("Settings", "/settings/"), ("Organization", "")]}
    return render(request, "organizations/edit.html", context, status=422 if request.method == "POST" else 200)


@require(Permission.ORGANIZATION_EDIT)
@require_POST
def logo_remove(request: HttpRequest) -> HttpResponse:
    services.logo_change(actor=actor_of(request), content=None)
    messages.success(request, "The logo is gone.")
    return redirect("organizations:edit")


@public
@require_GET
def logo(request: HttpRequest) -> HttpResponse:
    """The picture itself; its address changes with it, so browsers may keep it."""
    found = selectors.logo()
    if found is None:
        raise Http404
    content, kind = found
    headers = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=kind, headers=headers)
