"""Own attributes: which there are, what uses them, and how far their search values are."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.contacts.attributes import definitions as attributes
from apps.contacts.attributes import services, usages
from apps.contacts.attributes.definitions import Attribute
from apps.contacts.attributes.forms import AttributeForm
from apps.contacts.models import AttributeDefinition, AttributeFill
from apps.contacts.person.fields import SLOTS
from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, require


@require(Permission.CONTACT_IMPORT)
def attribute_list(request: HttpRequest) -> HttpResponse:
    """All own attributes by name; retired ones at the end."""
    found = sorted(attributes.everything(retired=True), key=lambda each: each.retired)
    uses = usages.uses({each.name for each in found})
    fills = _latest_fills()
    rows = [{"attribute": each, "uses": uses.get(each.name, []), "fill": fills.get(each.id)} for each in found]
    taken = sum(1 for each in found if each.slot is not None)
    return render(request, "contacts/attributes/list.html", {"rows": rows, "taken": taken, "slots": SLOTS})


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def attribute_new(request: HttpRequest) -> HttpResponse:
    """Define an attribute."""
    actor = actor_of(request)
    form = AttributeForm(request.POST or None, may_lower=services.may_lower(actor))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.attribute_create(actor=actor, wanted=form.wanted())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Attribute added.")
            return redirect("contacts:attribute", made.id)
    context = {"form": form, "cancel": reverse("contacts:attributes")}
    return render(request, "contacts/attributes/new.html", context, status=422 if form.is_bound else 200)


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def attribute(request: HttpRequest, attribute_id: int) -> HttpResponse:
    """One attribute: what it is, what uses it, and what of it can be changed."""
    found = _attribute(attribute_id)
    form = AttributeForm(request.POST or None, attribute=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.attribute_change(
                actor=actor_of(request),
                attribute_id=attribute_id,
                wanted=form.wanted(),
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Changes saved.")
            return redirect("contacts:attribute", attribute_id)
    context = {
        "attribute": found,
        "form": form,
        "uses": usages.uses_of(found.name),
        "cancel": reverse("contacts:attributes"),
        **_fill_context(found),
    }
    return render(request, "contacts/attributes/attribute.html", context, status=422 if form.is_bound else 200)


@require(Permission.CONTACT_IMPORT)
def attribute_progress(request: HttpRequest, attribute_id: int) -> HttpResponse:
    """The job card again; when the job is over, the whole page."""
    context = _fill_context(_attribute(attribute_id))
    if context["filling"]:
        return render(request, "contacts/attributes/progress.html", context)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = reverse("contacts:attribute", args=[attribute_id])
    return response


@require(Permission.CONTACT_IMPORT)
@require_POST
def attribute_act(request: HttpRequest, attribute_id: int, act: str) -> HttpResponse:
    """Retire, bring back, or start the job again."""
    acts = {
        "retire": (services.attribute_retire, "Attribute retired."),
        "restore": (services.attribute_restore, "Attribute brought back."),
        "again": (services.attribute_refill, "Started again."),
    }
    if act not in acts:
        raise Http404
    _attribute(attribute_id)
    doing, done = acts[act]
    try:
        doing(actor=actor_of(request), attribute_id=attribute_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("contacts:attribute", attribute_id)


def _attribute(attribute_id: int) -> Attribute:
    row = AttributeDefinition.objects.filter(pk=attribute_id).first()
    if row is None:
        raise Http404
    return attributes.opened(row)


def _latest_fills() -> dict[int, AttributeFill]:
    rows = AttributeFill.objects.order_by("attribute", "-pk").distinct("attribute")
    return {fill.attribute_id: fill for fill in rows}


def _fill_context(found: Attribute) -> dict[str, Any]:
    fill = AttributeFill.objects.filter(attribute_id=found.id).order_by("-pk").first()
    filling = fill is not None and fill.state == AttributeFill.State.RUNNING
    rate = None
    if fill is not None and filling:
        seconds = (clock.now() - fill.created_at).total_seconds()
        rate = int(fill.done / seconds) if seconds > 1 else None
    return {"attribute": found, "fill": fill, "filling": filling, "rate": rate}
