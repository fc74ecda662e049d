"""What the pages of delivery share."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from apps.core.actors import Actor
from apps.core.permissions import Permission, allows


def actor_of(request: HttpRequest) -> Actor:
    """Who acts (set by the middleware)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def may_edit(request: HttpRequest) -> bool:
    """Whether the signed-in person may change how mail leaves."""
    return allows(getattr(request.user, "role", ""), Permission.DELIVERY_EDIT)


def tabs(request: HttpRequest, current: str) -> list[dict[str, Any]]:
    """The tabs on every page of delivery that its reader may open."""
    entries = [("Messages", "overview"), ("Mail servers", "servers"), ("List hygiene", "hygiene")]
    if may_edit(request):
        entries += [("Settings", "settings"), ("Signing keys", "signing_keys"), ("Test", "test")]
    return [{"label": label, "url": reverse(f"delivery:{name}"), "current": name == current} for label, name in entries]


def person_url(person_id: int | None) -> str:
    """The person's page, or "" where there is none."""
    if person_id is None:
        return ""
    try:
        return reverse("contacts:person", args=[person_id])
    except NoReverseMatch:
        return ""
