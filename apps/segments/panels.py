"""The tab "Segments" of the person page: which the person is in, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from apps.contacts.person import panels
from apps.contacts.person.records import PersonRecord
from apps.core.errors import Refused
from apps.core.permissions import Permission
from apps.segments import explaining, selectors


def segments_of(request: HttpRequest, record: PersonRecord) -> Mapping[str, Any]:
    """All segments, those the person is in first, by the search tokens; "why" opens the record."""
    everyone = selectors.everyone()
    try:
        inside = explaining.memberships(record.id, everyone)
    except Refused as slow:
        return {"problem": str(slow)}
    rows = [(segment, inside.get(segment.id, False)) for segment in everyone]
    return {"rows": sorted(rows, key=lambda row: not row[1]), "person_id": record.id}


def register() -> None:
    """Called when Django is ready."""
    panels.register(
        panels.Panel(
            "segments",
            "Segments",
            "segments/panel.html",
            segments_of,
            permission=Permission.SEGMENT_VIEW,
            order=40,
        )
    )
