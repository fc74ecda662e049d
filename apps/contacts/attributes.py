"""Attributes that the installation added, by name."""

from __future__ import annotations

from apps.contacts.models import AttributeDefinition
from apps.vault import sealing

TABLE = "contacts_attributedefinition"


def types() -> dict[str, str]:
    """Name to type (text, choice, date, number, yes_no) of every own attribute."""
    found: dict[str, str] = {}
    for row in AttributeDefinition.objects.all():
        facts = sealing.open_service(row.sealed, table=TABLE, row=row.pk)
        found[facts["name"]] = row.type
    return found
