"""What the pages of delivery share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from apps.audit.actions import Action
from apps.contacts.person import selectors as contacts
from apps.contacts.person.masking import Eyes
from apps.core.actors import actor_of
from apps.core.permissions import Permission, allows, may, role_of


def may_edit(request: HttpRequest) -> bool:
    """Whether the signed-in person may change how mail leaves."""
    return may(request, Permission.DELIVERY_EDIT)


def tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    """The tabs on every page of delivery that its reader may open."""
    entries = [
        ("Messages", "overview"),
        ("Mail servers", "servers"),
        ("List hygiene", "hygiene"),
        ("Suppressions", "suppressions"),
    ]
    if may_edit(request):
        entries += [("Settings", "settings"), ("Signing keys", "signing_keys"), ("Test", "test")]
    return [{"label": label, "url": reverse(f"delivery:{name}"), "current": name == current} for label, name in entries]


def people_shown(request: HttpRequest, ids: Iterable[int | None]) -> dict[int | None, tuple[str, str]]:
    """Name, as the reader may see it, and page of people; on the trail before anything is shown.

    Who may not look at people sees numbers; an erased person has no page, and nobody ("—") is there for None.
    """
    role = role_of(request)
    wanted = sorted({number for number in ids if number is not None})
    shown: dict[int | None, tuple[str, str]] = {None: ("—", "")}
    if not allows(role, Permission.CONTACT_VIEW):
        return shown | {number: (f"Contact {number}", "") for number in wanted}
    found = {}
    if wanted:
        found = contacts.open_followed(
            actor=actor_of(request), purpose="delivery", ids=wanted, action=Action.CONTACT_LIST
        )
    eyes = Eyes(role)
    for number in wanted:
        record = found.get(number)
        page = reverse("contacts:person", args=[number])
        shown[number] = (eyes.name(record), page) if record is not None else ("Erased person", "")
    return shown


def person_url(person_id: int | None) -> str:
    """The person's page, or "" where there is none."""
    return reverse("contacts:person", args=[person_id]) if person_id is not None else ""
