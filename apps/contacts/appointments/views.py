"""What is done with one visit of a person, and the list of visits whose reminders are held."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.contacts import services
from apps.contacts.appointments.forms import MoveForm
from apps.contacts.appointments.words import visit_time
from apps.contacts.models import Appointment
from apps.contacts.person import selectors
from apps.contacts.person.views.people import opened
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.pages import keyset
from apps.core.permissions import Permission, require


@require(Permission.CONTACT_EDIT)
@require_POST
def appointment_move(request: HttpRequest, person_id: int, appointment_id: int) -> HttpResponse:
    """Move an appointment of this person: the new time is on the clock of its place, as the dialog says."""
    _own(person_id, appointment_id)
    record = opened(request, person_id, "move appointment")
    selectors.load_appointments({person_id: record})
    visit = next(each for each in record.appointments or () if each["id"] == appointment_id)
    with timezone.override(visit_time(visit)[0].tzinfo):
        form = MoveForm(request.POST)
        valid = form.is_valid()
    if not valid:
        why = next((str(error) for errors in form.errors.values() for error in errors), "")
        messages.error(request, f"Nothing was moved: give a date and a time. {why}".strip())
        return redirect("contacts:appointments", person_id)
    move = partial(services.appointment_move, appointment_id=appointment_id, start=form.cleaned_data["start"])
    return _done(request, person_id, move, "Appointment moved.")


@require(Permission.CONTACT_EDIT)
@require_POST
def appointment_confirm(request: HttpRequest, person_id: int, appointment_id: int) -> HttpResponse:
    """Say that a visit an import was in doubt about is right as it stands."""
    _own(person_id, appointment_id)
    confirm = partial(services.appointment_confirm, appointment_id=appointment_id)
    return _done(request, person_id, confirm, "Appointment confirmed. Reminders of it go out again.")


@require(Permission.CONTACT_EDIT)
@require_POST
def appointment_cancel(request: HttpRequest, person_id: int, appointment_id: int) -> HttpResponse:
    """Cancel an appointment of this person."""
    _own(person_id, appointment_id)
    cancel = partial(services.appointment_cancel, appointment_id=appointment_id)
    return _done(request, person_id, cancel, "Appointment canceled.")


def _own(person_id: int, appointment_id: int) -> None:
    if not Appointment.objects.filter(pk=appointment_id, person_id=person_id).exists():
        raise Http404


def _done(request: HttpRequest, person_id: int, act: Callable[..., object], said: str) -> HttpResponse:
    """Do it and say so, or why not, on the person's tab."""
    try:
        act(actor=actor_of(request))
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("contacts:appointments", person_id)


@require(Permission.CONTACT_REVEAL)
def held_list(request: HttpRequest) -> HttpResponse:
    """Whom it concerns, newest first; what is in doubt stands with the person. Opening it is on the trail."""
    waiting = Appointment.objects.filter(held_at__isnull=False, person__erased_at__isnull=True)
    page = keyset(waiting, request.GET.get("after", ""), total=waiting.count())
    people = selectors.open_people(
        actor=actor_of(request),
        purpose="visits whose reminders are held",
        ids=sorted({row.person_id for row in page.items}),
        with_consents=False,
    )
    rows = []
    for row in page.items:
        if (person := people.get(row.person_id)) is None:
            continue
        visit = selectors.open_appointment(row, person.profile_key)
        why = visit.get("held", {}).get("why", "")
        rows.append({"person": person, "when": visit_time(visit)[1], "why": why, "at": row.held_at})
    return render(request, "contacts/visits_held.html", {"page": page, "rows": rows})
