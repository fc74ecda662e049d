"""The menu: what the role may open, in the order of work."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from apps.core.permissions import Permission, allows, role_of


@dataclass(frozen=True)
class Entry:
    """A row of the left bar. ``url_name`` is a URL name; its namespace decides which entry is chosen."""

    label: str
    url_name: str
    icon: str
    permission: Permission
    group: str = "work"  # work | watch


@dataclass(frozen=True)
class Shown:
    label: str
    url: str
    icon: str
    group: str
    chosen: bool


MENU = [
    Entry("Home", "analytics:home", "home", Permission.HOME),
    Entry("Contacts", "contacts:list", "users", Permission.CONTACT_VIEW),
    Entry("Segments", "segments:list", "filter", Permission.SEGMENT_VIEW),
    Entry("Templates", "content:list", "template", Permission.TEMPLATE_VIEW),
    Entry("Campaigns", "campaigns:list", "send", Permission.CAMPAIGN_VIEW),
    Entry("Journeys", "journeys:list", "route", Permission.JOURNEY_VIEW),
    Entry("Inbox", "portal:inbox", "inbox", Permission.INBOX_VIEW),
    Entry("Delivery", "delivery:overview", "truck-delivery", Permission.DELIVERY_VIEW, "watch"),
    Entry("Audit", "audit:trail", "history", Permission.AUDIT_VIEW, "watch"),
    Entry("Compliance", "compliance:overview", "shield-check", Permission.COMPLIANCE_VIEW, "watch"),
    Entry("Settings", "users:settings", "settings", Permission.ORGANIZATION_EDIT, "watch"),
]


def menu(request: HttpRequest) -> list[Shown]:
    """The entries the signed-in person may open. An entry whose app is not installed is left out."""
    role = role_of(request)
    shown = []
    for entry in MENU:
        if not allows(role, entry.permission):
            continue
        try:
            url = reverse(entry.url_name)
        except NoReverseMatch:
            continue
        shown.append(Shown(entry.label, url, entry.icon, entry.group, chosen=_is_here(request.path, url)))
    return shown


def _is_here(path: str, url: str) -> bool:
    return path == url if url == "/" else path.startswith(url)
