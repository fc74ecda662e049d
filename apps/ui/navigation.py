"""The menu: what the role may open, in the order of work."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from apps.core.permissions import Permission, allows, role_of


@dataclass(frozen=True)
class Entry:
    """A row of the left bar. Pages below ``url_name`` choose it, and those below ``also``, which another app has."""

    label: str
    url_name: str
    icon: str
    permission: Permission
    group: str = "work"  # work | watch
    also: str = ""


@dataclass(frozen=True)
class Shown:
    label: str
    url: str
    icon: str
    group: str
    chosen: bool


MENU = [
    Entry("Home", "dashboard:home", "home", Permission.HOME),
    Entry("Contacts", "contacts:list", "users", Permission.CONTACT_VIEW),
    Entry("Segments", "segments:list", "filter", Permission.SEGMENT_VIEW),
    Entry("Templates", "content:list", "template", Permission.TEMPLATE_VIEW),
    Entry("Campaigns", "campaigns:list", "send", Permission.CAMPAIGN_VIEW),
    Entry("Journeys", "journeys:list", "route", Permission.JOURNEY_VIEW),
    Entry("Inbox", "portal:inbox", "inbox", Permission.INBOX_VIEW, also="delivery:mail_list"),
    Entry("Delivery", "delivery:overview", "truck-delivery", Permission.DELIVERY_VIEW, "watch"),
    Entry("Audit", "audit:trail", "history", Permission.AUDIT_VIEW, "watch"),
    Entry("Compliance", "compliance:overview", "shield-check", Permission.COMPLIANCE_VIEW, "watch"),
    Entry("Settings", "users:settings", "settings", Permission.ORGANIZATION_EDIT, "watch"),
]


def menu(request: HttpRequest) -> list[Shown]:
    """The entries the signed-in person may open. An entry whose app is not installed is left out."""
    role = role_of(request)
    found = []
    for entry in MENU:
        url = _url(entry.url_name)
        if url and allows(role, entry.permission):
            near = max(_nearness(request.path, url), _nearness(request.path, _url(entry.also)))
            found.append((entry, url, near))
    nearest = max((near for _, _, near in found), default=0)
    return [
        Shown(entry.label, url, entry.icon, entry.group, chosen=bool(near) and near == nearest)
        for entry, url, near in found
    ]


def _url(name: str) -> str:
    try:
        return reverse(name) if name else ""
    except NoReverseMatch:
        return ""


def _nearness(path: str, url: str) -> int:
    """How much of the address an entry explains; 0 for a page that is not below it."""
    here = path == url if url == "/" else bool(url) and path.startswith(url)
    return len(url) if here else 0
