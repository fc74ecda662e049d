"""Visits whose reminders are held because a row of an import named them and was refused."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.contacts.models import Appointment
from apps.contacts.person import selectors
from apps.core import clock, zones
from apps.core.actors import actor_of
from apps.core.pages import keyset
from apps.core.permissions import Permission, require
from apps.ui import datewords


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
    clinic = str(clock.clinic_zone())
    rows = []
    for row in page.items:
        if (person := people.get(row.person_id)) is None:
            continue
        visit = selectors.open_appointment(row, person.profile_key)
        start = zones.visit_start(visit, clinic)
        words = f"{datewords.day(start)}, {datewords.clock_time(start)} {zones.to_say(start, clinic)}"
        rows.append(
            {"person": person, "when": words.strip(), "why": visit.get("held", {}).get("why", ""), "at": row.held_at}
        )
    return render(request, "contacts/visits_held.html", {"page": page, "rows": rows})
