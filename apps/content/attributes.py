"""Merge fields of the attributes that the organization added to its people."""

from __future__ import annotations

from apps.contacts.attributes import definitions as attributes
from apps.contacts.models import AttributeDefinition
from apps.content.fields import MergeField
from apps.vault import sealing


def attribute_fields() -> tuple[MergeField, ...]:
    """Merge fields of the attributes that the organization added: ``attributes.NAME``."""
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
    return tuple(found)
