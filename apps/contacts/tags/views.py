"""Tags: which there are, who has them, and tagging one person."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.contacts.attributes.services import may_lower
from apps.contacts.models import Person, Tag, TagJob
from apps.contacts.tags import definitions, services
from apps.contacts.tags.definitions import OpenedTag
from apps.contacts.tags.forms import TagForm
from apps.contacts.tags.names import split
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import seen, whole
from apps.core.permissions import Permission, may, require, role_of
from apps.references import selectors as references
from apps.references.models import Noun
from apps.vault.tokens import normalize

MOST_SUGGESTED = 8


@require(Permission.CONTACT_IMPORT)
def tag_list(request: HttpRequest) -> HttpResponse:
    """All tags by name, with how many people have them."""
    found = definitions.everything()
    uses = references.used_by_each(Noun.TAG, [tag.id for tag in found])
    counts = definitions.counts()
    rows = [{"tag": tag, "uses": uses.get(tag.id, []), "people": counts.get(tag.id, 0)} for tag in found]
    return render(request, "contacts/tags/list.html", {"rows": rows, "up_to": definitions.COUNT_UP_TO})


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def tag_new(request: HttpRequest) -> HttpResponse:
    """Create a tag."""
    actor = actor_of(request)
    form = TagForm(request.POST or None, may_lower=may_lower(actor))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.tag_create(actor=actor, **form.cleaned_data)
        except Refused as refusal:
            form.add_error(_place(refusal), str(refusal))
        else:
            messages.success(request, "Tag added.")
            return redirect("contacts:tag", made.id)
    context = {"form": form, "cancel": reverse("contacts:tags")}
    return render(request, "contacts/tags/new.html", context, status=422 if form.is_bound else 200)


@require(Permission.CONTACT_IMPORT)
@require_http_methods(["GET", "POST"])
def tag(request: HttpRequest, tag_id: int) -> HttpResponse:
    """One tag: who has it, what uses it, and what of it can be changed."""
    found = _tag(tag_id)
    form = TagForm(request.POST or None, tag=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.tag_change(
                actor=actor_of(request),
                tag_id=tag_id,
                version=seen(whole(request.POST.get("version"), None)),
                **form.cleaned_data,
            )
        except Refused as refusal:
            form.add_error(_place(refusal), str(refusal))
        else:
            messages.success(request, "Changes saved.")
            return redirect("contacts:tag", tag_id)
    context = {
        "tag": found,
        "form": form,
        "people": definitions.count_of(tag_id),
        "uses": references.used_by(Noun.TAG, tag_id),
        "jobs": TagJob.objects.filter(tag_id=tag_id).order_by("-pk")[:5],
        "cancel": reverse("contacts:tags"),
    }
    return render(request, "contacts/tags/tag.html", context, status=422 if form.is_bound else 200)


@require(Permission.CONTACT_IMPORT)
@require_POST
def tag_delete(request: HttpRequest, tag_id: int) -> HttpResponse:
    """Delete a tag that nothing uses."""
    _tag(tag_id)
    try:
        count = services.tag_delete(actor=actor_of(request), tag_id=tag_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("contacts:tag", tag_id)
    lost = "Nobody had it." if not count else f"{count:,} {'person' if count == 1 else 'people'} had it."
    messages.success(request, f"Tag deleted. {lost}")
    return redirect("contacts:tags")


@require(Permission.CONTACT_EDIT)
@require_POST
def tag_suggest(request: HttpRequest) -> HttpResponse:
    """The lines under an input in which the name of a tag is typed; by POST, for a name may tell a condition."""
    typed = normalize(request.POST.get("named", ""))
    found = [each for each in definitions.everything() if typed in normalize(each.name)]
    found.sort(key=lambda each: not normalize(each.name).startswith(typed))
    context = {
        "options": found[:MOST_SUGGESTED],
        "list": "tag-names",
        "new": bool(typed) and may(request, Permission.CONTACT_IMPORT) and not found,
    }
    return render(request, "contacts/tags/_suggestions.html", context)


@require(Permission.CONTACT_EDIT)
@require_POST
def person_tags(request: HttpRequest, person_id: int) -> HttpResponse:
    """Give one person a tag by its name, or take one; answers with the person's tags."""
    if not Person.objects.filter(pk=person_id, erased_at__isnull=True).exists():
        raise Http404
    actor, problem = actor_of(request), ""
    given: dict[str, Any] = {"actor": actor, "subject": person_id, "kind": "person"}
    try:
        if request.POST.get("act") == "remove":
            services.tags_take(pairs=[(person_id, whole(request.POST.get("id"), 0))], **given)
        else:
            names = split(request.POST.get("named", "")[:1000])
            if not names:
                raise Refused("tag.name_length", "Type the name of a tag.")
            known = definitions.ids_of(names)
            if len(known) < len(names):
                if not may(request, Permission.CONTACT_IMPORT):
                    raise Refused(
                        "tag.unknown", "There is no tag of this name. A marketer or an administrator can add it."
                    )
                known = services.tags_named(actor=actor, names=names)
            services.tags_give(pairs=[(person_id, tag_id) for tag_id in known.values()], **given)
    except Refused as refusal:
        problem = str(refusal)
    if not request.headers.get("HX-Request"):
        if problem:
            messages.error(request, problem)
        return redirect("contacts:person", person_id)
    context = {
        "record": {"id": person_id},
        "typed": request.POST.get("named", "") if problem else "",
        "tag_problem": problem,
        "tagged": True,
        **shown(request, person_id),
    }
    return render(request, "contacts/tags/_person.html", context)


def shown(request: HttpRequest, person_id: int) -> dict[str, Any]:
    """What the head of a person's page shows of tags: those the role may read, and how many others there are."""
    found = definitions.of_person(person_id)
    seen = definitions.shown_to(role_of(request), found)
    return {"tags": seen, "tags_hidden": len(found) - len(seen), "may_tag": may(request, Permission.CONTACT_EDIT)}


def _tag(tag_id: int) -> OpenedTag:
    row = Tag.objects.filter(pk=tag_id).first() if tag_id < 2**63 else None
    if row is None:
        raise Http404
    return definitions.opened(row)


def _place(refusal: Refused) -> str | None:
    """The field beside which a refusal stands."""
    for field in ("name", "level", "description"):
        if refusal.code.startswith(f"tag.{field}"):
            return field
    return None
