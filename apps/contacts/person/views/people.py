"""The contact list, and making, editing and erasing a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.audit.actions import Action
from apps.audit.services import record_read
from apps.contacts import services
from apps.contacts.attributes import definitions as attributes
from apps.contacts.changes import identity_facts
from apps.contacts.models import DuplicatePair, Person, PersonSearch
from apps.contacts.person import renewal, searching, selectors
from apps.contacts.person.forms import EraseForm, PersonForm, SearchForm
from apps.contacts.person.masking import Eyes
from apps.contacts.person.records import PersonRecord
from apps.contacts.tags import definitions as tags
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.pages import Page, keyset
from apps.core.permissions import Permission, may, require, role_of

BACKUPS_EXPIRE = timedelta(days=35)
"""How long the oldest backup lives that may still hold a destroyed key."""


@require(Permission.CONTACT_VIEW)
@require_http_methods(["GET", "POST"])
def contact_list(request: HttpRequest) -> HttpResponse:
    """People, newest first; searched by POST, so that no name ever stands in an address."""
    form = search_form(request)
    text, filters = form.search()
    looked_for = searching.meant(text)
    found = searching.people(text=looked_for, filters=filters)
    cursor = request.POST.get("after") or request.GET.get("after", "")
    page = keyset(found, cursor, total=searching.counted(found))
    searched = bool(text.strip() or filters)
    rows = _rows(request, page, searched)
    context = {
        "form": form,
        "page": page,
        "how_many": _how_many(page.total, searched),
        "rows": rows,
        "searched": searched,
        "shorter": looked_for if looked_for != text else "",
        # Without anybody at all the page itself offers to import and to add; the head would say it twice.
        "listed": bool(rows) or searched,
        "filters": filters,
        "renewal": renewal.under_way() if searched else None,
        "may_import": may(request, Permission.CONTACT_IMPORT),
        "may_edit": may(request, Permission.CONTACT_EDIT),
        "may_export": may(request, Permission.CONTACT_EXPORT),
        "duplicates": _duplicates(request),
    }
    return render(request, "contacts/list.html", context)


def _duplicates(request: HttpRequest) -> int:
    """How many pairs wait to be compared; 0 for whoever does not work on them."""
    if not may(request, Permission.CONTACT_EDIT):
        return 0
    return DuplicatePair.objects.filter(state=DuplicatePair.State.OPEN).count()


def search_form(request: HttpRequest) -> SearchForm:
    """The filter bar as it was sent, with the tags that the role may read."""
    shown = tags.shown_to(role_of(request), tags.everything())
    return SearchForm(request.POST if request.method == "POST" else None, tags=shown)


def searched(request: HttpRequest) -> tuple[str, dict[str, str]]:
    """What the list was searched for, for an act on everybody who was found. What is written strangely, and a tag that
    is not there any more, is an unknown page: never everybody instead.
    """
    form = search_form(request)
    if not form.is_valid() or (request.POST.get("tag") and "tag" not in form.fields):
        raise Http404
    return form.search()


def _how_many(total: int | None, searched: bool) -> list[str]:
    """What the head of the list says: how many there are (None: too many to count at once), or how many match."""
    about = "Everybody you can write to: patients, business contacts, subscribers."
    if total is None:
        return [f"More than {searching.COUNT_UP_TO:,} people {'match' if searched else ''}".strip(), about]
    one = total == 1
    if searched:
        return [f"{total:,} {'person matches' if one else 'people match'}"]
    return [f"{total:,} {'person' if one else 'people'}", about] if total else [about]


def _rows(request: HttpRequest, page: Page[PersonSearch], searched: bool) -> list[dict[str, Any]]:
    if searched and not page.items:
        # "Nobody" is an answer too: who asks for one address after the other learns who is no patient here.
        record_read(
            actor=actor_of(request),
            action=Action.CONTACT_SEARCH,
            kind="person",
            purpose="contact list",
        )
    records = selectors.open_people(
        actor=actor_of(request),
        purpose="contact list",
        ids=[person.pk for person in page.items],
        action=Action.CONTACT_SEARCH if searched else Action.CONTACT_LIST,
    )
    eyes = Eyes(role_of(request))
    return [
        {
            "id": record.id,
            "name": eyes.name(record),
            "relation": record.relation,
            "email": record.email,
            "language": record.language,
            "marketing": record.consents.get("marketing", ""),
            "suppressed": bool(record.suppressions),
            "deceased": record.deceased,
            "organization": record.get("organization"),
            "city": record.get("city") if eyes.names else "",
            "added": record.created_at,
        }
        for person in page.items
        if (record := records.get(person.pk))
    ]


@require(Permission.CONTACT_EDIT)
@require_http_methods(["GET", "POST"])
def contact_new(request: HttpRequest) -> HttpResponse:
    """Add one person."""
    form = PersonForm(
        request.POST or None, initial={"relation": "patient", "language": "en"}, own=attributes.everything()
    )
    if request.method == "POST" and form.is_valid():
        try:
            record = services.contact_create(actor=actor_of(request), profile=form.profile())
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Person added.")
            return redirect("contacts:person", record.id)
    context = {"form": form, "title": "Add a person", "button": "Add person", "cancel": reverse("contacts:list")}
    return render(request, "contacts/edit.html", context, status=422 if form.is_bound else 200)


@require(Permission.CONTACT_EDIT)
@require_http_methods(["GET", "POST"])
def contact_edit(request: HttpRequest, person_id: int) -> HttpResponse:
    """Change the facts of a person. Two people editing at once do not overwrite each other."""
    record = opened(request, person_id, "edit")
    form = PersonForm(
        request.POST or None, record=record, reveal=Eyes(role_of(request)).reveal, own=attributes.everything()
    )
    if request.method == "POST" and form.is_valid():
        try:
            waiting = services.contact_update(
                actor=actor_of(request),
                person_id=person_id,
                profile=form.profile(),
                version=form.cleaned_data["version"] or 0,
            )
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            if waiting:
                asked = f"Your change of {identity_facts.named(waiting)}"
                messages.success(request, f"Saved. {asked} waits until care staff or an administrator confirm it.")
            else:
                messages.success(request, "Changes saved.")
            return redirect("contacts:person", person_id)
    context = {
        "form": form,
        "record": record,
        "title": "Edit person",
        "button": "Save changes",
        "cancel": reverse("contacts:person", args=[person_id]),
        "name": Eyes(role_of(request)).name(record),
    }
    return render(request, "contacts/edit.html", context, status=422 if form.is_bound else 200)


@require(Permission.CONTACT_ERASE)
@require_http_methods(["GET", "POST"])
def contact_erase(request: HttpRequest, person_id: int) -> HttpResponse:
    """Erase a person for good, after a reason and a typed word."""
    record = opened(request, person_id, "erase")
    form = EraseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.contact_erase(
            actor=actor_of(request),
            person_id=person_id,
            reason=form.cleaned_data["reason"],
        )
        messages.success(request, "The person was erased.")
        return redirect("contacts:erased", person_id)
    context = {"form": form, "record": record, "name": Eyes(role_of(request)).name(record)}
    return render(request, "contacts/erase.html", context, status=422 if form.is_bound else 200)


@require(Permission.CONTACT_ERASE)
def contact_erased(request: HttpRequest, person_id: int) -> HttpResponse:
    """The certificate of an erasure."""
    person = Person.objects.filter(pk=person_id, erased_at__isnull=False).first()
    if person is None or person.erased_at is None:
        raise Http404
    if person.merged_into_id is not None:
        return redirect("contacts:erased", person.merged_into_id)
    final = person.erased_at + BACKUPS_EXPIRE
    return render(request, "contacts/erased.html", {"person": person, "final": final, "days": BACKUPS_EXPIRE.days})


def opened(request: HttpRequest, person_id: int, purpose: str) -> PersonRecord:
    """The opened person, on the trail. An unknown or erased one is not found."""
    record = selectors.open_person(
        actor=actor_of(request),
        purpose=purpose,
        person_id=person_id,
    )
    if record is None:
        raise Http404
    return record
