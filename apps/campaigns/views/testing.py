"""Test copies to staff: sending one, and what became of the last ones."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.campaigns.services import testing
from apps.campaigns.views.shared import campaign_or_404
from apps.content import blocks, variants
from apps.content import selectors as content
from apps.content.models import Template
from apps.content.views.editor import PERSON
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.permissions import Permission, require
from apps.users.models import User
from apps.users.views.sign_in import current_user


def reader_of(request: HttpRequest) -> User:
    """The member of staff whom the form names, whoever asks where it names nobody. Raises Refused."""
    me = current_user(request)
    wanted = whole(request.POST.get("reader", ""), me.pk)
    for each in testing.readers(me):
        if each.pk == wanted:
            return each
    raise Refused("test_copy.reader_unknown", "Choose a colleague who can sign in.")


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def test_send(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """A copy in each language, with an invented person in it, to whoever asks or to a colleague."""
    campaign_or_404(campaign_id)
    try:
        reader = reader_of(request)
        testing.campaign_test(
            actor=actor_of(request), campaign_id=campaign_id, address=str(reader.email), reader=reader.pk
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        whose = "your mailbox" if reader.pk == request.user.pk else f"{reader.name}'s mailbox"
        messages.success(request, f"A test is on its way to {whose}.")
    back = "approval" if request.POST.get("from") == "approval" else "message"
    return redirect(f"campaigns:{back}", campaign_id)


@require(Permission.CAMPAIGN_EDIT)
@require_safe
def tests(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """What became of the tests, asked for again while one is on its way."""
    campaign_or_404(campaign_id)
    return render(request, "campaigns/_tested.html", tested(request, campaign_id))


def tested(request: HttpRequest, campaign_id: int) -> dict[str, Any]:
    """What the pages of a campaign show of tests: whom to send one to, and what became of the last ones."""
    found = testing.last_copies(actor=actor_of(request), campaign_id=campaign_id)
    return {
        "readers": testing.readers(current_user(request)),
        "tested": found,
        "tested_url": reverse("campaigns:tests", args=[campaign_id]) if any(each.waits for each in found) else "",
    }


@require(Permission.TEMPLATE_EDIT)
@require_http_methods(["GET", "POST"])
def template_test(request: HttpRequest, pk: int) -> HttpResponse:
    """The panel of the editor's "Send a test": whom to send the draft to, as whom, and what became of the last ones.

    The language is the one that is written just now; the person is the one chosen for the preview.
    """
    template = get_object_or_404(Template.objects.living(), pk=pk)
    actor, refused = actor_of(request), ""
    person_id = request.session.get(PERSON)
    design = blocks.parse(content.draft_data(template))
    asked = request.POST.get("variant") or request.GET.get("variant") or design.language
    if request.method == "POST":
        try:
            reader = reader_of(request)
            testing.template_test(
                actor=actor,
                template_id=pk,
                language=asked,
                address=str(reader.email),
                reader=reader.pk,
                person_id=person_id,
            )
        except (Refused, blocks.BadTemplate) as refusal:
            refused = str(refusal)
    context = {
        "template": template,
        "variant": asked,
        "language": blocks.LANGUAGES.get(asked, ""),
        "begun": asked in (design.language, *variants.started(design)),
        "several": bool(variants.started(design)),
        "named": content.preview_facts(actor=actor, person_id=person_id)[1] if person_id is not None else "",
        "readers": testing.readers(current_user(request)),
        "refused": refused,
        **template_tested(request, pk),
    }
    return render(request, "campaigns/_template_test.html", context, status=422 if refused else 200)


@require(Permission.TEMPLATE_EDIT)
@require_safe
def template_tests(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of the tests of a template, asked for again while one is on its way."""
    get_object_or_404(Template.objects.living(), pk=pk)
    return render(request, "campaigns/_tested.html", template_tested(request, pk))


def template_tested(request: HttpRequest, pk: int) -> dict[str, Any]:
    """The last tests of a template."""
    found = testing.last_copies(actor=actor_of(request), template_id=pk)
    waits = any(each.waits for each in found)
    return {"tested": found, "tested_url": reverse("campaigns:template_tests", args=[pk]) if waits else ""}
