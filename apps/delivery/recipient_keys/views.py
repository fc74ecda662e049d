"""Keys on the person page."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.permissions import Permission, require
from apps.delivery import services
from apps.delivery.forms import RecipientKeyForm
from apps.delivery.models import RecipientKey


def _back(person_id: int) -> HttpResponse:
    return redirect("contacts:panel", person_id, "keys")


@require(Permission.CONTACT_EDIT)
@require_POST
def key_add(request: HttpRequest, person_id: int) -> HttpResponse:
    """Check and keep a key for this person."""
    form = RecipientKeyForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, " ".join(str(e) for errors in form.errors.values() for e in errors))
        return _back(person_id)
    try:
        services.key_add(actor=actor_of(request), person_id=person_id, material=form.cleaned_data["file"].read())
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The key is in use: messages with health information are encrypted for it.")
    return _back(person_id)


@require(Permission.CONTACT_EDIT)
@require_POST
def key_remove(request: HttpRequest, key_id: int) -> HttpResponse:
    """Use a key no more."""
    row = RecipientKey.objects.filter(pk=key_id).only("person_id").first()
    if row is None:
        raise Http404
    try:
        services.key_remove(actor=actor_of(request), key_id=key_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "The key is not used any more.")
    return _back(row.person_id)
