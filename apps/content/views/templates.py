"""The list of templates, and what is done to one as a whole."""

from __future__ import annotations

from typing import Any

from csp.decorators import csp
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.content import blocks, previewing, selectors, services, usage
from apps.content.models import Template
from apps.content.presets import all_presets
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.pages import keyset
from apps.core.permissions import Permission, allows, require

PREVIEW_CSP = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "base-uri": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": ["allow-same-origin"],
}
"""The preview document holds mail, which needs inline styles; nothing runs there and nothing else is fetched.
"""


@require(Permission.TEMPLATE_VIEW)
@require_GET
def template_list(request: HttpRequest) -> HttpResponse:
    """Templates as cards, newest first; kinds are tabs."""
    kind = request.GET.get("kind", Template.Kinds.TEMPLATE)
    if kind not in ("template", "notice"):
        raise Http404
    rows = Template.objects.living().filter(kind=kind)
    page = keyset(rows, request.GET.get("after", ""), size=24, total=rows.count())
    kinds = {"template": "Templates", "notice": "Portal notices"}
    tabs = [
        {
            "label": label,
            "url": f"{reverse('content:list')}?kind={value}",
            "current": value == kind,
            "count": Template.objects.living().filter(kind=value).count(),
        }
        for value, label in kinds.items()
    ]
    context = {
        "page": page,
        "cards": selectors.cards(page.items),
        "tabs": tabs,
        "kind": kind,
        "starters": [starter for starter in all_presets().values() if starter.kind == kind],
        "can_edit": allows(request.user.role, Permission.TEMPLATE_EDIT),  # type: ignore[union-attr]
        "can_brand": allows(request.user.role, Permission.BRAND_EDIT),  # type: ignore[union-attr]
    }
    return render(request, "content/list.html", context)


@require(Permission.TEMPLATE_EDIT)
@require_http_methods(["GET", "POST"])
def template_new(request: HttpRequest) -> HttpResponse:
    """Choose how to begin: a starter or an empty mail."""
    kind = request.GET.get("kind", Template.Kinds.TEMPLATE)
    if kind not in ("template", "notice"):
        raise Http404
    starters = [starter for starter in all_presets().values() if starter.kind == kind]
    error = ""
    if request.method == "POST":
        starter = all_presets().get(request.POST.get("starter", ""))
        name = request.POST.get("name", "").strip()
        data: dict[str, Any] = blocks.dump(starter.design) if starter else EMPTY
        try:
            template = services.template_create(
                actor=actor_of(request),
                name=name or services.free_name(starter.name if starter else "New template"),
                data=data,
                kind=starter.kind if starter else kind,
            )
            return redirect("content:edit", template.pk)
        except Refused as refusal:
            error = str(refusal)
    back = f"{reverse('content:list')}?kind={kind}"
    context = {
        "starters": starters,
        "error": error,
        "kind": kind,
        "name": request.POST.get("name", ""),
        "chosen": request.POST.get("starter", starters[0].slug if starters else ""),
        "crumbs": [("Templates", back), ("New template", "")],
    }
    return render(request, "content/new.html", context, status=422 if error else 200)


EMPTY: dict[str, Any] = {
    "subject": "",
    "preheader": "",
    "language": "en",
    "blocks": [
        {"id": "b1", "type": "header"},
        {"id": "b2", "type": "heading", "text": "A heading"},
        {"id": "b3", "type": "text", "html": "<p>Write here.</p>"},
        {"id": "b4", "type": "footer"},
    ],
}


@require(Permission.TEMPLATE_VIEW)
@require_GET
@xframe_options_sameorigin
@csp(PREVIEW_CSP)  # type: ignore[arg-type]
def starter_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """A starter as it would look, for the choice of one."""
    starter = all_presets().get(slug)
    if starter is None:
        raise Http404
    facts, _ = selectors.preview_facts(actor=actor_of(request), person_id=None)
    shown = previewing.preview(starter.design, selectors.brand_facts(), facts)
    return HttpResponse(shown.html)


@require(Permission.TEMPLATE_EDIT)
@require_POST
def template_rename(request: HttpRequest, pk: int) -> HttpResponse:
    """Another name; answers in place in the editor, with the list's page elsewhere."""
    template = get_object_or_404(Template.objects.living(), pk=pk)
    try:
        services.template_rename(actor=actor_of(request), template_id=pk, name=request.POST.get("name", ""))
    except Refused as refusal:
        if request.headers.get("HX-Request"):
            return HttpResponse(str(refusal), status=422, content_type="text/plain")
        messages.error(request, str(refusal))
    else:
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204)
        messages.success(request, "Renamed.")
    return redirect(f"{reverse('content:list')}?kind={template.kind}")


@require(Permission.TEMPLATE_EDIT)
@require_POST
def template_duplicate(request: HttpRequest, pk: int) -> HttpResponse:
    """A copy, opened."""
    get_object_or_404(Template.objects.living(), pk=pk)
    copy = services.template_duplicate(actor=actor_of(request), template_id=pk)
    messages.success(request, "This is the copy. Give it a name of its own.")
    return redirect("content:edit", copy.pk)


@require(Permission.TEMPLATE_EDIT)
@require_http_methods(["GET", "POST"])
def template_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, showing where it is used; then delete."""
    template = get_object_or_404(Template.objects.living(), pk=pk)
    uses = usage.uses_of(pk)
    if request.method == "POST":
        try:
            services.template_archive(actor=actor_of(request), template_id=pk)
        except Refused as refusal:
            messages.error(request, str(refusal))
            return redirect("content:delete", pk)
        messages.success(request, "Deleted. Messages already made from it stay as they were.")
        return redirect(f"{reverse('content:list')}?kind={template.kind}")
    return render(request, "content/delete.html", {"template": template, "uses": uses})
