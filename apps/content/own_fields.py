"""Merge fields of the labs and the attributes of people that the organization declared itself."""

from __future__ import annotations

from apps.contacts.attributes import definitions as attributes
from apps.contacts.models import AttributeDefinition
from apps.contacts.timeline.results import LABS
from apps.content.fields import MergeField, lab_fields
from apps.vault import sealing


def own_fields() -> tuple[MergeField, ...]:
    """Merge fields of what the organization declared itself: ``lab.own_…`` and ``attributes.NAME``."""
    types = {"date": "date"}
    samples: dict[str, object] = {"date": "2026-01-15", "number": 42, "yes_no": True}
    found = []
    for row in AttributeDefinition.objects.filter(retired_at__isnull=True).order_by("pk"):
        about = sealing.open_service(row.sealed, table=attributes.TABLE, row=row.pk)
        name = str(about["name"])
        if name.isidentifier():
            label, type_ = str(about.get("label") or name), types.get(row.type, "text")
            sample = samples.get(row.type, "Example")
            found.append(MergeField(f"attributes.{name}", label, type_, row.level, sample, "Own attributes"))
    return (*lab_fields(LABS.own().values()), *found)
