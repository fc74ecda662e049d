"""Sections of the person page that higher layers bring: messages, segments, keys, portal.

An app registers its panels when it is ready; contacts never imports upwards.

    # apps/delivery/apps.py, in ready():
    panels.register(panels.Panel("messages", "Messages", "delivery/panels/messages.html", panel.messages))

The loader gets the request and the opened record and returns the template's variables. It runs only when its tab is
opened (or, with ``place="side"``, on the overview), under the permission named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from apps.contacts.person.records import PersonRecord
from apps.core.permissions import Permission, allows

Loader = Callable[[HttpRequest, PersonRecord], Mapping[str, Any]]


@dataclass(frozen=True)
class Panel:
    """``key`` is a word of the address; ``place`` tab or side; ``order`` from left to right, from top to bottom."""

    key: str
    title: str
    template: str
    loader: Loader
    permission: Permission = Permission.CONTACT_VIEW
    order: int = 50
    place: str = "tab"


_PANELS: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    """Add a panel; a second one of the same key takes the place of the first."""
    _PANELS[panel.key] = panel


def panels(role: str, place: str) -> list[Panel]:
    """The panels of a place that ``role`` may open, in order."""
    found = [panel for panel in _PANELS.values() if panel.place == place and allows(role, panel.permission)]
    return sorted(found, key=lambda panel: (panel.order, panel.key))


def panel(role: str, key: str) -> Panel | None:
    """The tab called ``key``, if there is one that ``role`` may open."""
    return next((found for found in panels(role, "tab") if found.key == key), None)
