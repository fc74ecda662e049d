"""Changes of identity facts that wait for somebody who may see them: what was, what would be, confirm or decline."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.contacts import services
from apps.contacts.changes import identity_facts
from apps.contacts.changes.pending import values_of
from apps.contacts.models import PendingChange
from apps.contacts.person import fields, selectors
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.numbers import whole
from apps.core.pages import keyset
from apps.core.permissions import Permission, check, require
from apps.ui import datewords
from apps.users.models import User


@require(Permission.CONTACT_REVEAL)
def change_list(request: HttpRequest) -> HttpResponse:
    """What waits, newest first. Opening it is on the trail."""
    waiting = PendingChange.objects.filter(state=PendingChange.State.OPEN, person__erased_at__isnull=True)
    page = keyset(waiting, request.GET.get("after", ""), total=waiting.count())
    people = selectors.open_people(
        actor=actor_of(request),
        purpose="confirm changed identity facts",
        ids=[row.person_id for row in page.items],
        with_consents=False,
    )
    staff = User.objects.in_bulk([row.asked_by_id for row in page.items if row.asked_by_id])
    rows = [
        {
            "id": row.pk,
            "version": row.version,
            "person": people[row.person_id],
            "facts": [
                {"label": identity_facts.FACTS[name], **_said(name, people[row.person_id].profile.get(name), value)}
                for name, value in values_of(row, people[row.person_id].profile_key).items()
            ],
            "who": staff[row.asked_by_id].name if row.asked_by_id in staff else "An import",
            "job": row.job,
            "at": row.asked_at,
        }
        for row in page.items
        if row.person_id in people
    ]
    return render(request, "contacts/changes.html", {"page": page, "rows": rows})


@require(Permission.CONTACT_REVEAL)
@require_POST
def change_decide(request: HttpRequest) -> HttpResponse:
    """Confirm or decline the chosen changes."""
    check(request, Permission.CONTACT_EDIT)
    seen = _seen(request.POST.getlist("chosen"))
    confirm = request.POST.get("act") == "confirm"
    if not seen:
        messages.error(request, "Nothing was chosen. Tick the people first.")
        return redirect("contacts:changes")
    try:
        done = services.changes_decide(
            actor=actor_of(request),
            ids=sorted(seen),
            confirm=confirm,
            seen=seen,
        )
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        if done:
            messages.success(request, f"Changes of {_people(done)} {'confirmed' if confirm else 'declined'}.")
        if left := len(seen) - done:
            said = "changed again, or were decided, while you looked. See what is there now."
            messages.warning(request, f"Changes of {_people(left)} {said}")
    return redirect("contacts:changes")


def _seen(chosen: list[str]) -> dict[int, int]:
    """Id to version of the ticked changes, as the page wrote them ("12.3")."""
    pairs = [value.partition(".")[::2] for value in chosen]
    found = {whole(number, 0): whole(version, 0) for number, version in pairs}
    return {number: version for number, version in found.items() if number}


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def _said(name: str, before: Any, after: Any) -> dict[str, str]:
    def words(value: Any) -> str:
        if value in (None, ""):
            return "nothing"
        if name == "birth_date":
            return datewords.day(date.fromisoformat(value))
        if name == "relation":
            return dict(fields.RELATIONS).get(str(value), str(value))
        return f"Person {value}" if name == "guardian_id" else str(value)

    return {"before": words(before), "after": words(after)}
